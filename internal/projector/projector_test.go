package projector_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

var epoch = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)

func tick(symbol string, price string, at time.Duration, seq uint64) domain.Tick {
	return domain.Tick{
		Exchange: "binance", Symbol: symbol, Last: domain.MustDecimal(price),
		Time: epoch.Add(at), Received: time.Now(), VenueSeq: seq,
	}
}

func trade(symbol string, id int, price, volume string, at time.Duration) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: symbol, ID: strconv.Itoa(id), Side: domain.Buy,
		Price: domain.MustDecimal(price), Volume: domain.MustDecimal(volume),
		Time: epoch.Add(at), Received: epoch.Add(at),
	}
}

// D2: an older tick replaced a newer one.
func TestD2AnOlderTickNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	pos := r.publish(
		tick("BTC/USDT", "100", 2*time.Second, 20),
		tick("BTC/USDT", "99", 1*time.Second, 30), // older time
		tick("BTC/USDT", "98", 2*time.Second, 19), // same time, older sequence
	)
	r.wait(pos)
	expectPrice(t, r, "100")
	r.wait(r.publish(tick("BTC/USDT", "101", 2*time.Second, 20))) // same order: the log's decides
	expectPrice(t, r, "101")
	// Across batches and a new projector the stored order still counts.
	r.wait(r.publish(tick("BTC/USDT", "97", time.Second, 99)))
	expectPrice(t, r, "101")
	// What one of two does not know does not count.
	unknown := tick("BTC/USDT", "102", 0, 21)
	unknown.Time = time.Time{}
	r.wait(r.publish(unknown))
	expectPrice(t, r, "102")
}

func expectPrice(t *testing.T, r *rig, want string) {
	t.Helper()
	got, err := r.client.Ticks.Get(t.Context(), "binance", "BTC/USDT")
	if err != nil || got.Last.String() != want {
		t.Fatalf("got %v (%v), want %s", got.Last, err, want)
	}
}

func TestADeletedTickIsNotFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	r.wait(r.publish(tick("BTC/USDT", "100", time.Second, 1)))
	pos, err := r.client.Ticks.Delete(t.Context(), "binance", "BTC/USDT")
	if err != nil {
		t.Fatal(err)
	}
	r.wait(pos)
	if _, err := r.client.Ticks.Get(t.Context(), "binance", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	// A tick from before the deletion may come again: nothing is stored to be older than.
	r.wait(r.publish(tick("BTC/USDT", "99", 0, 0)))
	expectPrice(t, r, "99")
}

// D16: a trade that was replayed or pushed again was there twice.
func TestD16AReplayedTradeAppearsOnceAndTheCapHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	_, stop := r.project(r.store, 10)
	for i := range 15 {
		r.publish(trade("BTC/USDT", i, "100", "1", time.Duration(i)*time.Second))
	}
	r.wait(r.publish(trade("BTC/USDT", 14, "100", "1", 14*time.Second)))
	stop()
	// A projector that starts anew recognises what Redis keeps.
	p, _ := r.project(r.store, 10)
	r.wait(r.publish(trade("BTC/USDT", 7, "100", "1", 7*time.Second), trade("BTC/USDT", 15, "100", "1", 15*time.Second)))
	trades, err := r.client.Trades.List(t.Context(), "binance", "BTC/USDT", 100)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, tr := range trades {
		got += tr.ID + " "
	}
	if want := "6 7 8 9 10 11 12 13 14 15 "; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	var duplicates uint64
	for _, s := range p.Stats() {
		duplicates += s.Duplicates
	}
	if duplicates != 1 {
		t.Fatalf("%d duplicates counted", duplicates)
	}
}

