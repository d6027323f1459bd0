package compose

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// symbolTTL is how long a symbol's rules are believed without asking again.
const symbolTTL = 5 * time.Second

// markets is a client as an order worker wants it. A symbol's rules seldom
// change, so they are not read for each order.
type markets struct {
	client *client.Client
	log    *bus.Bus

	mu      sync.Mutex
	symbols map[domain.Key]knownSymbol
}

type knownSymbol struct {
	symbol domain.Symbol
	until  time.Time
}

func newMarkets(c *client.Client, log *bus.Bus) *markets {
	return &markets{client: c, log: log, symbols: make(map[domain.Key]knownSymbol)}
}

// tickTrust is how old a tick of Redis may be without asking the log whether it
// has a newer one.
const tickTrust = 2 * time.Second

// Ticks implements orderworker.Markets.
func (m *markets) Ticks(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, []error) {
	ticks, err := m.client.Ticks.GetEach(ctx, exchange, symbols)
	if err != nil {
		ticks = make([]domain.Tick, len(symbols)) // one that cannot be read is no reason not to read the others
	}
	errs := make([]error, len(symbols))
	now := time.Now()
	var asking sync.WaitGroup
	for i, symbol := range symbols {
		if ticks[i].Symbol == "" || ticks[i].Age(now) >= tickTrust {
			asking.Go(func() { ticks[i], errs[i] = m.tick(ctx, exchange, symbol) })
		}
	}
	asking.Wait()
	return ticks, errs
}

// tick is the newest tick of a market, the zero Tick where there is none. A Redis
// that is being folded anew has none, or an old one, which says nothing about the
// market: the log knows.
func (m *markets) tick(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	tick, err := m.client.Ticks.Get(ctx, exchange, symbol)
	missing := errors.Is(err, domain.ErrNotFound)
	if err != nil && !missing || err == nil && tick.Age(time.Now()) < tickTrust {
		return tick, err
	}
	last, err := m.log.LastTick(ctx, exchange, symbol)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return tick, nil
	case err != nil:
		return domain.Tick{}, err
	case last.Received.After(tick.Received):
		last.Stale = tick.Stale
		return last, nil
	}
	return tick, nil
}

// Position implements orderworker.Markets.
func (m *markets) Position(ctx context.Context, account, symbol string) (domain.Position, error) {
	return m.client.Accounts.Position(ctx, account, symbol)
}

// Symbol implements orderworker.Markets.
func (m *markets) Symbol(ctx context.Context, exchange, symbol string) (domain.Symbol, error) {
	key := domain.Key{Exchange: exchange, Symbol: symbol}
	now := time.Now()
	m.mu.Lock()
	known, ok := m.symbols[key]
	m.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.symbol, nil
	}
	found, err := m.client.Symbols.Get(ctx, exchange, symbol)
	if err != nil {
		return found, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.symbols[key] = knownSymbol{found, now.Add(symbolTTL)}
	return found, nil
}
