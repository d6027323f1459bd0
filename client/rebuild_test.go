package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// filled is a deployment that knows something of everything.
func filled(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	r.visible(r.Ticks.Set(ctx, tick("kraken", "BTC/USDT", "100")))
	r.visible(r.Trades.Push(ctx, trade(1)))
	r.visible(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "USDT", Total: dec("5"), Free: dec("5")}))
	r.visible(r.Accounts.SetPosition(ctx, domain.Position{Account: "1001", Symbol: "BTC/USDT", Volume: dec("1"), Price: dec("1"), Cost: dec("1")}))
	r.visible(r.Symbols.Set(ctx, domain.Symbol{Exchange: "kraken", Name: "BTC/USDT", VenueSymbol: "XBT", Base: "BTC", Quote: "USDT"}))
	block, err := r.Bots.Block(ctx, client.BlockRequest{Exchange: "kraken", Symbol: "BTC/USDT", Bot: "grid"})
	if err != nil {
		t.Fatal(err)
	}
	r.visible(domain.LogPosition{Stream: bus.OrderStream("kraken"), Seq: block.Token()}, nil)
	return r
}

// everything reads each kind of thing that a Redis that is folded anew would be
// wrong about.
func everything(r *rig) map[string]func(context.Context) error {
	market := trade(1)
	return map[string]func(context.Context) error{
		"tick":  func(ctx context.Context) error { _, err := r.Ticks.Get(ctx, "kraken", "BTC/USDT"); return err },
		"price": func(ctx context.Context) error { _, err := r.Ticks.Price(ctx, "kraken", "BTC/USDT"); return err },
		"some ticks": func(ctx context.Context) error {
			_, err := r.Ticks.GetMany(ctx, []client.Market{{Exchange: "kraken", Symbol: "BTC/USDT"}})
			return err
		},
		"all ticks": func(ctx context.Context) error { _, err := r.Ticks.All(ctx, "kraken"); return err },
		"any tick":  func(ctx context.Context) error { _, err := r.Ticks.Any(ctx, "BTC/USDT"); return err },
		"exchanges": func(ctx context.Context) error { _, err := r.Ticks.Exchanges(ctx); return err },
		"trades": func(ctx context.Context) error {
			_, err := r.Trades.List(ctx, market.Exchange, market.Symbol, 5)
			return err
		},
		"trades since": func(ctx context.Context) error {
			_, _, err := r.Trades.Since(ctx, market.Exchange, market.Symbol, noon)
			return err
		},
		"trade status": func(ctx context.Context) error {
			_, err := r.Trades.Status(ctx, market.Exchange, market.Symbol)
			return err
		},
		"gaps": func(ctx context.Context) error {
			_, err := r.Trades.Gaps(ctx, market.Exchange, market.Symbol, 5)
			return err
		},
		"candles": func(ctx context.Context) error {
			_, err := r.Candles.Latest(ctx, market.Exchange, market.Symbol, "1m", 5)
			return err
		},
		"candles between": func(ctx context.Context) error {
			_, err := r.Candles.Between(ctx, market.Exchange, market.Symbol, "1m", noon, noon.Add(time.Hour))
			return err
		},
		"balance":  func(ctx context.Context) error { _, err := r.Accounts.Balance(ctx, "1001", "USDT"); return err },
		"position": func(ctx context.Context) error { _, err := r.Accounts.Position(ctx, "1001", "BTC/USDT"); return err },
		"fills":    func(ctx context.Context) error { _, err := r.Fills.List(ctx, "1001", "kraken", 5); return err },
		"next fill": func(ctx context.Context) error {
			_, err := r.Fills.Pop(ctx, "1001", "kraken", time.Second, 0)
			return err
		},
		"next order": func(ctx context.Context) error { _, err := r.Orders.Pop(ctx, "kraken", 0); return err },
		"symbol":     func(ctx context.Context) error { _, err := r.Symbols.Get(ctx, "kraken", "BTC/USDT"); return err },
		"orders": func(ctx context.Context) error {
			_, err := r.Orders.List(ctx, client.OrderFilter{Exchange: "kraken"})
			return err
		},
		"blocks": func(ctx context.Context) error { _, err := r.Bots.Blocks(ctx, "kraken"); return err },
		"halts":  func(ctx context.Context) error { _, err := r.Bots.Halts(ctx, "kraken"); return err },
	}
}

