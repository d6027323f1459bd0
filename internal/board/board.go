// Package board shows a market to people while 'fullon up' runs: a live table
// on a terminal, plain lines elsewhere. It reads as any bot would, through the
// client.
package board

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const (
	redraw     = 500 * time.Millisecond
	lineEvery  = 5 * time.Second
	rateWindow = 10 * time.Second
)

// Config of a Board.
type Config struct {
	Exchange string
	Symbols  []string
	Out      io.Writer
	Terminal bool   // draw a table in place
	Footer   string // last line of the table
}

// Board shows one exchange.
type Board struct {
	cfg    Config
	client *client.Client

	mu    sync.Mutex
	ticks map[string]domain.Tick
	rates map[string]*rate
	fault error // why nothing is read at the moment
	begun time.Time
}

// New makes a board. It does no input or output.
func New(cfg Config, c *client.Client) *Board {
	b := &Board{cfg: cfg, client: c, ticks: make(map[string]domain.Tick), rates: make(map[string]*rate)}
	for _, symbol := range cfg.Symbols {
		b.rates[symbol] = &rate{}
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
	group.Go(b.show)
	return group.Wait()
}

func (b *Board) followTicks(ctx context.Context) error {
	for tick, err := range b.client.Ticks.Watch(ctx, b.cfg.Exchange, b.cfg.Symbols...) {
		b.mu.Lock()
		b.fault = err
		if err == nil {
			b.ticks[tick.Symbol] = tick
		}
		b.mu.Unlock()
		if errors.Is(err, domain.ErrInvalid) {
			return err
		}
	}
	return nil
}

func (b *Board) followTrades(ctx context.Context, symbol string) error {
	for _, err := range b.client.Trades.Watch(ctx, b.cfg.Exchange, symbol, 0) {
		if errors.Is(err, domain.ErrInvalid) {
			return err
		}
		if err == nil {
			b.mu.Lock()
			b.rates[symbol].add(time.Now())
			b.mu.Unlock()
		}
	}
	return nil
}

// show draws until ctx ends.
func (b *Board) show(ctx context.Context) error {
	every := lineEvery
	if b.cfg.Terminal {
		every = redraw
		b.print("\x1b[?25l") // hide the cursor
		defer b.print("\x1b[?25h")
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	drawn := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if !b.cfg.Terminal {
				b.print(b.lines(now))
				continue
			}
			table := b.table(now)
			if drawn > 0 {
				b.print(fmt.Sprintf("\x1b[%dA", drawn)) // back to the table's first line
			}
			b.print(strings.ReplaceAll(table, "\n", "\x1b[K\n")) // no remains of longer lines
			drawn = strings.Count(table, "\n")
		}
	}
}

// print drops the error: a terminal that is gone is no reason to stop the
// system.
func (b *Board) print(text string) { _, _ = io.WriteString(b.cfg.Out, text) }

// rate counts events over the last rateWindow, a slot a second.
type rate struct {
	slots [int(rateWindow / time.Second)]int
	at    int64 // unix second of the newest slot
}

func (r *rate) move(now time.Time) {
	second := now.Unix()
	n := int64(len(r.slots))
	for s := max(r.at+1, second-n+1); s <= second; s++ {
		r.slots[s%n] = 0
	}
	r.at = max(r.at, second)
}

func (r *rate) add(now time.Time) {
	r.move(now)
	r.slots[r.at%int64(len(r.slots))]++
}

// perSecond is the mean over the window, or over since when that is shorter.
func (r *rate) perSecond(now time.Time, since time.Duration) float64 {
	r.move(now)
	sum := 0
	for _, n := range r.slots {
		sum += n
	}
	return float64(sum) / min(rateWindow, max(since, time.Second)).Seconds()
}
