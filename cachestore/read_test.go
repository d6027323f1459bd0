package cachestore_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestWaitReturnsOnceThePartitionIsBeyondTheSequence(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition(stream)
	if seq, err := p.Wait(t.Context(), 0, time.Millisecond); err != nil || seq > 0 {
		t.Fatalf("nothing is stored, but Wait says %d (%v)", seq, err)
	}
	apply(t, p, domain.Checkpoint{}, at(5), p.NewBatch())
	for _, after := range []uint64{0, 4} {
		if seq, err := p.Wait(t.Context(), after, time.Minute); err != nil || seq != 5 {
			t.Fatalf("after %d: %d (%v), want 5", after, seq, err)
		}
	}
	for _, after := range []uint64{5, 6, 1 << 62} {
		if seq, err := p.Wait(t.Context(), after, time.Microsecond); err != nil || seq > after {
			t.Fatalf("after %d: %d (%v)", after, seq, err)
		}
	}
	// Whoever comes first: the change cannot fall between two reads.
	type result struct {
		seq uint64
		err error
	}
	done := make(chan result, 1)
	go func() {
		seq, err := p.Wait(t.Context(), 5, time.Minute)
		done <- result{seq, err}
	}()
	apply(t, p, at(5), at(9), p.NewBatch())
	if got := <-done; got.err != nil || got.seq != 9 {
		t.Fatalf("%d %v, want 9", got.seq, got.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx, 9, time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
}

func TestTicksAreReadWithWhatVouchesForThem(t *testing.T) {
	t.Parallel()
	s := testserver.SharedStore(t)
	p := s.Partition(stream)
	b := withTick(t, p, "BTC/USDT", 7, 3)
	feed := domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: noon, Interval: time.Second}
	b.PutFeed("binance", cachestore.Write{Seq: 4, Payload: encode(t, feed)})
	apply(t, p, domain.Checkpoint{}, at(4), b)
	for _, c := range []struct {
		now   time.Time
		stale bool
	}{{noon, false}, {noon.Add(3 * time.Second), false}, {noon.Add(4 * time.Second), true}} {
		got, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", c.now)
		if err != nil || got.Stale != c.stale || got.Sequence != 3 {
			t.Fatalf("at %v: %+v %v", c.now, got, err)
		}
	}
	ticks, _, err := p.Ticks(t.Context(), "binance", []string{"ETH/USDT", "BTC/USDT"}, noon)
	if err != nil || len(ticks) != 2 || ticks[0].Symbol != "" || ticks[1].Symbol != "BTC/USDT" {
		t.Fatalf("%+v %v", ticks, err)
	}
	all, _, err := s.AllTicks(t.Context(), []*cachestore.Partition{p, s.Partition("TICKS_1")}, "binance", noon)
	if err != nil || len(all) != 1 || all[0].Symbol != "BTC/USDT" {
		t.Fatalf("%+v %v", all, err)
	}
	exchanges, _, err := s.Exchanges(t.Context(), []*cachestore.Partition{p, p})
	if err != nil || !slices.Equal(exchanges, []string{"binance"}) {
		t.Fatalf("%v %v", exchanges, err)
	}
	orders, err := p.LoadTickOrders(t.Context(), []cachestore.Market{{Exchange: "kraken", Symbol: "BTC/USDT"}, {Exchange: "binance", Symbol: "BTC/USDT"}})
	if _, known := orders[cachestore.Market{Exchange: "binance", Symbol: "BTC/USDT"}]; err != nil || len(orders) != 1 || !known {
		t.Fatalf("%v %v", orders, err)
	}
}

func TestATickWithoutAFeedIsStaleAfterAMinuteAndOneWithAnUnreadableFeedAlways(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	p := s.Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 7, 1))
	stale := func(now time.Time) bool {
		got, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", now)
		if err != nil {
			t.Fatal(err)
		}
		return got.Stale
	}
	if stale(noon.Add(cachestore.StaleWithoutFeed)) || !stale(noon.Add(cachestore.StaleWithoutFeed+1)) {
		t.Fatal("not stale from its age on")
	}
	if err := rdb.HSet(t.Context(), key(stream, "ticks:binance"), "feed", "garbage").Err(); err != nil {
		t.Fatal(err)
	}
	if !stale(noon) {
		t.Fatal("an unreadable feed vouches for a tick")
	}
}

