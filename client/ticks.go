package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Ticks reads and writes the newest tick of each market.
type Ticks struct {
	client     *Client
	partitions map[string]*settledPartition
}

func (t *Ticks) partition(exchange, symbol string) *settledPartition {
	return t.partitions[t.client.log.Layout().TickStreamOf(exchange, symbol)]
}

func (t *Ticks) all() []*settledPartition {
	streams := t.client.log.Layout().TickStreams()
	out := make([]*settledPartition, len(streams))
	for i, stream := range streams {
		out[i] = t.partitions[stream]
	}
	return out
}

// Set stores a tick in the log; a zero Received becomes now. Readers keep the
// newer of it and what they have: see domain.TickOrder. It blocks until the log
// acknowledged. The error matches domain.ErrInvalid or domain.ErrUnreachable.
func (t *Ticks) Set(ctx context.Context, tick domain.Tick) (domain.LogPosition, error) {
	if tick.Received.IsZero() {
		tick.Received = time.Now()
	}
	return t.client.log.Publish(ctx, tick)
}

// Get reads a market's tick. The error matches domain.ErrInvalid,
// domain.ErrNotFound, domain.ErrUnreachable, domain.ErrUnknown, or
// domain.ErrRebuilding while Redis is being folded anew, after having waited for
// it for two seconds. The first read of a partition, and the first after it was
// folded anew, asks the log, too. A stale tick is no error: look at Stale.
func (t *Ticks) Get(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	if err := (domain.TickDeleted{Exchange: exchange, Symbol: symbol}).Validate(); err != nil {
		return domain.Tick{}, err
	}
	p := t.partition(exchange, symbol)
	return settle(ctx, p, func() (domain.Tick, domain.Checkpoint, error) {
		return p.Tick(ctx, exchange, symbol, time.Now())
	})
}

// Market names a symbol on an exchange.
type Market = cachestore.Market

// at reads the ticks of markets.
func (t *Ticks) at(ctx context.Context, markets []Market) ([]domain.Tick, error) {
	places, partitions := make([]cachestore.Place, len(markets)), make([]*settledPartition, len(markets))
	for i, m := range markets {
		partitions[i] = t.partition(m.Exchange, m.Symbol)
		places[i] = cachestore.Place{Partition: partitions[i].Partition, Market: m}
	}
	return settleAll(ctx, partitions, func() ([]domain.Tick, []domain.Checkpoint, error) {
		return t.client.store.TicksAt(ctx, places, time.Now())
	})
}

// GetMany reads the ticks of markets with one request, in their order; a market
// without a tick gets the zero Tick, which has no Symbol. Errors as for Get,
// without domain.ErrNotFound.
func (t *Ticks) GetMany(ctx context.Context, markets []Market) ([]domain.Tick, error) {
	for _, m := range markets {
		if err := checkMarket(m.Exchange, m.Symbol); err != nil {
			return nil, err
		}
	}
	return t.at(ctx, markets)
}

// GetEach is GetMany for symbols of one exchange.
func (t *Ticks) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	markets := make([]Market, len(symbols))
	for i, symbol := range symbols {
		markets[i] = Market{Exchange: exchange, Symbol: symbol}
	}
	return t.GetMany(ctx, markets)
}

// All reads all ticks of an exchange, by symbol. An exchange without ticks
// gives an empty result. Errors as for Get, without domain.ErrNotFound.
func (t *Ticks) All(ctx context.Context, exchange string) ([]domain.Tick, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	all := t.all()
	return settleAll(ctx, all, func() ([]domain.Tick, []domain.Checkpoint, error) {
		return t.client.store.AllTicks(ctx, inner(all), exchange, time.Now())
	})
}

