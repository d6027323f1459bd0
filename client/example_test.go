package client_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// example stands in for the test that an Example does not have.
type example struct {
	testing.TB
	cleanups []func()
}

func (e *example) Helper()                  {}
func (e *example) Context() context.Context { return context.Background() }
func (e *example) Cleanup(f func())         { e.cleanups = append(e.cleanups, f) }
func (e *example) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
func (e *example) Errorf(f string, a ...any) {
	panic(fmt.Sprintf(f, a...))
}

func (e *example) TempDir() string {
	dir, err := os.MkdirTemp("", "fullon-example-")
	if err != nil {
		panic(err)
	}
	e.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (e *example) end() {
	for i := len(e.cleanups) - 1; i >= 0; i-- {
		e.cleanups[i]()
	}
}

// deployment runs servers and a projector until end is called.
func deployment() (c *rig, end func()) {
	e := &example{}
	return newRig(e, testserver.SharedStore(e), 100), e.end
}

func ExampleTicks() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	pos, err := c.Ticks.Set(ctx, domain.Tick{
		Exchange: "binance", Symbol: "BTC/USDT",
		Last: domain.MustDecimal("50000.0"), Bid: domain.MustDecimal("49999"), Ask: domain.MustDecimal("50001"),
	})
	if err != nil {
		panic(err) // not acknowledged by the log
	}
	if err := c.Wait(ctx, pos); err != nil {
		panic(err) // now readers see it
	}
	tick, err := c.Ticks.Get(ctx, "binance", "BTC/USDT")
	if err != nil {
		panic(err)
	}
	fmt.Println(tick.Symbol, tick.Price(), "stale:", tick.Stale)

	_, err = c.Ticks.Get(ctx, "binance", "ETH/USDT")
	fmt.Println(err)
	// Output:
	// BTC/USDT 50000 stale: false
	// tick binance ETH/USDT: not found
}

func ExampleTicks_Watch() {
	c, end := deployment()
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	price := domain.MustDecimal("50000")
	for range 3 {
		// Somebody else's work, usually.
		_, err := c.Ticks.Set(ctx, domain.Tick{Exchange: "binance", Symbol: "BTC/USDT", Last: price})
		if err != nil {
			panic(err)
		}
		price = price.Add64(1)
	}
	for tick, err := range c.Ticks.Watch(ctx, "binance", "BTC/USDT") {
		if err != nil {
			fmt.Println(err) // Redis is away: the watch goes on when it is back
			continue
		}
		if tick.Last.String() == "50002" { // states in between may be skipped
			fmt.Println(tick.Symbol, tick.Last)
			break
		}
	}
	// Output:
	// BTC/USDT 50002
}

func ExampleTrades() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	var pos domain.LogPosition
	for _, id := range []string{"67890", "67891", "67891"} { // once more: shown once
		var err error
		pos, err = c.Trades.Push(ctx, domain.Trade{
			Exchange: "binance", Symbol: "BTC/USDT", ID: id, Side: domain.Sell,
			Price: domain.MustDecimal("50500.0"), Volume: domain.MustDecimal("0.05"), Time: time.Unix(1_700_000_000, 0),
		})
		if err != nil {
			panic(err)
		}
	}
	if err := c.Wait(ctx, pos); err != nil {
		panic(err)
	}
	trades, err := c.Trades.List(ctx, "binance", "BTC/USDT", 10)
	if err != nil {
		panic(err)
	}
	for _, t := range trades {
		fmt.Println(t.ID, t.Side, t.Volume, "for", t.Cost())
	}
	// Output:
	// 67890 sell 0.05 for 2525
	// 67891 sell 0.05 for 2525
}