// Whoever reads while Redis is folded anew is told so, and not that something is
// not there, flat or free.
func TestReadersAreToldThatRedisIsBeingRebuilt(t *testing.T) {
	t.Parallel()
	r := filled(t)
	ctx := bounded(t)
	before := make(map[string]error)
	reads := everything(r)
	for name, read := range reads {
		before[name] = read(ctx)
		if errors.Is(before[name], domain.ErrUnknown) || errors.Is(before[name], domain.ErrUnreachable) {
			t.Fatalf("%s: %v", name, before[name])
		}
	}
	r.stop() // so that the rebuild is not over before it is looked at
	streams, err := r.Streams(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var rebuilds []client.Rebuild
	for _, stream := range streams {
		rebuild, err := r.Rebuild(ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		rebuilds = append(rebuilds, rebuild)
	}
	fresh := &rig{Client: client.New(r.bus, r.store)} // knows no earlier epoch
	defer fresh.Close()
	var group sync.WaitGroup
	for _, reads := range []map[string]func(context.Context) error{reads, everything(fresh)} {
		for name, read := range reads {
			group.Go(func() {
				if err := read(ctx); !errors.Is(err, domain.ErrRebuilding) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	group.Wait()
	r.project(100)
	for _, rebuild := range rebuilds {
		if at, done, err := r.Rebuilt(ctx, rebuild, patience); !done || err != nil {
			t.Fatalf("%s: at %d of %d (%v)", rebuild.Stream, at, rebuild.Last, err)
		}
	}
	for name, read := range reads {
		if got, want := read(ctx), before[name]; (got == nil) != (want == nil) || errors.Is(got, domain.ErrUnknown) {
			t.Errorf("%s: %v, was %v", name, got, want)
		}
	}
}

// Watchers are told once, and then see what there is now from the beginning.
func TestWatchersAreToldOfARebuildAndGoOnWithAFreshSnapshot(t *testing.T) {
	t.Parallel()
	r := filled(t)
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	type news struct {
		what string
		err  error
	}
	market := trade(1)
	watched := map[string]chan news{"tick": nil, "candle": nil, "trade": nil}
	for name := range watched {
		watched[name] = make(chan news, 1000)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for tick, err := range r.Ticks.Watch(ctx, "kraken", "BTC/USDT") {
			watched["tick"] <- news{tick.Last.String(), err}
		}
	})
	group.Go(func() {
		for candle, err := range r.Candles.Watch(ctx, market.Exchange, market.Symbol, "1d", 1) {
			watched["candle"] <- news{candle.Close.String(), err}
		}
	})
	group.Go(func() {
		for trade, err := range r.Trades.Watch(ctx, market.Exchange, market.Symbol, 1) {
			watched["trade"] <- news{trade.ID, err}
		}
	})
	next := func(name string) news {
		select {
		case n := <-watched[name]:
			return n
		case <-ctx.Done():
			t.Fatalf("%s: nothing", name)
			return news{}
		}
	}
	first := make(map[string]news)
	for name := range watched {
		if first[name] = next(name); first[name].err != nil {
			t.Fatal(name, first[name].err)
		}
	}
	for _, stream := range append(small.TickStreams(), small.TradeStreams()...) {
		if _, err := r.Rebuild(ctx, stream); err != nil {
			t.Fatal(err)
		}
	}
	for name := range watched {
		n := next(name)
		for n.err == nil && n == first[name] {
			n = next(name) // a tick that has become stale
		}
		if !errors.Is(n.err, domain.ErrRebuilding) {
			t.Errorf("%s: %+v, want to be told", name, n)
		}
	}
	for _, name := range []string{"tick", "candle"} {
		if n := next(name); n != first[name] {
			t.Errorf("%s: %+v, want %+v again", name, n, first[name])
		}
	}
	// Trades go on where they were.
	second := market
	second.ID = "2"
	r.visible(r.Trades.Push(ctx, second))
	if n := next("trade"); n != (news{"2", nil}) {
		t.Errorf("trades go on with %+v", n)
	}
	cancel()
	group.Wait()
}

func TestARebuildOfWhatIsNotThereIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	if _, err := r.Rebuild(t.Context(), "TICKS_7"); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	// The projector begins at the same time, or goes on with what was begun.
	again := func() (rebuild client.Rebuild, err error) {
		for rebuild, err = r.Rebuild(t.Context(), "TICKS_0"); errors.Is(err, domain.ErrConflict); {
			rebuild, err = r.Rebuild(t.Context(), "TICKS_0")
		}
		return rebuild, err
	}
	first, err := again()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again(); err != nil || second.Epoch <= first.Epoch {
		t.Errorf("%+v (%v)", second, err)
	}
	if _, _, err := r.Rebuilt(t.Context(), first, patience); !errors.Is(err, domain.ErrConflict) {
		t.Error(err)
	}
}
