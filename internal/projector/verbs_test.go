package projector_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// D5: the Python library's update_ticker never wrote anything. Here partial
// updates that come at the same time all count.
func TestD5PartialUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	_, err := r.client.Ticks.Update(t.Context(), "binance", "BTC/USDT", client.TickPatch{})
	if !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("update of nothing: %v", err)
	}
	r.wait(r.publish(tick("BTC/USDT", "100", 0, 1)))
	amount := func(text string) *domain.Decimal { d := domain.MustDecimal(text); return &d }
	patches := []client.TickPatch{
		{Bid: amount("99")}, {Ask: amount("101")}, {BidSize: amount("1.5")}, {AskSize: amount("2.5")}, {Volume: amount("7")}, {Last: amount("100.5")},
	}
	var group sync.WaitGroup
	positions := make([]domain.LogPosition, len(patches))
	for i, patch := range patches {
		group.Go(func() {
			pos, err := r.client.Ticks.Update(context.Background(), "binance", "BTC/USDT", patch)
			if err != nil {
				t.Errorf("patch %d: %v", i, err)
			}
			positions[i] = pos
		})
	}
	group.Wait()
	for _, pos := range positions {
		r.wait(pos)
	}
	got, err := r.client.Ticks.Get(t.Context(), "binance", "BTC/USDT")
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(got.Bid, got.Ask, got.BidSize, got.AskSize, got.Volume, got.Last); text != "99 101 1.5 2.5 7 100.5" {
		t.Fatalf("updates were lost: %s", text)
	}
}

// D5: get_price was promised and missing. It fails on a stale tick.
func TestD5PriceFailsClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	r.wait(r.publish(tick("BTC/USDT", "100", 0, 1)))
	if price, err := r.client.Ticks.Price(t.Context(), "binance", "BTC/USDT"); err != nil || price.String() != "100" {
		t.Fatalf("%v %v", price, err)
	}
	old := tick("ETH/USDT", "100", 0, 1)
	old.Received = time.Now().Add(-time.Hour)
	r.wait(r.publish(old))
	if _, err := r.client.Ticks.Price(t.Context(), "binance", "ETH/USDT"); !errors.Is(err, domain.ErrStale) {
		t.Fatalf("stale: %v", err)
	}
	if _, err := r.client.Ticks.Price(t.Context(), "binance", "SOL/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("missing: %v", err)
	}
}

// D14: exchanges are those that have ticks, not five fixed names.
func TestD14AnyExchangeCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	for i, exchange := range []string{"binance", "okx", "a-venue-of-tomorrow"} {
		tk := tick("BTC/USDT", fmt.Sprint(100+i), 0, 1)
		tk.Exchange = exchange
		tk.Received = time.Now().Add(time.Duration(i) * time.Millisecond)
		r.wait(r.publish(tk))
	}
	got, err := r.client.Ticks.Any(t.Context(), "BTC/USDT")
	if err != nil || got.Exchange != "a-venue-of-tomorrow" {
		t.Fatalf("newest is %s (%v)", got.Exchange, err)
	}
	n, positions, err := r.client.Ticks.DeleteExchange(t.Context(), "okx")
	if err != nil || n != 1 {
		t.Fatalf("%d deleted (%v)", n, err)
	}
	for _, pos := range positions {
		r.wait(pos)
	}
	if _, err := r.client.Ticks.Get(t.Context(), "okx", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("after the deletion: %v", err)
	}
}

// D18: reading trades took them away, and two readers lost and doubled some.
func TestD18TwoReadersLoseAndDoubleNone(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 1000)
	const n = 300
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			next := 0
			for trade, err := range r.client.Trades.Watch(ctx, "binance", "BTC/USDT", 1000) {
				if err != nil || trade.ID != fmt.Sprint(next) {
					t.Errorf("got %s (%v), want %d", trade.ID, err, next)
					return
				}
				if next++; next == n {
					return
				}
			}
			t.Errorf("the watch ended after %d trades", next)
		})
	}
	for i := range n {
		r.publish(trade("BTC/USDT", i, "100", "1", time.Duration(i)*time.Second))
	}
	readers.Wait()
}

