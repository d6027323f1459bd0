// Command mutate removes guards, of the order path and of the projection, one at a
// time in a copy of the tree, and runs what must notice: the test that orders are
// sent once, 'make chaos', or, where those seldom run into the moment that counts, a
// test of that moment. It must fail each time. A guard whose removal no seed notices
// is one that nothing tests, or one that is not needed. It ends with exit code 1 then.
//
//	go run ./internal/mutate [-only name] [-seeds 1,2,3]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "the one mutation to try")
	seeds := flag.String("seeds", "", "seeds to try until one notices, like 1,2,3 (default: some)")
	flag.Parse()
	survived, err := run(context.Background(), *only, strings.FieldsFunc(*seeds, func(r rune) bool { return r == ',' }))
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if len(survived) > 0 {
		fmt.Println("not noticed:", strings.Join(survived, ", "))
		os.Exit(1)
	}
	fmt.Println("the absence of each guard was noticed")
}

// run tries the mutations and returns those that no seed noticed.
func run(ctx context.Context, only string, seeds []string) (survived []string, err error) {
	dir, err := os.MkdirTemp("", "fullon-mutate-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := copyTree(dir); err != nil {
		return nil, err
	}
	tried := 0
	for _, m := range mutations {
		if only != "" && only != m.name {
			continue
		}
		tried++
		caught, err := try(ctx, dir, m, seeds)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if !caught {
			survived = append(survived, m.name)
		}
	}
	if tried == 0 {
		return nil, fmt.Errorf("no mutation is called %q", only)
	}
	return survived, nil
}

// try runs what must notice with one guard taken away, until it fails.
func try(ctx context.Context, dir string, m mutation, seeds []string) (caught bool, err error) {
	vet := []string{"vet"}
	for _, e := range m.edits {
		restore, err := e.apply(dir)
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, restore()) }()
		vet = append(vet, "./"+filepath.ToSlash(filepath.Dir(strings.Replace(e.file, "/scripts/", "/", 1))))
	}
	if out, err := command(ctx, dir, "", vet...).CombinedOutput(); err != nil {
		return false, fmt.Errorf("it does not compile: %w\n%s", err, out)
	}
	if len(seeds) == 0 {
		seeds = m.noticed.seeds
	}
	for _, seed := range seeds {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(ctx, buildLimit+limit)
		out, err := command(ctx, dir, seed, m.noticed.args(seed)...).CombinedOutput()
		cancel()
		complaint := m.noticed.complaint(string(out))
		switch {
		case err != nil && complaint == "":
			return false, fmt.Errorf("seed %s failed for another reason: %w\n%s", seed, err, out)
		case err != nil:
			fmt.Printf("%-34s noticed with seed %s after %s: %s\n", m.name, seed, time.Since(begun).Round(time.Second), complaint)
			return true, nil
		}
		fmt.Printf("%-34s not noticed with seed %s\n", m.name, seed)
	}
	return false, nil
}

// apply replaces the text in a copy of the tree, until restore.
func (e edit) apply(dir string) (restore func() error, err error) {
	path := filepath.Join(dir, filepath.FromSlash(e.file))
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(content), e.old); n != 1 {
		return nil, fmt.Errorf("%s holds %d times:\n%s", e.file, n, e.old)
	}
	restore = func() error { return os.WriteFile(path, content, 0o600) }
	return restore, os.WriteFile(path, []byte(strings.Replace(string(content), e.old, e.new, 1)), 0o600)
}

// command is a go command in a copy of the tree. The test runs unhurried, so
// that what fails fails for the guard.
func command(ctx context.Context, dir, seed string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FULLON_SEED="+seed)
	return cmd
}

// copyTree copies what is needed to build and test.
func copyTree(dir string) error {
	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case path != "." && strings.HasPrefix(name, "."), d.IsDir() && name == "bin":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o750)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := root.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), content, 0o600)
	})
}
