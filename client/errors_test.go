package client_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestInvalidArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	bad := trade(1)
	bad.Side = 0
	first := func(seq func(func(domain.Tick, error) bool)) (err error) {
		for _, err = range seq {
			break
		}
		return err
	}
	firstTrade := func(exchange, symbol string, last int) (err error) {
		n := 0
		for _, err = range c.Trades.Watch(ctx, exchange, symbol, last) {
			n++ // the iteration must end by itself
		}
		if n != 1 {
			t.Errorf("yielded %d times", n)
		}
		return err
	}
	for _, call := range []struct {
		field string
		err   error
	}{
		{"tick", second(c.Ticks.Set(ctx, domain.Tick{Exchange: "binance", Symbol: "BTC/USDT"}))},
		{"exchange", second(c.Ticks.Get(ctx, "Binance", "BTC/USDT"))},
		{"symbol", second(c.Ticks.Get(ctx, "binance", "BTCUSDT"))},
		{"exchange", second(c.Ticks.All(ctx, ""))},
		{"symbol", second(c.Ticks.Any(ctx, ""))},
		{"symbol", second(c.Ticks.Delete(ctx, "binance", ""))},
		{"symbol", second(c.Ticks.Next(ctx, "binance", "BTC", 0))},
		{"exchange", first(c.Ticks.Watch(ctx, "*"))},
		{"symbol", first(c.Ticks.Watch(ctx, "binance", "BTC/USDT", "x"))},
		{"side", second(c.Trades.Push(ctx, bad))},
		{"symbol", second(c.Trades.List(ctx, "binance", "BTC", 1))},
		{"limit", second(c.Trades.List(ctx, "binance", "BTC/USDT", 0))},
		{"limit", second(c.Trades.List(ctx, "binance", "BTC/USDT", client.MaxTrades+1))},
		{"exchange", second(c.Trades.Gaps(ctx, "", "BTC/USDT", 1))},
		{"limit", second(c.Trades.Gaps(ctx, "binance", "BTC/USDT", cachestore.GapCap+1))},
		{"exchange", firstTrade("", "BTC/USDT", 1)},
		{"limit", firstTrade("binance", "BTC/USDT", -1)},
		{"timeframe", second(c.Candles.Latest(ctx, "binance", "BTC/USDT", "2m", 1))},
		{"limit", second(c.Candles.Latest(ctx, "binance", "BTC/USDT", "1m", cachestore.CandleCap+1))},
		{"time", second(c.Candles.Put(ctx, domain.Candle{Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m"}))},
	} {
		var fe *domain.FieldError
		if !errors.As(call.err, &fe) || !errors.Is(call.err, domain.ErrInvalid) || fe.Field != call.field {
			t.Errorf("%v, want a FieldError of %q", call.err, call.field)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// readers are all ways to read.
func readers(ctx context.Context, c *client.Client) map[string]func() (any, error) {
	return map[string]func() (any, error){
		"Ticks.Get":       func() (any, error) { return c.Ticks.Get(ctx, "binance", "BTC/USDT") },
		"Ticks.All":       func() (any, error) { return c.Ticks.All(ctx, "binance") },
		"Ticks.Any":       func() (any, error) { return c.Ticks.Any(ctx, "BTC/USDT") },
		"Ticks.Exchanges": func() (any, error) { return c.Ticks.Exchanges(ctx) },
		"Ticks.Watch": func() (any, error) {
			for tk, err := range c.Ticks.Watch(ctx, "binance") {
				return tk, err
			}
			return domain.Tick{}, ctx.Err()
		},
		"Trades.List": func() (any, error) { return c.Trades.List(ctx, "binance", "BTC/USDT", 5) },
		"Trades.Gaps": func() (any, error) { return c.Trades.Gaps(ctx, "binance", "BTC/USDT", 5) },
		"Trades.Watch": func() (any, error) {
			for tr, err := range c.Trades.Watch(ctx, "binance", "BTC/USDT", 5) {
				return tr, err
			}
			return domain.Trade{}, ctx.Err()
		},
		"Candles.Latest": func() (any, error) { return c.Candles.Latest(ctx, "binance", "BTC/USDT", "1m", 5) },
	}
}

// wantEverywhere fails unless every way to read gives the error, and nothing
// that could be taken for an answer.
func wantEverywhere(t *testing.T, c *client.Client, want error, but ...string) {
	t.Helper()
	calls := readers(bounded(t), c)
	for _, name := range but {
		delete(calls, name)
	}
	var group sync.WaitGroup // each waits for the client library's own attempts
	for name, call := range calls {
		group.Go(func() {
			value, err := call()
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
			if v := reflect.ValueOf(value); !v.IsZero() {
				t.Errorf("%s: the error comes with %+v", name, value)
			}
		})
	}
	group.Wait()
}

func TestARedisThatIsAwayIsNeverAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	c := newRig(t, redis.Store(t), 100)
	c.visible(c.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "1")))
	redis.Kill()
	wantEverywhere(t, c.Client, domain.ErrUnreachable)
	if h := c.Health(t.Context()); h.LogErr != nil || !errors.Is(h.RedisErr, domain.ErrUnreachable) || h.Redis != 0 || h.Err() == nil {
		t.Errorf("%+v", h)
	}
	// Writing needs the log only, and is seen once Redis is back.
	pos, err := c.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "2"))
	if err != nil {
		t.Fatal(err)
	}
	redis.Start()
	c.visible(pos, nil)
	if got, err := c.Ticks.Get(t.Context(), "binance", "BTC/USDT"); err != nil || got.Last.String() != "2" {
		t.Fatalf("%+v %v", got, err)
	}
	if h := c.Health(t.Context()); h.Err() != nil || h.Log <= 0 || h.Redis <= 0 {
		t.Errorf("%+v", h)
	}
}

func TestALogThatIsAwayRefusesWritesAndDoesNotDisturbReads(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	c.visible(c.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "1")))
	// The first time the log is asked whether Redis is being folded anew.
	if _, err := c.Ticks.Get(t.Context(), "binance", "BTC/USDT"); err != nil {
		t.Fatal(err)
	}
	c.nats.Stop()
	for what, err := range map[string]error{
		"Set":    second(c.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "2"))),
		"Delete": second(c.Ticks.Delete(t.Context(), "binance", "BTC/USDT")),
		"Push":   second(c.Trades.Push(t.Context(), trade(1))),
	} {
		if !errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := c.Ticks.Get(t.Context(), "binance", "BTC/USDT"); err != nil || got.Last.String() != "1" {
		t.Fatalf("%+v %v", got, err)
	}
	c.nats.Start()
}

