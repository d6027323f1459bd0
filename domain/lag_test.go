package domain_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func TestLag(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	timeOf := func(seq uint64) (int64, error) {
		switch {
		case seq == 7: // replaced by a later one
			return 0, domain.ErrNotFound
		case seq > 20:
			return 0, domain.ErrUnreachable
		}
		return now.Add(time.Duration(seq)*time.Second - 20*time.Second).UnixNano(), nil
	}
	for _, c := range []struct {
		what        string
		at          domain.Checkpoint
		first, last uint64
		want        domain.Lag
	}{
		{"an empty stream", domain.Checkpoint{}, 1, 0, domain.Lag{}},
		{"nothing folded", domain.Checkpoint{}, 1, 10, domain.Lag{Messages: 10, Age: 19 * time.Second}},
		{"all folded", domain.Checkpoint{Seq: 10}, 1, 10, domain.Lag{}},
		{"ahead of what was asked before", domain.Checkpoint{Seq: 11}, 1, 10, domain.Lag{}},
		{"some are missing", domain.Checkpoint{Seq: 3}, 1, 10, domain.Lag{Messages: 7, Age: 16 * time.Second}},
		{"some of them are dropped", domain.Checkpoint{Seq: 3}, 9, 10, domain.Lag{Messages: 7, Age: 11 * time.Second}},
		{"all of them are dropped", domain.Checkpoint{Seq: 3}, 11, 10, domain.Lag{Messages: 7}},
		{"the next was replaced", domain.Checkpoint{Seq: 6, Time: now.Add(-14 * time.Second).UnixNano()}, 1, 10, domain.Lag{Messages: 4, Age: 14 * time.Second}},
	} {
		got, err := c.at.LagIn(domain.Extent{First: c.first, Last: c.last, Now: now}, timeOf)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v (%v), want %+v", c.what, got, err, c.want)
		}
	}
	if _, err := (domain.Checkpoint{Seq: 20}).LagIn(domain.Extent{First: 1, Last: 30, Now: now}, timeOf); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
