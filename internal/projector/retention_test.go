package projector

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// agingLog is a log of 100 messages, one a second, that keeps 100 s.
type agingLog struct {
	Log
	begun, now time.Time
}

func (l agingLog) Extent(context.Context, string) (domain.Extent, error) {
	return domain.Extent{Created: 1, First: 1, Last: 100, Keeps: 100 * time.Second, Now: l.now}, nil
}

func (l agingLog) TimeOf(_ context.Context, _ string, seq uint64) (int64, error) {
	return l.begun.Add(time.Duration(seq) * time.Second).UnixNano(), nil
}

// Who falls behind so far that the log would soon drop what is not folded is told
// before, once, and once that it is over; a rebuild is not falling behind.
func TestNearingTheRetentionIsToldOnce(t *testing.T) {
	t.Parallel()
	begun := time.Unix(1_700_000_000, 0)
	var said bytes.Buffer
	cfg := Config{Log: slog.New(slog.NewTextHandler(&said, nil))}.withDefaults()
	w := newWorker(cfg, agingLog{begun: begun, now: begun.Add(100 * time.Second)}, testserver.SharedStore(t).Partition("TRADES_0"), nil)
	w.stats.attached.Store(true)
	look := func(epoch time.Time, folded uint64) float64 {
		w.stats.epoch.Store(uint64(epoch.UnixMilli()))
		w.stats.sequence.Store(folded)
		w.measure(t.Context())
		return w.stats.snapshot("TRADES_0").RetentionUsed
	}
	early, late := begun.Add(-time.Hour), begun.Add(time.Hour)
	for _, c := range []struct {
		epoch  time.Time
		folded uint64
		used   float64
		lines  int
	}{
		{early, 100, 0, 0}, {early, 80, 0.19, 0}, {early, 40, 0.59, 1}, {early, 9, 0.9, 1}, {early, 90, 0.09, 2}, {early, 40, 0.59, 3},
		{late, 0, 0, 4}, {late, 40, 0, 4},
	} {
		if used := look(c.epoch, c.folded); used < c.used-0.001 || used > c.used+0.001 || strings.Count(said.String(), "\n") != c.lines {
			t.Errorf("folded up to %d: %.2f used, want %.2f; said %d lines, want %d", c.folded, used, c.used, strings.Count(said.String(), "\n"), c.lines)
		}
	}
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "retention_used=0.59") {
		t.Errorf("said %s", &said)
	}
}

// A partition that another projector folds now is not behind, however long ago
// this one has left it.
func TestAPartitionThatWasHandedOverIsNotBehind(t *testing.T) {
	t.Parallel()
	begun := time.Unix(1_700_000_000, 0)
	var said bytes.Buffer
	cfg := Config{Log: slog.New(slog.NewTextHandler(&said, nil))}.withDefaults()
	w := newWorker(cfg, agingLog{begun: begun, now: begun.Add(100 * time.Second)}, testserver.SharedStore(t).Partition("TRADES_0"), nil)
	w.stats.begin()
	w.stats.attached.Store(true)
	w.stats.epoch.Store(1)
	w.stats.reached(domain.Checkpoint{Seq: 9})
	w.measure(t.Context())
	if used := w.stats.snapshot("TRADES_0").RetentionUsed; used < domain.RetentionAlarm {
		t.Fatalf("%.2f is used while it is held", used)
	}
	w.stats.attached.Store(false)
	w.stats.end()
	if used := w.stats.snapshot("TRADES_0").RetentionUsed; used != 0 {
		t.Errorf("%.2f is used after it was handed over", used)
	}
	w.stats.begin() // again, and its checkpoint is not read yet
	lines := said.String()
	w.measure(t.Context())
	if used := w.stats.snapshot("TRADES_0").RetentionUsed; used != 0 || said.String() != lines {
		t.Errorf("%.2f is used before the checkpoint is read: %s", used, &said)
	}
}