// What is stored but cannot be read is not the same as nothing.
func TestStoredGarbageIsUnknownAndNeverAnAnswer(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	n := testserver.NewNATS(t)
	// No projector: what is there stays as it is.
	c := client.New(n.Bus(t, bus.Layout{Ticks: 1, Trades: 1}), redis.Store(t))
	t.Cleanup(c.Close)
	rdb, ctx := redis.Client(t), t.Context()
	ticks, trades := cachestore.DefaultPrefix+"{TICKS_0}:", cachestore.DefaultPrefix+"{TRADES_0}:"
	for _, err := range []error{
		rdb.SAdd(ctx, ticks+"exchanges", "binance").Err(),
		rdb.HSet(ctx, ticks+"ticks:binance", "BTC/USDT", "garbage").Err(),
		rdb.RPush(ctx, trades+"trades:binance:BTC/USDT", "garbage").Err(),
		rdb.RPush(ctx, trades+"gaps:binance:BTC/USDT", "garbage").Err(),
		rdb.HSet(ctx, trades+"candles:binance:BTC/USDT", "1m", "60", "1m:60", "garbage").Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wantEverywhere(t, c, domain.ErrUnknown, "Ticks.Exchanges")
}

func TestCloseEndsWatchesWhateverTheirContext(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	c := client.New(n.Bus(t, small), testserver.SharedStore(t))
	var watches sync.WaitGroup
	for range 3 {
		watches.Go(func() {
			for range c.Ticks.Watch(context.Background(), "binance") {
			}
		})
		watches.Go(func() {
			for range c.Trades.Watch(context.Background(), "binance", "BTC/USDT", 5) {
			}
		})
		watches.Go(func() {
			if tk, err := c.Ticks.Next(context.Background(), "binance", "BTC/USDT", 0); !errors.Is(err, domain.ErrUnreachable) {
				t.Errorf("Next gave %+v %v", tk, err)
			}
		})
	}
	c.Close()
	watches.Wait()
	c.Close() // does no harm
	for range c.Trades.Watch(context.Background(), "binance", "BTC/USDT", 5) {
	}
}

func TestConnectChecksTheDeployment(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	redis := testserver.NewRedis(t)
	cfg := client.Config{
		Log:   bus.Config{URL: n.URL, Layout: small, Log: testserver.Quiet()},
		Redis: cachestore.Config{Addrs: []string{redis.Addr}},
	}
	want := func(want error) {
		t.Helper()
		c, err := client.Connect(t.Context(), cfg)
		if !errors.Is(err, want) || (c != nil) != (want == nil) {
			t.Errorf("got %v, want %v", err, want)
		}
		if c != nil {
			if err := c.Health(t.Context()).Err(); err != nil {
				t.Error(err)
			}
			c.Close()
			if err := c.Health(t.Context()).Err(); err == nil {
				t.Error("Close left the connections open")
			}
		}
	}
	want(domain.ErrNotFound) // not provisioned
	n.Bus(t, small)
	want(nil)
	cfg.Log.Layout = bus.Layout{Ticks: 3, Trades: 2}
	want(domain.ErrMismatch)
	cfg.Log.Layout = small
	redis.Kill()
	want(domain.ErrUnreachable)
	n.Stop()
	want(domain.ErrUnreachable)
}
