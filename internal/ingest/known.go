package ingest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/fullon/fullon/domain"
)

// known is what the log's last tick tells of a market that the venue has not told
// again since it is followed: venues send the best bid and ask at once, but the
// last price only with the next trade, and some of them the time, too.
type known struct {
	tick atomic.Pointer[domain.Tick] // nil: nothing that the venue has not told
}

// resume reads the log's last tick. Without one there is nothing to complete.
func (k *known) resume(ctx context.Context, f *Feed, symbol string) {
	last, err := f.history.LastTick(ctx, f.Exchange(), symbol)
	switch {
	case err == nil && last.Symbol != "":
		k.tick.Store(&last)
	case err != nil && !errors.Is(err, domain.ErrNotFound) && ctx.Err() == nil:
		f.log.Warn("the log's last tick cannot be read; the next one may lack the last price", "symbol", symbol, "error", err)
	}
}

// complete fills in what the tick lacks. It reports false for a tick that is older
// than the log's last one.
func (k *known) complete(tick *domain.Tick) bool {
	last := k.tick.Load()
	if last == nil {
		return true
	}
	if tick.VenueSeq < last.VenueSeq && !tick.Time.After(last.Time) {
		return false
	}
	told := !tick.Last.IsZero() && !tick.Time.Before(last.Time)
	if tick.Last.IsZero() {
		tick.Last = last.Last
	}
	if tick.Volume.IsZero() {
		tick.Volume = last.Volume
	}
	if tick.Time.Before(last.Time) {
		tick.Time = last.Time
	}
	if told {
		k.tick.CompareAndSwap(last, nil)
	}
	return true
}
