package projector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// retentionInterval is how often a projector looks whether the log is about to
// drop what it has not folded yet.
const retentionInterval = 5 * time.Second

// watchRetention tells, before it is too late, of partitions that fall behind so
// far that the log nears dropping what they have not folded. It is apart from the
// workers, because a worker that waits for Redis looks at nothing.
func (p *Projector) watchRetention(ctx context.Context) error {
	for ctx.Err() == nil {
		p.mu.Lock()
		workers := slices.Clone(p.workers)
		p.mu.Unlock()
		for _, w := range workers {
			w.noteRetention(ctx)
		}
		pause.For(ctx, retentionInterval)
	}
	return nil
}

// noteRetention looks at one partition, and says once that it is in danger and
// once that it no longer is.
func (w *worker) noteRetention(ctx context.Context) {
	if w.stats.epoch.Load() == 0 {
		return // never attached: nothing is known
	}
	folded := w.stats.sequence.Load()
	used, err := w.retentionUsed(ctx, folded)
	if err != nil {
		w.slog.Debug("cannot look at the retention", "error", err)
		return // the last answer stands
	}
	before := w.stats.setRetention(used)
	switch {
	case used >= domain.RetentionAlarm && before < domain.RetentionAlarm:
		w.slog.Error("far behind: the log will drop what is not folded yet", "retention_used", used, "sequence", folded)
	case used < domain.RetentionAlarm && before >= domain.RetentionAlarm:
		w.slog.Info("no longer far behind", "retention_used", used, "sequence", folded)
	}
}

// retentionUsed is domain.Extent.RetentionUsed of the partition.
func (w *worker) retentionUsed(ctx context.Context, folded uint64) (float64, error) {
	extent, err := w.log.Extent(ctx, w.partition.Stream())
	if err != nil || folded >= extent.Last || extent.First > extent.Last {
		return 0, err // without a message there is nothing that could be dropped
	}
	next := max(folded+1, extent.First)
	at, err := w.log.TimeOf(ctx, w.partition.Stream(), next)
	if errors.Is(err, domain.ErrNotFound) {
		return 0, nil // dropped just now, or replaced in the catalogue
	}
	if err != nil || uint64(at/int64(time.Millisecond)) < w.stats.epoch.Load() { //nolint:gosec // a time
		// What is folded anew is old, and what of it is dropped meanwhile is not
		// missed: the epoch has just begun without it.
		return 0, err
	}
	return extent.RetentionUsed(folded, time.Unix(0, at)), nil
}
