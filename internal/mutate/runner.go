package main

import (
	"strings"
	"time"
)

// runner is what must fail when a guard is taken away: a go command that draws
// from a seed.
type runner struct {
	args      func(seed string) []string
	seeds     []string // to try until one notices
	complains func(line string) bool
}

const (
	// limit bounds one run.
	limit = 6 * time.Minute
	// buildLimit bounds the build before it, which a busy machine takes long for.
	buildLimit = 10 * time.Minute
)

// orders is the test that orders are sent once.
var orders = runner{
	args: func(string) []string {
		return []string{"test", "-count", "1", "-timeout", limit.String(), "-run", "^TestEachOrderIsSentOnceWhateverBreaks$", "./internal/acceptance"}
	},
	seeds: []string{"1", "2", "3"},
	complains: func(line string) bool {
		at, text, _ := strings.Cut(line, ": ")
		figures := strings.HasPrefix(text, "FULLON_SEED") || strings.HasPrefix(text, "trouble:") || strings.HasPrefix(text, "leases:") ||
			text != "" && strings.ContainsAny(text[:1], "0123456789")
		return strings.Contains(at, "_test.go:") && !figures
	},
}

// intents are the tests of what an intent depends on, in races that the whole of the
// order path seldom runs into.
var intents = runner{
	args: func(string) []string {
		return []string{"test", "-count", "1", "-timeout", limit.String(), "-run", "Intent|OfManyOrders|AnOrderIsNotSent", "./client"}
	},
	seeds: []string{"1"},
	complains: func(line string) bool {
		return strings.Contains(line, "order_intent_test.go:") || strings.Contains(line, "order_fences_test.go:")
	},
}

// writes is the test of what the writes of a batch have to do with its checkpoint:
// the moment in between is too short for a projector to be killed in it by chance.
var writes = runner{
	args: func(string) []string {
		return []string{"test", "-count", "1", "-timeout", limit.String(), "-run", "^TestD1NoReaderSeesHalfOfAnEvent$", "./internal/projector"}
	},
	seeds:     []string{"1"},
	complains: func(line string) bool { return strings.Contains(line, "halfstate_test.go:") },
}

// chaos is the program that breaks a whole deployment.
var chaos = runner{
	args:      func(seed string) []string { return []string{"run", "./internal/chaos", "-seed", seed, "-for", "20s"} },
	seeds:     []string{"11", "16", "1", "2", "3", "4"}, // the first two replace a stream and wipe nothing after it
	complains: func(line string) bool { return strings.HasPrefix(line, "FAIL seed") },
}

// complaint is what it said first of what is wrong; empty: it failed, if it did,
// for another reason.
func (r runner) complaint(out string) string {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); r.complains(line) {
			return line
		}
	}
	return ""
}
