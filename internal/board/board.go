// Package board shows a market to people while 'fullon up' runs: a live table
// on a terminal, plain lines elsewhere. It reads as any bot would, through the
// client.
package board

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

const (
	redraw = 500 * time.Millisecond
	// Lines come seldom, but the first ones soon: they say that it works.
	firstLine = time.Second
	lineEvery = 5 * time.Second
)

// Config of a Board.
type Config struct {
	Exchange string
	Symbols  []string
	Out      io.Writer
	Terminal bool                       // draw a table in place
	Color    bool                       // of the table
	Size     func() (width, height int) // of the terminal, zeros when not known; nil: not known
	Footer   []string                   // below the table
}

// Ticks is what the board needs of the client's ticks.
type Ticks interface {
	Watch(ctx context.Context, exchange string, symbols ...string) iter.Seq2[domain.Tick, error]
}

// Trades is what the board needs of the client's trades.
type Trades interface {
	Watch(ctx context.Context, exchange, symbol string, last int) iter.Seq2[domain.Trade, error]
}

// Board shows one exchange.
type Board struct {
	cfg    Config
	ticks  Ticks
	trades Trades
	layout table.Table

	mu      sync.Mutex
	markets map[string]*market
	fault   error // why nothing is read at the moment
	begun   time.Time
}

// market is what is known of one symbol.
type market struct {
	tick  domain.Tick
	known bool
	trend int // the last price's latest change: 1 up, -1 down
	rate  rate
}

// New makes a board. It does no input or output.
func New(cfg Config, ticks Ticks, trades Trades) *Board {
	if cfg.Size == nil {
		cfg.Size = func() (int, int) { return 0, 0 }
	}
	b := &Board{
		cfg: cfg, ticks: ticks, trades: trades, markets: make(map[string]*market),
		layout: table.Table{Columns: columns, Color: cfg.Color},
	}
	for _, symbol := range cfg.Symbols {
		b.markets[symbol] = &market{}
	}
	return b
}

// Run shows the market until ctx ends.
func (b *Board) Run(ctx context.Context) error {
	b.begun = time.Now()
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(b.followTicks)
	for _, symbol := range b.cfg.Symbols {
		group.Go(func(ctx context.Context) error { return b.followTrades(ctx, symbol) })
	}
	group.Go(func(ctx context.Context) error {
		if b.cfg.Terminal {
			b.draw(ctx)
		} else {
			b.report(ctx)
		}
		return nil
	})
	return group.Wait()
}

func (b *Board) followTicks(ctx context.Context) error {
	for tick, err := range b.ticks.Watch(ctx, b.cfg.Exchange, b.cfg.Symbols...) {
		if errors.Is(err, domain.ErrInvalid) {
			return err
		}
		b.see(tick, err)
	}
	return nil
}

func (b *Board) see(tick domain.Tick, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = err
	m := b.markets[tick.Symbol]
	if err != nil || m == nil {
		return
	}
	if m.known && !tick.Last.Equal(m.tick.Last) {
		m.trend = tick.Last.Cmp(m.tick.Last)
	}
	m.tick, m.known = tick, true
}

func (b *Board) followTrades(ctx context.Context, symbol string) error {
	for _, err := range b.trades.Watch(ctx, b.cfg.Exchange, symbol, 0) {
		if errors.Is(err, domain.ErrInvalid) {
			return err
		}
		if err == nil {
			b.mu.Lock()
			b.markets[symbol].rate.add(time.Now())
			b.mu.Unlock()
		}
	}
	return nil
}

// report prints plain lines until ctx ends.
func (b *Board) report(ctx context.Context) {
	next := time.NewTimer(firstLine)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-next.C:
			b.print(b.lines(now))
			next.Reset(lineEvery)
		}
	}
}

// print drops the error: a terminal that is gone is no reason to stop the
// system.
func (b *Board) print(text string) { _, _ = io.WriteString(b.cfg.Out, text) }
