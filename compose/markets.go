package compose

import (
	"context"
	"sync"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// symbolTTL is how long a symbol's rules are believed without asking again.
const symbolTTL = 5 * time.Second

// markets is a client as an order worker wants it. A symbol's rules seldom
// change, so they are not read for each order.
type markets struct {
	client *client.Client

	mu      sync.Mutex
	symbols map[domain.Key]knownSymbol
}

type knownSymbol struct {
	symbol domain.Symbol
	until  time.Time
}

func newMarkets(c *client.Client) *markets {
	return &markets{client: c, symbols: make(map[domain.Key]knownSymbol)}
}

// Tick implements orderworker.Markets.
func (m *markets) Tick(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	return m.client.Ticks.Get(ctx, exchange, symbol)
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
