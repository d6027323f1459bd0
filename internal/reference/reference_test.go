package main

import (
	"bytes"
	_ "embed"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/compose"
)

const root = "../.."

//go:embed seed.txt
var seed string

// wanted is every verb of the Python library.
func wanted() []string {
	var verbs []string
	for line := range strings.Lines(seed) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			verbs = append(verbs, line)
		}
	}
	return verbs
}

func TestD6EveryVerbOfThePythonLibraryHasOneRow(t *testing.T) {
	t.Parallel()
	rows := make(map[string]int)
	for _, s := range sections {
		for class := range strings.SplitSeq(s.class, ", ") {
			for _, r := range s.rows {
				for _, name := range strings.Fields(r.seed) {
					rows[class+"."+name]++
				}
			}
		}
	}
	known := make(map[string]bool)
	for _, name := range wanted() {
		known[name] = true
		if rows[name] != 1 {
			t.Errorf("%s has %d rows", name, rows[name])
		}
	}
	for _, s := range sections {
		for _, r := range s.rows {
			for _, name := range strings.Fields(r.seed) {
				if !slices.ContainsFunc(strings.Split(s.class, ", "), func(class string) bool { return known[class+"."+name] }) {
					t.Errorf("%s.%s is no verb of the seed", s.class, name)
				}
			}
		}
	}
}

func TestD6EveryRowHasCode(t *testing.T) {
	t.Parallel()
	verbs, said, err := readVerbs(root)
	if err != nil {
		t.Fatal(err)
	}
	commands := compose.Commands()
	keys, err := os.ReadFile(filepath.Join(root, "cachestore", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sections {
		for _, r := range s.rows {
			if r.verb == "" && r.note == "" {
				t.Errorf("%s.%s: neither a verb nor a reason", s.class, r.seed)
			}
			if _, ok := verbs[r.verb]; r.verb != "" && !ok {
				t.Errorf("%s.%s: there is no %s", s.class, r.seed, r.verb)
			}
			if v := verbs[r.verb]; v.fails && len(r.errors(verbs, said)) == 0 {
				t.Errorf("%s.%s: nobody says what errors %s returns", s.class, r.seed, r.verb)
			}
			if r.cli != "" && !slices.Contains(commands, r.cli) {
				t.Errorf("%s.%s: there is no command %q", s.class, r.seed, r.cli)
			}
			if r.key != "" && !strings.Contains(string(keys), "<prefix>"+r.key+" ") && !strings.Contains(string(keys), "<prefix>"+r.key+",") {
				t.Errorf("%s.%s: package cachestore documents no key %s", s.class, r.seed, r.key)
			}
		}
	}
}

func TestTheDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "REFERENCE.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("REFERENCE.md is not what the code says: run 'make reference'")
	}
}
