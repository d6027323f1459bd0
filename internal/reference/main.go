// Command reference writes REFERENCE.md: what each verb of the Python library
// fullon_cache became.
//
//	go run ./internal/reference > REFERENCE.md
//
// Signatures and errors are read from the source of package client, subjects
// from package bus, so the document cannot say what the code does not.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

func main() {
	doc, err := generate(".")
	if err == nil {
		_, err = os.Stdout.Write(doc)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

const head = `# Reference

What each verb of the Python library fullon_cache became. This file is generated: ` + "`make reference`" + `.

- **Go** is a method of package ` + "`client`" + `, reached through the handle: ` + "`c.Ticks.Get(ctx, …)`" + `. Every one that asks a server takes a context first.
- **CLI** is what to put behind ` + "`fullon`" + `; all of it prints JSON with ` + "`--json`" + `.
- **Log** is where a write is stored, **Redis** the key that answers, behind the deployment's prefix. ` + "`<p>`" + ` is a partition, ` + "`<stream>`" + ` the name of one.
- **Errors** match ` + "`domain.Err…`" + ` with ` + "`errors.Is`" + `; a wrong argument is always ` + "`ErrInvalid`" + ` and names the field, the value and what is allowed.
`

// generate makes the document from the source tree at root.
func generate(root string) ([]byte, error) {
	verbs, said, err := readVerbs(root)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(head)
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| Python | Go | CLI | Log | Redis | Errors | |\n|---|---|---|---|---|---|---|\n", s.class)
		for _, r := range s.rows {
			v, ok := verbs[r.verb]
			if r.verb != "" && !ok {
				return nil, fmt.Errorf("%s.%s: there is no %s", s.class, r.seed, r.verb)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", code(strings.Fields(r.seed)...), code(v.signature), code(r.cli),
				code(subjectOf(r.kind)), code(r.key), strings.Join(r.errors(verbs, said), ", "), r.note)
		}
	}
	b.WriteString("\n## Defects\n\nWhat was wrong with the Python library, what is so here, and the tests that fail if it were not.\n\n| | It was | It is | Tests |\n|---|---|---|---|\n")
	for _, d := range defects {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d.number, d.was, d.now, code(d.tests...))
	}
	return b.Bytes(), nil
}

// code sets texts in code, and nothing for an empty one.
func code(texts ...string) string {
	var out []string
	for _, text := range texts {
		if text != "" {
			out = append(out, "`"+strings.ReplaceAll(text, "|", "\\|")+"`")
		}
	}
	return strings.Join(out, " ")
}

// subjectOf is the subject of a kind of events, with names in place of values.
func subjectOf(kind domain.Kind) string {
	if kind == "" {
		return ""
	}
	names := []string{"account", "exchange", "symbol", "currency", "timeframe", "client order id", "bot", "feed"}
	place := func(i int) string { return fmt.Sprintf("placeholder%d", i) }
	address, err := bus.Layout{Ticks: 1, Trades: 1, Accounts: 1}.Address(domain.Key{
		Kind: kind, Account: place(0), Exchange: place(1), Symbol: place(2), Currency: place(3),
		Timeframe: domain.Timeframe(place(4)), OrderID: place(5), Bot: place(6), BotFeed: place(7),
	})
	if err != nil {
		return err.Error()
	}
	subject := strings.Replace(address.Subject, ".0.", ".<p>.", 1)
	for i, name := range names {
		subject = strings.ReplaceAll(subject, place(i), "<"+name+">")
	}
	return subject
}
