package main

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/domain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One short seed; 'make chaos' runs many long ones.
func TestAShortSeedPasses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts servers")
	}
	dir := t.TempDir()
	if err := build(dir); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	wrong, err := run(t.Context(), config{Seed: 5, For: 6 * time.Second, Dir: dir, Out: &out})
	t.Logf("%s", &out)
	if err != nil {
		t.Error(err)
	}
	for _, text := range wrong {
		t.Error(text)
	}
}

func TestTheScheduleIsAFunctionOfTheSeed(t *testing.T) {
	t.Parallel()
	kinds := make(map[kind]int)
	for seed := range uint64(30) {
		schedule := scheduleOf(seed, time.Minute)
		if !slices.Equal(schedule, scheduleOf(seed, time.Minute)) {
			t.Errorf("seed %d has two schedules", seed)
		}
		if slices.Equal(schedule, scheduleOf(seed+1, time.Minute)) {
			t.Errorf("seeds %d and %d have the same schedule", seed, seed+1)
		}
		for _, a := range schedule {
			kinds[a.Kind]++
		}
	}
	for _, d := range decks {
		for k := range d.cards {
			if kinds[k] == 0 {
				t.Errorf("%q is never done", k)
			}
		}
	}
}

// What the checks would say of a log and a Redis that are wrong.
func TestTheChecksNoticeWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newSeries(domain.Key{Kind: domain.KindTrade, Exchange: exchange, Symbol: "BTC/USDT"})
	for range 5 {
		s.next()
	}
	for _, n := range []uint64{1, 2, 4} { // of 3 and 5 nobody knows
		s.ack(n, domain.LogPosition{Seq: n})
	}
	for name, c := range map[string]struct {
		events []logged
		wrong  bool
	}{
		"all":                     {[]logged{{1, 1}, {2, 2}, {4, 4}}, false},
		"unacknowledged ones too": {[]logged{{1, 1}, {2, 2}, {3, 5}, {4, 4}, {5, 3}}, false},
		"one again":               {[]logged{{1, 1}, {2, 2}, {3, 1}, {4, 4}}, false},
		"one is missing":          {[]logged{{1, 1}, {4, 4}}, true},
		"another order":           {[]logged{{1, 2}, {2, 1}, {4, 4}}, true},
		"elsewhere":               {[]logged{{1, 1}, {3, 2}, {4, 4}}, true},
		"a phantom":               {[]logged{{1, 1}, {2, 2}, {4, 4}, {5, 6}}, true},
	} {
		c1 := &checker{}
		c1.checkAcked(s, c.events)
		c1.firsts(s, c.events)
		if (len(c1.wrong) > 0) != c.wrong {
			t.Errorf("%s: %v", name, c1.wrong)
		}
	}
}