func TestTradesAreReadOldestFirstAndAfterACursor(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition("TRADES_0")
	if trades, _, err := p.Trades(t.Context(), "binance", "BTC/USDT", 5); err != nil || len(trades) != 0 {
		t.Fatalf("%v %v", trades, err)
	}
	addTrades(t, p, domain.Checkpoint{}, 1, 50)
	trades, _, err := p.Trades(t.Context(), "binance", "BTC/USDT", 3)
	if err != nil || len(trades) != 3 || trades[0].ID != "48" || trades[2].Sequence != 50 {
		t.Fatalf("%+v %v", trades, err)
	}
	// Piece after piece, none twice, however far back the cursor is.
	var cursor cachestore.Cursor
	var ids []string
	for _, upTo := range []int{50, 51, 60, 1500, 1500} {
		if last := len(ids); upTo > max(last, 50) {
			addTrades(t, p, at(uint64(last)), last+1, upTo)
		}
		piece, next, err := p.TradesAfter(t.Context(), "binance", "BTC/USDT", cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range piece {
			ids = append(ids, tr.ID)
		}
		cursor = next
	}
	for i, id := range ids {
		if id != strconv.Itoa(i+1) {
			t.Fatalf("trade %d is %s", i, id)
		}
	}
	if len(ids) != 1500 || cursor.Seq != 1500 || cursor.Created != at(0).Created {
		t.Fatalf("%d trades, then %+v", len(ids), cursor)
	}
	b := p.NewBatch()
	b.TrimTrades("binance", "BTC/USDT", 500)
	apply(t, p, at(1500), at(1501), b)
	for seq, want := range map[uint64]error{1: domain.ErrLagged, 999: domain.ErrLagged, 1000: domain.ErrLagged, 1001: nil, 1500: nil} {
		_, _, err := p.TradesAfter(t.Context(), "binance", "BTC/USDT", cachestore.Cursor{Seq: seq, Created: cursor.Created})
		if !errors.Is(err, want) {
			t.Errorf("after %d: %v, want %v", seq, err, want)
		}
	}
}

// A reader must not take a Redis that is behind for one that has trimmed.
func TestWhileRedisIsRebuiltNothingFollowsTheCursor(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition("TRADES_0")
	cursor := cachestore.Cursor{Seq: 20, Created: at(0).Created}
	after := func() (int, error) {
		trades, _, err := p.TradesAfter(t.Context(), "binance", "BTC/USDT", cursor)
		return len(trades), err
	}
	if n, err := after(); n != 0 || err != nil {
		t.Fatalf("empty: %d %v", n, err)
	}
	addTrades(t, p, domain.Checkpoint{}, 1, 10)
	if n, err := after(); n != 0 || err != nil {
		t.Fatalf("half: %d %v", n, err)
	}
	addTrades(t, p, at(10), 11, 25)
	if n, err := after(); n != 5 || err != nil {
		t.Fatalf("whole: %d %v", n, err)
	}
	// Another log's sequences mean something else.
	cursor.Created++
	if n, err := after(); n != 0 || !errors.Is(err, domain.ErrLagged) {
		t.Fatalf("another log: %d %v", n, err)
	}
}

func TestGapsAndCandlesAreReadOldestFirst(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition("TRADES_0")
	series := cachestore.Series{Market: cachestore.Market{Exchange: "binance", Symbol: "BTC/USDT"}, Timeframe: "1m"}
	candle := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Open: domain.MustDecimal("1"), High: domain.MustDecimal("1"),
		Low: domain.MustDecimal("1"), Close: domain.MustDecimal("1"), Source: domain.FromVenue,
	}
	b := p.NewBatch()
	bars, newest := []cachestore.CandleWrite(nil), int64(0)
	write := func(seq uint64) {
		bars = append(bars, cachestore.CandleWrite{Timeframe: "1m", Start: candle.Time.Unix(), Seq: seq, Payload: encode(t, candle)})
	}
	for i := range cachestore.CandleCap + 5 {
		candle.Time = noon.Add(time.Duration(i) * time.Minute)
		write(uint64(i + 1))
		if i == cachestore.CandleCap/2 || i == cachestore.CandleCap+4 {
			b.PutCandles("binance", "BTC/USDT", bars)
			b.MoveNewest("binance", "BTC/USDT", "1m", newest, candle.Time.Unix())
			bars, newest = nil, candle.Time.Unix()
		}
	}
	candle.Volume = domain.MustDecimal("9")
	write(9000)
	b.PutCandles("binance", "BTC/USDT", bars) // in place of the newest
	var gaps []cachestore.Write
	for i := range 5 {
		gap := domain.Gap{Exchange: "binance", Symbol: "BTC/USDT", Missing: uint64(i), Time: noon}
		gaps = append(gaps, cachestore.Write{Seq: uint64(i + 1), Payload: encode(t, gap)})
	}
	b.AddGaps("binance", "BTC/USDT", gaps)
	apply(t, p, domain.Checkpoint{}, at(9000), b)
	candles, _, err := p.Candles(t.Context(), series, 10_000)
	if err != nil || len(candles) != cachestore.CandleCap || !candles[0].Time.Equal(noon.Add(5*time.Minute)) {
		t.Fatalf("%d candles (%v)", len(candles), err)
	}
	if last := candles[len(candles)-1]; last.Sequence != 9000 || last.Volume.String() != "9" || last.Timeframe != "1m" {
		t.Fatalf("%+v", last)
	}
	if loaded, err := p.LoadCandles(t.Context(), []cachestore.Series{series}, 2); err != nil || len(loaded[series]) != 2 {
		t.Fatalf("%v %v", loaded, err)
	}
	read, _, err := p.Gaps(t.Context(), "binance", "BTC/USDT", 2)
	if err != nil || len(read) != 2 || read[0].Missing != 3 || read[1].Sequence != 5 {
		t.Fatalf("%+v %v", read, err)
	}
}

