package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// config says what a run does.
type config struct {
	Seed uint64
	For  time.Duration // how long things are broken
	Dir  string        // holds the binaries, and a folder for each seed
	Out  io.Writer
}

// Bounds of what comes beside the time in which things are broken.
const (
	startLimit = 60 * time.Second
	checkLimit = 3 * time.Minute
)

func main() { os.Exit(command()) }

// command returns the exit code.
func command() int {
	seeds := flag.Int("seeds", 1, "how many seeds to run, from 1 on")
	seed := flag.Uint64("seed", 0, "the one seed to run")
	length := flag.Duration("for", time.Minute, "how long things are broken, of each seed")
	dir := flag.String("dir", "", "folder for binaries and logs (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	first, last := uint64(1), uint64(max(1, *seeds))
	if *seed != 0 {
		first, last = *seed, *seed
	}
	failed, err := runSeeds(ctx, first, last, *length, *dir)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	case len(failed) > 0:
		fmt.Printf("FAILED: seeds %v of %d to %d\n", failed, first, last)
		return 1
	}
	fmt.Printf("passed: seeds %d to %d\n", first, last)
	return 0
}

// runSeeds runs one seed after the other and returns those that failed. The error
// is of what kept it from running them.
func runSeeds(ctx context.Context, first, last uint64, length time.Duration, dir string) (failed []uint64, err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "fullon-chaos-"); err != nil {
			return nil, err
		}
		defer func() {
			if len(failed) == 0 && err == nil {
				err = os.RemoveAll(dir)
			}
		}()
	}
	if err := build(dir); err != nil {
		return nil, err
	}
	for seed := first; seed <= last; seed++ {
		wrong, err := run(ctx, config{Seed: seed, For: length, Dir: dir, Out: os.Stdout})
		if ctx.Err() != nil {
			return failed, errors.New("interrupted")
		}
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		if len(wrong) > 0 {
			failed = append(failed, seed)
		}
		if !report(os.Stdout, dir, seed, length, wrong) {
			_ = os.RemoveAll(seedDir(dir, seed))
		}
	}
	return failed, nil
}

// mostShown bounds what is printed of one seed's complaints.
const mostShown = 40

// report says how a seed ended, and whether it failed.
func report(out io.Writer, dir string, seed uint64, length time.Duration, wrong []string) (failed bool) {
	if len(wrong) == 0 {
		_, _ = fmt.Fprintf(out, "seed %d: passed\n\n", seed)
		return false
	}
	for i, text := range wrong {
		if i == mostShown {
			_, _ = fmt.Fprintf(out, "FAIL seed %d: and %d more\n", seed, len(wrong)-i)
			break
		}
		_, _ = fmt.Fprintf(out, "FAIL seed %d: %s\n", seed, text)
	}
	_, _ = fmt.Fprintf(out, "seed %d: FAILED; logs are in %s; again with: make chaos SEED=%d FOR=%v\n\n", seed, seedDir(dir, seed), seed, length)
	return true
}