func TestCandlesAreBuiltFromTradesAndTheVenueWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	_, stop := r.project(r.store, 100)
	r.wait(r.publish(
		trade("BTC/USDT", 1, "100", "1", 1*time.Second),
		trade("BTC/USDT", 2, "103", "0.5", 20*time.Second),
		trade("BTC/USDT", 3, "99.5", "0.25", 59*time.Second),
		trade("BTC/USDT", 4, "101", "2", 61*time.Second),
	))
	stop()
	r.project(r.store, 100)
	r.wait(r.publish(trade("BTC/USDT", 5, "104", "1", 90*time.Second)))
	expectCandles(t, r, "1m", "0s 100 103 99.5 99.5 1.75 3 trades", "1m0s 101 104 101 104 3 2 trades")
	expectCandles(t, r, "5m", "0s 100 104 99.5 104 4.75 5 trades")
	expectCandles(t, r, "1d", "-12h0m0s 100 104 99.5 104 4.75 5 trades")
	venue := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Time: epoch, Open: domain.MustDecimal("98"),
		High: domain.MustDecimal("105"), Low: domain.MustDecimal("97"), Close: domain.MustDecimal("99"),
		Volume: domain.MustDecimal("7"), Trades: 9, Source: domain.FromVenue, Closed: true,
	}
	built := venue
	built.Source, built.Volume = domain.FromTrades, domain.MustDecimal("1")
	earlier := venue
	earlier.Time = epoch.Add(-time.Hour)
	r.wait(r.publish(venue, built, earlier, trade("BTC/USDT", 6, "500", "1", 30*time.Second)))
	expectCandles(t, r, "1m", "-1h0m0s 98 105 97 99 7 9 venue", "0s 98 105 97 99 7 9 venue", "1m0s 101 104 101 104 3 2 trades")
}

func expectCandles(t *testing.T, r *rig, tf domain.Timeframe, want ...string) {
	t.Helper()
	candles, err := r.client.Candles.Latest(t.Context(), "binance", "BTC/USDT", tf, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range candles {
		got = append(got, fmt.Sprintf("%v %v %v %v %v %v %d %v", c.Time.Sub(epoch), c.Open, c.High, c.Low, c.Close, c.Volume, c.Trades, c.Source))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: got\n%v, want\n%v", tf, got, want)
	}
}

// D3: a dead feed served its last price for ever.
func TestD3FeedsDecideWhatIsStale(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 100)
	r.wait(r.publish(tick("BTC/USDT", "100", 0, 1)))
	publisher, err := r.bus.NewTickPublisher()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- publisher.Run(ctx, time.Second) }()
	defer func() { cancel(); <-done }()
	feed := domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: time.Now(), Interval: time.Hour, Heard: time.Now()}
	for _, c := range []struct {
		state domain.FeedState
		ago   time.Duration
		stale bool
	}{
		{domain.FeedLive, 0, false}, {domain.FeedSilent, 0, true}, {domain.FeedLive, 0, false},
		{domain.FeedLive, 4 * time.Hour, true}, {domain.FeedLive, 0, false}, {domain.FeedStopped, 0, true},
	} {
		feed.State, feed.Time = c.state, time.Now().Add(-c.ago)
		if err := publisher.PublishFeed(feed); err != nil {
			t.Fatal(err)
		}
		for got, err := range r.client.Ticks.Watch(t.Context(), "binance", "BTC/USDT") {
			if err != nil {
				t.Fatal(err)
			}
			if got.Stale == c.stale {
				break
			}
		}
	}
}

func TestUndecodableMessagesAreKeptAndDisturbNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	p, _ := r.project(r.store, 100)
	bad := []string{"\x01garbage", "\x93\x01\x02", string([]byte{0xc1}), "null"}
	for _, kind := range []domain.Key{
		tick("BTC/USDT", "1", 0, 0).Key(), trade("BTC/USDT", 1, "1", "1", 0).Key(),
		{Kind: domain.KindGap, Exchange: "binance", Symbol: "BTC/USDT"},
		{Kind: domain.KindCandle, Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m"},
	} {
		address, err := small.Address(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range bad {
			r.raw(address.Subject, payload)
		}
	}
	r.raw("tick.0.binance.NOT-A-SYMBOL", "x")
	r.raw("tick.1.BAD%ZZ.BTC/USDT", "x")
	r.raw("trade.1.too.many.tokens.here", "x")
	r.wait(r.publish(tick("BTC/USDT", "100", 0, 1)))
	r.wait(r.publish(trade("BTC/USDT", 1, "100", "1", 0)))
	expectPrice(t, r, "100")
	r.caughtUp(r.store)
	var letters uint64
	for _, s := range p.Stats() {
		letters += s.DeadLetters
	}
	extent, err := r.bus.Extent(t.Context(), "DEADLETTER")
	if want := uint64(4*len(bad) + 3); err != nil || letters != want || extent.Last != want {
		t.Fatalf("%d counted, %d kept (%v), want %d", letters, extent.Last, err, want)
	}
}
