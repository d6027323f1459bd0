package projector

import (
	"context"
	"math"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// gaugeInterval is how often lag and rate are measured.
const gaugeInterval = time.Second

// gauge measures, for people, how far behind and how fast the partitions are that
// this projector folds, and tells before the log drops what they have not folded.
// Nothing depends on it. It is apart from the workers, because a worker that
// waits for Redis looks at nothing.
func (p *Projector) gauge(ctx context.Context) error {
	applied, then := make(map[*worker]uint64), time.Now()
	for ctx.Err() == nil {
		pause.For(ctx, gaugeInterval)
		now := time.Now()
		for _, w := range p.known() {
			messages := w.stats.messages.Load()
			rate := float64(messages-applied[w]) / now.Sub(then).Seconds()
			applied[w] = messages
			if !w.stats.held.Load() {
				continue
			}
			w.stats.pace.Store(math.Float64bits((w.stats.rate() + rate) / 2))
			w.measure(ctx)
		}
		then = now
	}
	return nil
}

// measure looks how far behind a partition is, and how near the log is to dropping
// what it has not folded.
func (w *worker) measure(ctx context.Context) {
	at, extent, lag, err := w.behind(ctx)
	if err != nil {
		w.stats.lag.Store(nil) // not known is not zero
		return                 // of the retention the last answer stands
	}
	w.stats.lag.Store(&lag)
	w.noteRetention(at.RetentionUsed(extent, lag), at.Seq)
}

func (w *worker) behind(ctx context.Context) (at domain.Checkpoint, extent domain.Extent, lag domain.Lag, err error) {
	if !w.stats.attached.Load() && w.stats.sequence.Load() == 0 {
		return at, extent, lag, domain.ErrUnknown // it has not read its checkpoint yet
	}
	at = domain.Checkpoint{Epoch: w.stats.epoch.Load(), Seq: w.stats.sequence.Load(), Time: w.stats.time.Load()}
	if extent, err = w.log.Extent(ctx, w.partition.Stream()); err == nil {
		lag, err = at.LagIn(extent, func(seq uint64) (int64, error) { return w.log.TimeOf(ctx, w.partition.Stream(), seq) })
	}
	return at, extent, lag, err
}

// noteRetention says once that a partition is so far behind that the log nears
// dropping what it has not folded, and once that it no longer is.
func (w *worker) noteRetention(used float64, folded uint64) {
	before := w.stats.setRetention(used)
	switch {
	case used >= domain.RetentionAlarm && before < domain.RetentionAlarm:
		w.slog.Error("far behind: the log will drop what is not folded yet", "retention_used", used, "sequence", folded)
	case used < domain.RetentionAlarm && before >= domain.RetentionAlarm:
		w.slog.Info("no longer far behind", "retention_used", used, "sequence", folded)
	}
}
