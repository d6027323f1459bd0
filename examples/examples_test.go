// Package examples is tested by running the programs as their users do.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs are linked without what debuggers need: that takes half of the time.

// TestEveryExampleRuns runs all of them, on servers that they bring.
func TestEveryExampleRuns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and starts programs")
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", "-ldflags=-s -w", "./all", "-operations", "all", "-verbose").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range programs(t) {
		if name != "all" && !strings.Contains(string(out), "ok   "+name+": ") {
			t.Errorf("%s is not run by all:\n%s", name, out)
		}
	}
}

// TestAnExampleRunsAlone runs one on servers of its own.
func TestAnExampleRunsAlone(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and starts programs")
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", "-ldflags=-s -w", "./venues").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "ok   venues: ") {
		t.Fatalf("%v\n%.2000s", err, out)
	}
}

func TestAnExampleTellsWrongFlags(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds and starts programs")
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", "-ldflags=-s -w", "./ticks", "-operations", "some").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `ticks: -operations: "some" is not allowed: want basic or all`) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func programs(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/main.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = filepath.Base(filepath.Dir(file))
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	}
	return names
}
