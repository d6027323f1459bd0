package cachestore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestClearDeletesOnlyAtItsCheckpoint(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	if got, err := p.Clear(t.Context(), at(2)); err != nil || got != at(1) {
		t.Fatalf("%v %v, want the stored checkpoint", got, err)
	}
	wantPrice(t, p, "BTC/USDT", "1")
	if got, err := p.Clear(t.Context(), at(1)); err != nil || got != at(1) {
		t.Fatalf("%v %v", got, err)
	}
	wantPrice(t, p, "BTC/USDT", "")
	if got, err := p.Checkpoint(t.Context()); err != nil || got != at(1) {
		t.Fatalf("the checkpoint is %v (%v)", got, err)
	}
}

func TestOfTwoThatBeginAnewOneWinsAndTheOtherLearnsIt(t *testing.T) {
	t.Parallel()
	s := testserver.SharedStore(t)
	for round := range 20 {
		p := s.Partition(fmt.Sprintf("TICKS_%d", round))
		apply(t, p, domain.Checkpoint{}, at(9), p.NewBatch())
		told := make([]domain.Checkpoint, 4)
		var group sync.WaitGroup
		for i := range told {
			group.Go(func() {
				var err error
				if told[i], err = p.Begin(t.Context(), domain.Checkpoint{Epoch: uint64(i + 10), Created: 7}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		final, err := p.Checkpoint(t.Context())
		if err != nil || final.Seq != 0 || final.Epoch < 10 || told[final.Epoch-10] != final {
			t.Fatalf("stored is %v (%v), told was %v", final, err, told)
		}
		// Who was told of a checkpoint that was replaced since cannot go on.
		for _, c := range told {
			if c == final {
				continue
			}
			next := c
			next.Seq = 1
			if got, err := p.Apply(t.Context(), c, next, p.NewBatch()); err != nil || got != final {
				t.Fatalf("went on from %v: %v (%v), stored is %v", c, got, err, final)
			}
		}
	}
}

func TestAnUnreadableCheckpointIsUnknownUntilBegun(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	checkpoint := key(stream, "checkpoint")
	for what, spoil := range map[string]func() error{
		"garbage":      func() error { return rdb.Set(t.Context(), checkpoint, "garbage\x00", 0).Err() },
		"another type": func() error { return rdb.HSet(t.Context(), checkpoint, "a", "b").Err() },
	} {
		p := s.Partition(stream)
		if err := rdb.Del(t.Context(), checkpoint).Err(); err != nil {
			t.Fatal(err)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if c, err := p.Checkpoint(t.Context()); !errors.Is(err, domain.ErrUnknown) || !c.IsZero() {
			t.Errorf("%s: %v %v", what, c, err)
		}
		if _, err := p.Apply(t.Context(), domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1)); !errors.Is(err, domain.ErrUnknown) {
			t.Errorf("%s: Apply: %v", what, err)
		}
		if _, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", noon); !errors.Is(err, domain.ErrUnknown) {
			t.Errorf("%s: Tick: %v", what, err)
		}
		if got, err := p.Begin(t.Context(), at(0)); err != nil || got != at(0) {
			t.Errorf("%s: Begin: %v %v", what, got, err)
		}
		wantPrice(t, p, "BTC/USDT", "")
	}
}

func TestPrefixesAndStreamsAreApart(t *testing.T) {
	t.Parallel()
	r := testserver.NewRedis(t)
	open := func(prefix, stream string) *cachestore.Partition {
		s, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{r.Addr}, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s.Partition(stream)
	}
	// Each of these would match others if it were a pattern, or a beginning.
	var all []*cachestore.Partition
	for _, prefix := range []string{"a:", "a*", "?:", "[ab]:", `a\:`, "a:a:", "^", "ab:", ""} {
		all = append(all, open(prefix, "TICKS_1"), open(prefix, "TICKS_10"))
	}
	for i, p := range all {
		apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", i+1, 1))
	}
	for i, p := range all {
		wantPrice(t, p, "BTC/USDT", fmt.Sprint(i+1))
		if got, err := p.Clear(t.Context(), at(1)); err != nil || got != at(1) {
			t.Fatalf("%v %v", got, err)
		}
		wantPrice(t, p, "BTC/USDT", "")
	}
}

func TestARedisThatEvictsIsRefused(t *testing.T) {
	t.Parallel()
	r, _, rdb := own(t)
	if err := rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{r.Addr}})
	if !errors.Is(err, domain.ErrMismatch) || !strings.Contains(err.Error(), "allkeys-lru") || !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("got %v", err)
	}
	if err := rdb.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	s, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{r.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}
