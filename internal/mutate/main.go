// Command mutate removes the guards of the order path, one at a time in a copy
// of the tree, and runs the test that orders are sent once: it must fail each
// time. A guard whose removal no seed notices is one that nothing tests, or one
// that is not needed. It ends with exit code 1 then.
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

// mutation takes one guard away.
type mutation struct {
	name     string
	file     string
	old, new string // old must be there exactly once
}

var mutations = []mutation{
	{
		name: "lease-owner", file: "cachestore/scripts/orders_lease.lua",
		old: "if token ~= ARGV[3] or id ~= ARGV[2] or (tonumber(ends) <= now and ARGV[5] ~= 'grace') then",
		new: "if not token then",
	},
	{
		name: "intent-compare-and-set", file: "client/order_intent.go",
		old: "changes = append(changes, bus.Change{Event: states[i], Last: states[i].Sequence})",
		new: `last := states[i].Sequence
			if now, err := o.newest(ctx, states[i].Exchange, states[i].ID); err == nil {
				last = now.last
			}
			changes = append(changes, bus.Change{Event: states[i], Last: last})`,
	},
	{
		name: "block-condition", file: "client/order_intent.go",
		old: "If: market, Last: d.BlockSeq}",
		new: "If: market, Last: func() uint64 { _, seq, _ := o.client.Bots.newest(ctx, market); return seq }()}",
	},
	{
		name: "lapsed-block-condition", file: "client/order_intent.go",
		old: "fences = append(fences, lapsed[i])",
		new: "_ = lapsed",
	},
	{
		name: "query-before-resend", file: "internal/orderworker/worker.go",
		old: "if d.Status == domain.OrderNew || d.Status == domain.OrderNotFound {",
		new: "if d.Status == domain.OrderIntent || d.Status == domain.OrderUnknown {\n\t\t\td.Status = domain.OrderNotFound\n\t\t}\n\t\tif d.Status == domain.OrderNotFound || d.Status == domain.OrderNew {",
	},
	{
		name: "not-found-after-the-deadline-only", file: "internal/orderworker/submit.go",
		old: "sure := w.untilSure(o) <= 0",
		new: "sure := true",
	},
	{
		name: "create-once", file: "client/order_push.go",
		old: "stored, err := o.store(ctx, order, 0)",
		new: "now, _ := o.newest(ctx, order.Exchange, order.ID)\n\t\tstored, err := o.store(ctx, order, now.last)",
	},
}

// limit bounds one run of the test.
const limit = 6 * time.Minute

func main() {
	only := flag.String("only", "", "the one mutation to try")
	seeds := flag.String("seeds", "1,2,3", "seeds to try until one notices")
	flag.Parse()
	survived, err := run(context.Background(), *only, strings.Split(*seeds, ","))
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

// try runs the test with one guard taken away until it fails.
func try(ctx context.Context, dir string, m mutation, seeds []string) (caught bool, err error) {
	path := filepath.Join(dir, filepath.FromSlash(m.file))
	content, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if n := strings.Count(string(content), m.old); n != 1 {
		return false, fmt.Errorf("%s holds %d times:\n%s", m.file, n, m.old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(content), m.old, m.new, 1)), 0o600); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, content, 0o600)) }()
	if out, err := command(ctx, dir, "", "vet", "./client", "./internal/orderworker").CombinedOutput(); err != nil {
		return false, fmt.Errorf("it does not compile: %w\n%s", err, out)
	}
	for _, seed := range seeds {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(ctx, limit)
		out, err := command(ctx, dir, seed, "test", "-count", "1", "-timeout", limit.String(), "-run", "^TestEachOrderIsSentOnceWhateverBreaks$", "./internal/acceptance").CombinedOutput()
		cancel()
		if err != nil {
			fmt.Printf("%-34s noticed with seed %s after %s: %s\n", m.name, seed, time.Since(begun).Round(time.Second), complaint(string(out)))
			return true, nil
		}
		fmt.Printf("%-34s not noticed with seed %s\n", m.name, seed)
	}
	return false, nil
}

// command is a go command in a copy of the tree. The test runs unhurried, so
// that what fails fails for the guard.
func command(ctx context.Context, dir, seed string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "FULLON_SEED="+seed)
	return cmd
}

// complaint is what a test said first, besides its figures.
func complaint(out string) string {
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if at, text, ok := strings.Cut(line, ": "); ok && strings.HasPrefix(at, "orders_") && !strings.HasPrefix(text, "FULLON_SEED") &&
			!strings.HasPrefix(text, "trouble:") && !strings.HasPrefix(text, "leases:") && !strings.ContainsAny(text[:1], "0123456789") {
			return line
		}
	}
	return "see its output:\n" + out
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