func TestTradeAnalytics(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 3)
	now := time.Now()
	var pos domain.LogPosition
	for i, row := range []struct {
		ago           time.Duration
		price, volume string
		side          domain.Side
	}{{time.Hour, "50", "9", domain.Buy}, {40 * time.Second, "100", "1", domain.Buy}, {30 * time.Second, "104", "2", domain.Sell}, {20 * time.Second, "102", "1", domain.Buy}} {
		tr := trade("BTC/USDT", i, row.price, row.volume, 0)
		tr.Time, tr.Side = now.Add(-row.ago), row.side
		pos = r.publish(tr)
	}
	r.wait(pos)
	a, err := r.client.Trades.Analytics(t.Context(), "binance", "BTC/USDT", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(a.Count, a.Volume, a.Cost, a.VWAP, a.Open, a.High, a.Low, a.Close, a.BuyVolume, a.SellVolume, a.Complete)
	if want := "3 4 410 102.5 100 104 100 102 2 2 false"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	a, err = r.client.Trades.Analytics(t.Context(), "binance", "BTC/USDT", 35*time.Second)
	if err != nil || a.Count != 2 || !a.Complete {
		t.Fatalf("%+v %v", a, err)
	}
	s, err := r.client.Trades.Status(t.Context(), "binance", "BTC/USDT")
	if err != nil || s.Count != 3 || s.First.ID != "1" || s.Last.ID != "3" {
		t.Fatalf("%+v %v", s, err)
	}
	if _, err := r.client.Trades.Status(t.Context(), "binance", "ETH/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
}

// D29: updating a forming bar or back-filling gave duplicate bars in disorder,
// venues were mixed, and a count of zero returned everything.
func TestD29BarsAreUpsertedInOrderByVenue(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	bar := func(exchange string, minute int, close string) domain.Candle {
		c := domain.MustDecimal(close)
		return domain.Candle{
			Exchange: exchange, Symbol: "BTC/USDT", Timeframe: "1m", Time: epoch.Add(time.Duration(minute) * time.Minute),
			Open: c, High: c, Low: c, Close: c, Volume: c, Source: domain.FromVenue,
		}
	}
	r.wait(r.publish(bar("binance", 1, "1"), bar("binance", 3, "3"), bar("binance", 3, "4"), bar("binance", 2, "2"), bar("okx", 3, "9")))
	r.wait(r.publish(bar("okx", 4, "9")))
	bars, err := r.client.Candles.Between(t.Context(), "binance", "BTC/USDT", "1m", epoch, epoch.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, b := range bars {
		got += fmt.Sprint(b.Time.Sub(epoch), "=", b.Close, " ")
	}
	if want := "1m0s=1 2m0s=2 3m0s=4 "; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if bars, err := r.client.Candles.Between(t.Context(), "binance", "BTC/USDT", "1m", epoch.Add(61*time.Second), epoch.Add(3*time.Minute)); err != nil || len(bars) != 1 {
		t.Fatalf("%d bars between (%v)", len(bars), err)
	}
	for _, bad := range []func() error{
		func() error {
			_, err := r.client.Candles.Latest(t.Context(), "binance", "BTC/USDT", "1m", 0)
			return err
		},
		func() error {
			_, err := r.client.Candles.Latest(t.Context(), "binance", "BTC/USDT", "2m", 1)
			return err
		},
		func() error {
			_, err := r.client.Candles.Between(t.Context(), "binance", "BTC/USDT", "1m", epoch, epoch)
			return err
		},
	} {
		if err := bad(); !errors.Is(err, domain.ErrInvalid) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestWatchedCandlesFollowTheTrades(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	r.wait(r.publish(trade("BTC/USDT", 1, "100", "1", 0), trade("BTC/USDT", 2, "100", "1", time.Minute)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	step := 0
	for bar, err := range r.client.Candles.Watch(ctx, "binance", "BTC/USDT", "1m", 1) {
		if err != nil {
			t.Fatal(err)
		}
		at, volume := bar.Time.Sub(epoch), bar.Volume.String()
		switch {
		case step == 0 && at == time.Minute && volume == "1":
			r.publish(trade("BTC/USDT", 3, "101", "2", 70*time.Second))
		case step == 1 && at == time.Minute && volume == "3":
			r.publish(trade("BTC/USDT", 4, "102", "5", 2*time.Minute))
		case step == 2 && at == 2*time.Minute && volume == "5":
			return
		default:
			t.Fatalf("step %d: bar of %v with volume %s", step, at, volume)
		}
		step++
	}
	t.Fatal("the watch ended")
}
