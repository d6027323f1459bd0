package projector

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/fullon/fullon/domain"
)

// renewer is a fold whose state is valid for longer than the log keeps the
// messages that it came with.
type renewer interface {
	// old reads the state at a checkpoint as events, as far as it is from
	// messages below the sequence before; at most limit, oldest first.
	old(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error)
}

const (
	// renewAtOnce bounds what one look for old state stores again.
	renewAtOnce = 200
	// maxRenewInterval is the longest time between two looks.
	maxRenewInterval = time.Hour
)

// renewInterval is how often a worker looks for state that is older than half
// of what the log keeps: often enough to be in time after many failures.
func renewInterval(keeps time.Duration) time.Duration { return min(keeps/16, maxRenewInterval) }

// renew stores again in the log what is older than half of what the log keeps.
//
// It says nothing new, whoever else writes, because each event is stored under
// the condition that it is the very next after the worker's checkpoint: the log
// holds nothing then that the state does not reflect. For the same reason
// several projectors do not repeat each other; the first one moves the log on.
// What fails is tried again later.
func (w *worker) renew(ctx context.Context, state fold) {
	r, ok := state.(renewer)
	if !ok || w.keeps == 0 || time.Now().Before(w.renewAt) {
		return
	}
	interval := renewInterval(w.keeps)
	w.renewAt = time.Now().Add(interval/2 + rand.N(interval/2+1))
	before, err := w.firstSince(ctx, time.Now().Add(-w.keeps/2))
	if err != nil {
		w.slog.Debug("cannot look for old state", "error", err)
		return
	}
	events, err := r.old(ctx, w.at, before, renewAtOnce)
	if err != nil {
		w.slog.Debug("cannot read old state", "error", err)
		return
	}
	last := w.at.Seq
	for _, event := range events {
		pos, err := w.log.PublishNext(ctx, event, last)
		if errors.Is(err, domain.ErrConflict) {
			w.renewAt = time.Now().Add(interval / 16)
			return
		}
		if err != nil {
			w.slog.Debug("cannot store old state again", "error", err)
			return
		}
		last = pos.Seq
		w.stats.renewed.Add(1)
	}
	if len(events) == renewAtOnce {
		w.renewAt = time.Time{} // there may be more
	}
}

// firstSince finds the first message that was stored at a time or later, one
// past the last if there is none.
func (w *worker) firstSince(ctx context.Context, since time.Time) (uint64, error) {
	stream := w.partition.Stream()
	extent, err := w.log.Extent(ctx, stream)
	if err != nil {
		return 0, err
	}
	low, high := extent.First, extent.Last+1
	for low < high {
		mid := low + (high-low)/2
		if low == extent.First {
			mid = low // mostly nothing is as old as that
		}
		at, err := w.log.TimeOf(ctx, stream, mid)
		switch {
		case err != nil && !errors.Is(err, domain.ErrNotFound):
			return 0, err
		case err == nil && at >= since.UnixNano():
			high = mid
		default: // older, or dropped meanwhile
			low = mid + 1
		}
	}
	return low, nil
}
