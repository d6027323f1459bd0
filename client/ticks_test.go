package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A market's whole life, as a newcomer writes it first.
func TestATickIsSetReadListedAndDeleted(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	pos, err := c.Ticks.Set(ctx, domain.Tick{
		Exchange: "binance", Symbol: "BTC/USDT", Last: dec("50000.0"), Volume: dec("100"), Bid: dec("49999"), Ask: dec("50001"), Time: noon,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(ctx, pos); err != nil {
		t.Fatal(err)
	}
	got, err := c.Ticks.Get(ctx, "binance", "BTC/USDT")
	if err != nil {
		t.Fatal(err)
	}
	if got.Price().String() != "50000" || got.Bid.String() != "49999" || got.Ask.String() != "50001" || got.Volume.String() != "100" ||
		!got.Time.Equal(noon) || got.Received.IsZero() || got.Sequence != pos.Seq || got.Stale {
		t.Fatalf("%+v", got)
	}
	c.visible(c.Ticks.Set(ctx, tick("binance", "ETH/USDT", "2500")))
	c.visible(c.Ticks.Set(ctx, tick("kraken", "BTC/EUR", "45000")))
	all, err := c.Ticks.All(ctx, "binance")
	if err != nil || len(all) != 2 || all[0].Symbol != "BTC/USDT" || all[1].Symbol != "ETH/USDT" {
		t.Fatalf("%+v %v", all, err)
	}
	exchanges, err := c.Ticks.Exchanges(ctx)
	if err != nil || !slices.Equal(exchanges, []string{"binance", "kraken"}) {
		t.Fatalf("%v %v", exchanges, err)
	}
	c.visible(c.Ticks.Delete(ctx, "binance", "BTC/USDT"))
	if got, err := c.Ticks.Get(ctx, "binance", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) || got != (domain.Tick{}) {
		t.Fatalf("%+v %v", got, err)
	}
	if all, err := c.Ticks.All(ctx, "nobody"); err != nil || len(all) != 0 {
		t.Fatalf("%+v %v", all, err)
	}
}

func TestAnyPrefersATickThatIsNotStaleThenTheNewest(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	if _, err := c.Ticks.Any(ctx, "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	want := func(exchange string) {
		t.Helper()
		if got, err := c.Ticks.Any(ctx, "BTC/USDT"); err != nil || got.Exchange != exchange {
			t.Fatalf("%+v %v, want that of %s", got, err, exchange)
		}
	}
	at := func(exchange string, ago time.Duration) domain.Tick {
		tk := tick(exchange, "BTC/USDT", "1")
		tk.Received = time.Now().Add(-ago)
		return tk
	}
	c.visible(c.Ticks.Set(ctx, at("old", 3*time.Hour)))
	want("old") // stale is better than nothing
	c.visible(c.Ticks.Set(ctx, at("older", 4*time.Hour)))
	want("old")
	c.visible(c.Ticks.Set(ctx, at("fresh", 0)))
	want("fresh")
	// One that says that it comes from the future, of a feed that is silent.
	silent := domain.Feed{Exchange: "silent", State: domain.FeedSilent, Time: time.Now(), Interval: time.Second}
	p, err := c.bus.NewTickPublisher()
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	cancel()
	if err := errors.Join(p.Publish(at("silent", -time.Hour)), p.PublishFeed(silent), p.Run(running, patience)); err != nil {
		t.Fatal(err)
	}
	for tk, err := range c.Ticks.Watch(ctx, "silent") {
		if err != nil {
			t.Fatal(err)
		}
		if tk.Stale {
			break
		}
	}
	want("fresh")
}

func TestNextWaitsForANewerTick(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	type result struct {
		tick domain.Tick
		err  error
	}
	next := func(after uint64) chan result {
		done := make(chan result, 1)
		go func() {
			tk, err := c.Ticks.Next(ctx, "binance", "BTC/USDT", after)
			done <- result{tk, err}
		}()
		return done
	}
	first := next(0)
	c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "1")))
	got := <-first
	if got.err != nil || got.tick.Last.String() != "1" {
		t.Fatalf("%+v", got)
	}
	second := next(got.tick.Sequence)
	c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "2")))
	if got := <-second; got.err != nil || got.tick.Last.String() != "2" {
		t.Fatalf("%+v", got)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if tk, err := c.Ticks.Next(short, "binance", "BTC/USDT", 1<<60); !errors.Is(err, context.Canceled) || tk != (domain.Tick{}) {
		t.Fatalf("%+v %v", tk, err)
	}
}

