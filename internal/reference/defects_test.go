package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/compose"
)

// testsOf lists the tests and benchmarks of the module, as folder and name.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found[filepath.ToSlash(folder)+" "+f.Name.Name] = true
			}
		}
		return err
	})
	if err != nil || len(found) < 100 {
		t.Fatalf("%d functions, %v", len(found), err)
	}
	return found
}

func TestEveryDefectHasATest(t *testing.T) {
	t.Parallel()
	tests := testsOf(t)
	listed := make(map[string]bool)
	for _, d := range defects {
		if len(d.tests) == 0 {
			t.Errorf("%s has no test", d.number)
		}
		for _, name := range d.tests {
			listed[name] = true
			if !tests[name] {
				t.Errorf("%s: there is no test %s", d.number, name)
			}
		}
	}
	// And the other way round: a test that is named after a defect is in the table.
	numbered := regexp.MustCompile(` TestD(\d+)[A-Z]`)
	for name := range tests {
		if numbered.MatchString(name) && !listed[name] {
			t.Errorf("%s is not in the table of defects", name)
		}
	}
}

// D46: the library's documents claimed reconnection, breakers and figures that
// nothing in it had.
func TestD46WhatTheDocumentsNameExists(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, name := range []string{"README.md", "BENCHMARKS.md", "CHANGELOG.md"} {
		body, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		text.Write(body)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t)
	names := make(map[string]bool)
	for name := range tests {
		_, name, _ := strings.Cut(name, " ")
		names[name] = true
	}
	for _, name := range regexp.MustCompile(`\b(?:Test|Benchmark|Example|Fuzz)[A-Z]\w+`).FindAllString(text.String(), -1) {
		if !names[name] {
			t.Errorf("there is no %s", name)
		}
	}
	for _, match := range regexp.MustCompile("`make ([a-z-]+)`").FindAllStringSubmatch(text.String(), -1) {
		if !strings.Contains(string(makefile), "\n"+match[1]+":") {
			t.Errorf("there is no target %s", match[1])
		}
	}
	commands := compose.Commands()
	for _, match := range regexp.MustCompile("`fullon ([a-z]+)(?: ([a-z]+))?").FindAllStringSubmatch(text.String(), -1) {
		whole := strings.TrimSpace(match[1] + " " + match[2])
		if !slices.ContainsFunc(commands, func(c string) bool {
			return c == match[1] || c == whole || match[2] == "" && strings.HasPrefix(c, match[1]+" ")
		}) {
			t.Errorf("there is no command %q", whole)
		}
	}
	// A figure is one of a benchmark that can be run again.
	benchmarks := 0
	for name := range tests {
		if strings.HasPrefix(name, "internal/bench Benchmark") {
			benchmarks++
		}
	}
	if benchmarks == 0 || !strings.Contains(string(makefile), "./internal/bench") {
		t.Error("'make bench' runs no benchmarks")
	}
}
