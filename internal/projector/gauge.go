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
// this projector folds. Nothing depends on it.
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
			lag, err := p.lagOf(ctx, w)
			if err != nil {
				w.stats.lag.Store(nil) // not known is not zero
				continue
			}
			w.stats.lag.Store(&lag)
		}
		then = now
	}
	return nil
}

func (p *Projector) lagOf(ctx context.Context, w *worker) (domain.Lag, error) {
	if !w.stats.attached.Load() && w.stats.sequence.Load() == 0 {
		return domain.Lag{}, domain.ErrUnknown // it has not read its checkpoint yet
	}
	at := domain.Checkpoint{Seq: w.stats.sequence.Load(), Time: w.stats.time.Load()}
	extent, err := p.log.Extent(ctx, w.partition.Stream())
	if err != nil {
		return domain.Lag{}, err
	}
	return at.LagIn(extent, func(seq uint64) (int64, error) { return p.log.TimeOf(ctx, w.partition.Stream(), seq) })
}