// Any reads the newest tick of a symbol over all exchanges that have one. A
// tick that is not stale beats one that is. Errors as for Get.
func (t *Ticks) Any(ctx context.Context, symbol string) (domain.Tick, error) {
	if err := domain.CheckSymbol(symbol); err != nil {
		return domain.Tick{}, err
	}
	exchanges, err := t.exchanges(ctx)
	if err != nil {
		return domain.Tick{}, err
	}
	markets := make([]Market, len(exchanges))
	for i, exchange := range exchanges {
		markets[i] = Market{Exchange: exchange, Symbol: symbol}
	}
	ticks, err := t.at(ctx, markets)
	if err != nil {
		return domain.Tick{}, err
	}
	var newest domain.Tick
	for _, tick := range ticks {
		if tick.Symbol != "" && (newest.Symbol == "" || better(tick, newest)) {
			newest = tick
		}
	}
	if newest.Symbol == "" {
		return domain.Tick{}, fmt.Errorf("tick %s on any exchange: %w", symbol, domain.ErrNotFound)
	}
	return newest, nil
}

func better(a, b domain.Tick) bool {
	if a.Stale != b.Stale {
		return b.Stale
	}
	return a.Received.After(b.Received)
}

// Exchanges lists the exchanges that have or had ticks, sorted. Errors as for
// Get, without domain.ErrNotFound.
func (t *Ticks) Exchanges(ctx context.Context) ([]string, error) {
	exchanges, err := t.exchanges(ctx)
	slices.Sort(exchanges)
	return exchanges, err
}

func (t *Ticks) exchanges(ctx context.Context) ([]string, error) {
	all := t.all()
	return settleAll(ctx, all, func() ([]string, []domain.Checkpoint, error) {
		return t.client.store.Exchanges(ctx, inner(all))
	})
}

// Delete removes a market's tick until the next one comes. It blocks until the
// log acknowledged. The error matches domain.ErrInvalid or
// domain.ErrUnreachable.
func (t *Ticks) Delete(ctx context.Context, exchange, symbol string) (domain.LogPosition, error) {
	return t.client.log.Publish(ctx, domain.TickDeleted{Exchange: exchange, Symbol: symbol})
}

// Next waits for a tick of a market whose Sequence is above after, and returns
// the newest; with after zero any tick will do. It blocks until there is one or
// ctx ends. The error matches domain.ErrInvalid or domain.ErrUnknown, is ctx's,
// or matches domain.ErrUnreachable once the client is closed; while Redis is
// away or being folded anew it goes on waiting.
func (t *Ticks) Next(ctx context.Context, exchange, symbol string, after uint64) (domain.Tick, error) {
	for tick, err := range t.Watch(ctx, exchange, symbol) {
		switch {
		case errors.Is(err, domain.ErrUnreachable), errors.Is(err, domain.ErrRebuilding):
		case err != nil:
			return domain.Tick{}, err
		case tick.Sequence > after:
			return tick, nil
		}
	}
	if ctx.Err() == nil {
		return domain.Tick{}, fmt.Errorf("next tick %s %s: %w: the client was closed", exchange, symbol, domain.ErrUnreachable)
	}
	return domain.Tick{}, fmt.Errorf("next tick %s %s: %w", exchange, symbol, ctx.Err())
}

// staleCheck is how often a watch looks for ticks that became stale because
// nothing came.
const staleCheck = time.Second

