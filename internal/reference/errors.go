package main

import (
	"regexp"
	"slices"
	"strings"
)

// comments tells the errors of verbs by what the comments of the methods and
// their types say.
type comments struct {
	methods map[string]string // by Type.Method
	types   map[string]string
}

var (
	// of finds where a comment sends its reader: "errors as for Get", "the errors
	// of writes and reads are those of Venues".
	of      = regexp.MustCompile(`(?:rrors as for|are those of) ([A-Z]\w*)`)
	without = regexp.MustCompile(`without domain\.(Err\w+)`)
)

// errors lists what a verb's error may match. What the comment of the method says
// comes first; unless that names all, by way of naming what happens when a server
// is away, what its type says of writes or reads goes for it as well.
func (c comments) errors(name string, writes bool) []string {
	receiver, _, _ := strings.Cut(name, ".")
	comment := oneLine(c.methods[name])
	found := errorsIn(comment)
	whole := slices.Contains(found, "ErrUnreachable") && strings.Contains(comment, "match") && !strings.Contains(comment, "also")
	if to := of.FindStringSubmatch(comment); to != nil && receiver+"."+to[1] != name && c.methods[receiver+"."+to[1]] != "" {
		found, whole = union(found, c.errors(receiver+"."+to[1], writes)), true
	}
	if !whole {
		found = union(found, c.ofType(receiver, writes))
	}
	for _, not := range without.FindAllStringSubmatch(comment, -1) {
		found = slices.DeleteFunc(found, func(err string) bool { return err == not[1] })
	}
	return found
}

// ofType lists what the comment of a type says of all its writes, or all its
// reads.
func (c comments) ofType(name string, writes bool) (found []string) {
	for paragraph := range strings.SplitSeq(c.types[name], "\n\n") {
		paragraph = oneLine(paragraph)
		if to := of.FindStringSubmatch(paragraph); to != nil && to[1] != name && c.types[to[1]] != "" {
			found = union(found, c.ofType(to[1], writes))
		}
		ofWrites, ofReads := strings.Contains(paragraph, "Writes"), strings.Contains(paragraph, "Reads")
		if ofWrites == ofReads || ofWrites == writes {
			found = union(found, errorsIn(paragraph))
		}
	}
	return found
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func union(names, more []string) []string {
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// named finds the errors of package domain in a text. A field error is an invalid
// argument.
var named = regexp.MustCompile(`domain\.(Err[A-Z]\w*)|\*(?:domain\.)?(FieldError)\b`)

// errorsIn lists the errors of package domain that a text names, in its order.
func errorsIn(text string) (found []string) {
	for _, match := range named.FindAllStringSubmatch(text, -1) {
		name := match[1]
		if match[2] != "" {
			name = "ErrInvalid"
		}
		found = union(found, []string{name})
	}
	return found
}