func TestWatchYieldsThePresentTicksAndThenWhatChanges(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "1")))
	c.visible(c.Ticks.Set(ctx, tick("binance", "ETH/USDT", "1")))
	c.visible(c.Ticks.Set(ctx, tick("kraken", "BTC/USDT", "99")))
	steps := []func(){
		func() {},
		func() { c.visible(c.Ticks.Set(ctx, tick("binance", "ETH/USDT", "2"))) },
		func() { c.visible(c.Ticks.Set(ctx, tick("binance", "NEW/USDT", "3"))) },
		func() {
			c.visible(c.Ticks.Delete(ctx, "binance", "BTC/USDT"))
			c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "4")))
		},
	}
	want := []string{"BTC/USDT 1", "ETH/USDT 1", "ETH/USDT 2", "NEW/USDT 3", "BTC/USDT 4"}
	var got []string
	for tk, err := range c.Ticks.Watch(ctx, "binance") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, tk.Symbol+" "+tk.Last.String())
		if len(got) == len(want) {
			break
		}
		if len(got) > 1 {
			steps[len(got)-1]()
		}
	}
	// The first two may come in either order: they are in two partitions.
	slices.Sort(got[:2])
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for tk, err := range c.Ticks.Watch(ctx, "binance", "NEW/USDT", "NEW/USDT") {
		if err != nil || tk.Symbol != "NEW/USDT" {
			t.Fatalf("%+v %v", tk, err)
		}
		break
	}
}

// However fast ticks come, what a watcher sees of a market never goes back and
// ends with the newest.
func TestWatchSkipsReplacedStatesButNeverTheLast(t *testing.T) {
	t.Parallel()
	const n = 500
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	var setting sync.WaitGroup
	defer setting.Wait()
	setting.Go(func() {
		for i := range n {
			tk := tick("binance", "BTC/USDT", "1")
			tk.VenueSeq = uint64(i + 1)
			if _, err := c.Ticks.Set(ctx, tk); err != nil {
				t.Error(err)
			}
		}
	})
	var last uint64
	for tk, err := range c.Ticks.Watch(ctx, "binance", "BTC/USDT") {
		if err != nil {
			t.Fatal(err)
		}
		if tk.VenueSeq <= last {
			t.Fatalf("%d after %d", tk.VenueSeq, last)
		}
		if last = tk.VenueSeq; last == n {
			return
		}
	}
	t.Fatalf("ended at %d (%v)", last, ctx.Err())
}

func TestTwoWatchersOfOnePartitionBothSeeEverything(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	seen := make(chan string, 10)
	for range 3 {
		go func() {
			for tk, err := range c.Ticks.Watch(ctx, "binance", "BTC/USDT") {
				if err != nil {
					seen <- err.Error()
					return
				}
				if seen <- tk.Last.String(); tk.Last.String() == "2" {
					return
				}
			}
		}()
	}
	collect := func(want string) {
		t.Helper()
		for range 3 {
			if got := <-seen; got != want {
				t.Fatalf("saw %s, want %s", got, want)
			}
		}
	}
	c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "1")))
	collect("1")
	c.visible(c.Ticks.Set(ctx, tick("binance", "BTC/USDT", "2")))
	collect("2")
}

func TestWaitTellsWhatItCannotWaitFor(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	if err := c.Wait(t.Context(), domain.LogPosition{Stream: "ORDERS_X", Seq: 1}); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if err := c.Wait(t.Context(), domain.LogPosition{Stream: "TICKS_0"}); err != nil {
		t.Fatalf("before the first message: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := c.Wait(ctx, domain.LogPosition{Stream: "TICKS_0", Seq: 1000})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "TICKS_0 1000") {
		t.Fatalf("got %v", err)
	}
}