// What cannot be read is not the same as nothing.
func TestStoredGarbageIsUnknown(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	p := s.Partition(stream)
	ctx := t.Context()
	for _, garbage := range []string{"", "x", "\xc1", "\x92\x01", "\x92\x01\x93\x01\x02\x03", "\x92\x01\x9a\x02"} {
		for _, err := range []error{
			rdb.HSet(ctx, key(stream, "ticks:binance"), "BTC/USDT", garbage).Err(),
			rdb.Del(ctx, key(stream, "trades:binance:BTC/USDT"), key(stream, "gaps:binance:BTC/USDT")).Err(),
			rdb.RPush(ctx, key(stream, "trades:binance:BTC/USDT"), garbage).Err(),
			rdb.RPush(ctx, key(stream, "gaps:binance:BTC/USDT"), garbage).Err(),
			rdb.HSet(ctx, key(stream, "candles:binance:BTC/USDT"), "1m", "60", "1m:60", garbage, "5m", garbage).Err(),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		market := cachestore.Market{Exchange: "binance", Symbol: "BTC/USDT"}
		_, _, tickErr := p.Tick(ctx, "binance", "BTC/USDT", noon)
		_, _, ticksErr := p.Ticks(ctx, "binance", []string{"BTC/USDT"}, noon)
		_, _, allErr := s.AllTicks(ctx, []*cachestore.Partition{p}, "binance", noon)
		_, _, tradesErr := p.Trades(ctx, "binance", "BTC/USDT", 5)
		_, _, afterErr := p.TradesAfter(ctx, "binance", "BTC/USDT", cachestore.Cursor{Seq: 3})
		_, _, gapsErr := p.Gaps(ctx, "binance", "BTC/USDT", 5)
		_, _, barErr := p.Candles(ctx, cachestore.Series{Market: market, Timeframe: "1m"}, 5)
		_, _, newestErr := p.Candles(ctx, cachestore.Series{Market: market, Timeframe: "5m"}, 5)
		for what, err := range map[string]error{
			"Tick": tickErr, "Ticks": ticksErr, "AllTicks": allErr, "Trades": tradesErr, "TradesAfter": afterErr, "Gaps": gapsErr,
			"Candles": barErr, "newest candle": newestErr,
		} {
			if !errors.Is(err, domain.ErrUnknown) {
				t.Errorf("%s of %q: %v, want ErrUnknown", what, garbage, err)
			}
		}
		// To a projector it is as good as nothing: what follows replaces it.
		if orders, err := p.LoadTickOrders(ctx, []cachestore.Market{market}); err != nil || len(orders) != 0 {
			t.Errorf("%q: %v %v", garbage, orders, err)
		}
		if ids, err := p.LoadTradeIDs(ctx, []cachestore.Market{market}, 5); err != nil || len(ids[market]) != 0 {
			t.Errorf("%q: %v %v", garbage, ids, err)
		}
	}
}