// Watch yields the present tick of each of the symbols, of all of the exchange
// when none is named, and from then on each one that changed: the newest state,
// in the order of its own market; states that were replaced before they could
// be yielded are skipped. A tick that becomes stale is yielded again.
//
// The iteration ends when ctx ends or the client is closed. An error that matches
// domain.ErrUnreachable is yielded for as long as Redis is away, and the
// iteration goes on when it is back. One that matches domain.ErrRebuilding is
// yielded once for each partition that is folded anew; when that has caught up,
// the present tick of each of its symbols is yielded again. One that matches
// domain.ErrInvalid ends the iteration.
func (t *Ticks) Watch(ctx context.Context, exchange string, symbols ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		w, err := t.watch(exchange, symbols)
		if err != nil {
			yield(domain.Tick{}, err)
			return
		}
		defer w.sub.close()
		check := time.NewTicker(staleCheck)
		defer check.Stop()
		for {
			everything := false
			select {
			case <-ctx.Done():
				return
			case <-t.client.changes.ctx.Done():
				return
			case <-w.sub.signal:
			case <-check.C:
				everything = true
			}
			w.changed = w.changed[:0]
			moved, err := w.sub.take()
			if err == nil {
				err = w.read(ctx, moved, everything)
			}
			if ctx.Err() != nil {
				return
			}
			if err != nil && !yield(domain.Tick{}, err) {
				return
			}
			for _, tick := range w.changed {
				if !yield(tick, nil) {
					return
				}
			}
		}
	}
}

// tickWatch is the state of one Watch.
type tickWatch struct {
	ticks    *Ticks
	exchange string
	sub      *subscription
	symbols  map[*settledPartition][]string // nil: all
	epochs   map[*settledPartition]*epochWatch
	last     map[string]domain.Tick
	changed  []domain.Tick
}

func (t *Ticks) watch(exchange string, symbols []string) (*tickWatch, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	w := &tickWatch{ticks: t, exchange: exchange, last: make(map[string]domain.Tick), epochs: make(map[*settledPartition]*epochWatch)}
	watched := t.all()
	if len(symbols) > 0 {
		w.symbols = make(map[*settledPartition][]string)
		watched = nil
		for _, symbol := range symbols {
			if err := domain.CheckSymbol(symbol); err != nil {
				return nil, err
			}
			p := t.partition(exchange, symbol)
			if w.symbols[p] == nil {
				watched = append(watched, p)
			}
			w.symbols[p] = append(w.symbols[p], symbol)
		}
	}
	for _, p := range watched {
		w.epochs[p] = new(epochWatch)
	}
	w.sub = t.client.changes.subscribe(inner(watched))
	return w, nil
}

// read finds what changed in the partitions that moved, or in all. One that is
// being folded anew does not keep it from the others.
func (w *tickWatch) read(ctx context.Context, moved map[string]bool, everything bool) error {
	var errs []error
	now := time.Now()
	for _, p := range w.ticks.all() {
		if w.epochs[p] != nil && (everything || moved[p.Stream()]) {
			err := w.readPartition(ctx, p, now)
			if err != nil {
				errs = append(errs, err)
			}
			if errors.Is(err, domain.ErrUnreachable) {
				break // so may be the others, each after a timeout
			}
		}
	}
	slices.SortFunc(w.changed, func(a, b domain.Tick) int { return cmp.Compare(a.Symbol, b.Symbol) })
	return errors.Join(errs...)
}

func (w *tickWatch) readPartition(ctx context.Context, p *settledPartition, now time.Time) (err error) {
	var ticks []domain.Tick
	var at []domain.Checkpoint
	want := p.want()
	if w.symbols == nil {
		ticks, at, err = w.ticks.client.store.AllTicks(ctx, []*cachestore.Partition{p.Partition}, w.exchange, now)
	} else {
		ticks, at, err = p.Ticks(ctx, w.exchange, w.symbols[p], now)
	}
	if err != nil {
		return err
	}
	use, anew, err := w.epochs[p].take(ctx, p, at[0], want)
	if !use {
		return err
	}
	if anew {
		for symbol := range w.last {
			if w.ticks.partition(w.exchange, symbol) == p {
				delete(w.last, symbol)
			}
		}
	}
	for _, tick := range ticks {
		if tick.Symbol == "" {
			continue
		}
		last, known := w.last[tick.Symbol]
		if known && last.Sequence == tick.Sequence && last.Stale == tick.Stale {
			continue
		}
		w.last[tick.Symbol] = tick
		w.changed = append(w.changed, tick)
	}
	return err
}
