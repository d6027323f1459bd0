package sim_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim"
)

var oneSymbol = sim.DefaultSymbols()[:1]

// Trades, aggregates, candles and REST must tell one story.
func TestStreamsCandlesAndRESTAgree(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{Symbols: oneSymbol, Seed: 7, Rate: 100, Queue: 1 << 17, PingInterval: sim.Never})
	c := x.dial("/stream?streams=btcusdt@trade/btcusdt@aggTrade/btcusdt@kline_1m/btcusdt@bookTicker", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`,
		`{"result":["btcusdt@aggTrade","btcusdt@bookTicker","btcusdt@kline_1m","btcusdt@trade"],"id":1}`)
	for range 20 {
		x.clock.Advance(8 * time.Second)
	}
	var trades []tradeEvent
	var aggs []aggEvent
	closed := map[int64]kline{}
	update := int64(0)
	for len(closed) < 3 {
		text := c.read()
		switch f := decode[struct{ Stream string }](t, text); f.Stream {
		case "btcusdt@trade":
			tr := decode[struct{ Data tradeEvent }](t, text).Data
			if n := len(trades); n > 0 && (tr.ID != trades[n-1].ID+1 || tr.Time < trades[n-1].Time) {
				t.Fatalf("%+v after %+v", tr, trades[n-1])
			}
			trades = append(trades, tr)
		case "btcusdt@aggTrade":
			agg := decode[struct{ Data aggEvent }](t, text).Data
			if n := len(aggs); n > 0 && (agg.ID != aggs[n-1].ID+1 || agg.First != aggs[n-1].Last+1) {
				t.Fatalf("%+v after %+v", agg, aggs[n-1])
			}
			aggs = append(aggs, agg)
		case "btcusdt@bookTicker":
			b := decode[struct {
				Data struct {
					U    int64 `json:"u"`
					B, A string
				}
			}](t, text).Data
			if b.U <= update {
				t.Fatalf("book update %d after %d", b.U, update)
			}
			update = b.U
		case "btcusdt@kline_1m":
			k := decode[struct{ Data struct{ K kline } }](t, text).Data.K
			if _, twice := closed[k.Start]; twice {
				t.Fatalf("candle %d changed after it was closed", k.Start)
			}
			if k.Closed {
				closed[k.Start] = k
			}
		}
	}
	checkAggs(t, aggs, trades)
	checkCandles(t, closed, trades)

	// Everything over REST again, page by page.
	var fetched []restTrade
	for from := trades[0].ID; ; from = fetched[len(fetched)-1].ID + 1 {
		page := fetch[[]restTrade](x, fmt.Sprintf("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=%d&limit=400", from))
		if len(page) == 0 {
			break
		}
		fetched = append(fetched, page...)
	}
	for i, tr := range trades {
		f := fetched[i]
		if f.ID != tr.ID || f.Price != tr.Price || f.Qty != tr.Qty || f.Time != tr.Time || f.Maker != tr.Maker {
			t.Fatalf("REST has %+v, the stream %+v", f, tr)
		}
		if want := domain.MustDecimal(f.Price).Mul(domain.MustDecimal(f.Qty)); !want.Equal(domain.MustDecimal(f.Quote)) {
			t.Fatalf("quote quantity %s, want %s", f.Quote, want)
		}
	}
	for _, row := range fetch[[][]any](x, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=10") {
		if k, ok := closed[int64(row[0].(float64))]; ok && (row[5] != k.Volume || row[4] != k.Close || row[7] != k.Quote) {
			t.Errorf("klines has %v, the stream %+v", row, k)
		}
	}
}

func checkAggs(t *testing.T, aggs []aggEvent, trades []tradeEvent) {
	t.Helper()
	first := trades[0].ID
	for _, a := range aggs {
		if a.Last-first >= int64(len(trades)) {
			break
		}
		sum := domain.MustDecimal("0")
		for _, tr := range trades[a.First-first : a.Last-first+1] {
			if tr.Price != a.Price {
				t.Fatalf("%+v holds %+v", a, tr)
			}
			sum = sum.Add(domain.MustDecimal(tr.Qty))
		}
		if !sum.Equal(domain.MustDecimal(a.Qty)) {
			t.Fatalf("%+v: its trades sum up to %s", a, sum)
		}
	}
}

func checkCandles(t *testing.T, closed map[int64]kline, trades []tradeEvent) {
	t.Helper()
	for start, k := range closed {
		volume, quote, taker := domain.MustDecimal("0"), domain.MustDecimal("0"), domain.MustDecimal("0")
		n := int64(0)
		for _, tr := range trades {
			if tr.Time < start || tr.Time > k.End {
				continue
			}
			if n == 0 && (k.First != tr.ID || k.Open != tr.Price) {
				t.Errorf("candle %+v begins with %+v", k, tr)
			}
			n++
			qty := domain.MustDecimal(tr.Qty)
			volume = volume.Add(qty)
			quote = quote.Add(qty.Mul(domain.MustDecimal(tr.Price)))
			if !tr.Maker {
				taker = taker.Add(qty)
			}
		}
		if n == 0 || n != k.Trades || k.Last != k.First+n-1 {
			t.Errorf("candle %+v has %d trades", k, n)
		}
		if !volume.Equal(domain.MustDecimal(k.Volume)) || !quote.Equal(domain.MustDecimal(k.Quote)) || !taker.Equal(domain.MustDecimal(k.Taker)) {
			t.Errorf("candle %+v: its trades sum up to %s, %s, %s", k, volume, quote, taker)
		}
	}
}

func TestHistoryIsContiguousAndAddsUp(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{Symbols: oneSymbol})
	byTimeframe := map[domain.Timeframe]map[int64][]any{}
	for _, tf := range domain.Timeframes {
		rows := fetch[[][]any](x, "/api/v3/klines?symbol=BTCUSDT&limit=500&interval="+string(tf))
		if len(rows) != 500 {
			t.Fatalf("%s: %d bars", tf, len(rows))
		}
		byTimeframe[tf] = map[int64][]any{}
		for i, row := range rows {
			at := int64(row[0].(float64))
			byTimeframe[tf][at] = row
			if i > 0 && (at != int64(rows[i-1][0].(float64))+tf.Duration().Milliseconds() || row[1] != rows[i-1][4]) {
				t.Fatalf("%s: %v after %v", tf, row, rows[i-1])
			}
			high, low := domain.MustDecimal(row[2].(string)), domain.MustDecimal(row[3].(string))
			for _, column := range []int{1, 4} {
				p := domain.MustDecimal(row[column].(string))
				if p.GreaterThan(high) || p.LessThan(low) || !low.IsPos() {
					t.Fatalf("%s: %v", tf, row)
				}
			}
		}
	}
	checked := 0
	for at, long := range byTimeframe["15m"] {
		sum, parts := domain.MustDecimal("0"), 0
		for i := range int64(3) {
			if row, ok := byTimeframe["5m"][at+i*300_000]; ok {
				sum = sum.Add(domain.MustDecimal(row[5].(string)))
				parts++
			}
		}
		if parts < 3 {
			continue
		}
		checked++
		if !sum.Equal(domain.MustDecimal(long[5].(string))) {
			t.Errorf("15m bar %v: its parts sum up to %s", long, sum)
		}
	}
	if checked < 100 {
		t.Fatalf("only %d bars compared", checked)
	}
}

func TestOneSeedGivesOneMarket(t *testing.T) {
	t.Parallel()
	play := func(seed uint64) []restTrade {
		x := start(t, sim.Config{Symbols: oneSymbol, Seed: seed, Rate: 50})
		x.clock.Advance(20 * time.Second)
		if err := x.Trade("BTC/USDT", 1); err != nil { // catches up with the clock
			t.Fatal(err)
		}
		return fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT&limit=1000")
	}
	a, b, other := play(3), play(3), play(4)
	if len(a) < 100 || !reflect.DeepEqual(a, b) {
		t.Fatalf("%d and %d trades differ", len(a), len(b))
	}
	if reflect.DeepEqual(a, other) {
		t.Fatal("another seed gave the same market")
	}
}

func TestRestartContinuesWithoutAHole(t *testing.T) {
	t.Parallel()
	cfg := sim.Config{Symbols: oneSymbol, StateDir: t.TempDir()}
	x := start(t, cfg)
	x.Trade("BTC/USDT", 50)
	before := fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT&limit=1000")
	x.stop()

	cfg.Clock = x.clock
	x.clock.Advance(10 * time.Minute)
	y := start(t, cfg)
	y.Trade("BTC/USDT", 1)
	after := fetch[[]restTrade](y, fmt.Sprintf("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=%d&limit=1000", before[0].ID))
	if len(after) <= len(before) || !reflect.DeepEqual(after[:len(before)], before) {
		t.Fatalf("%d trades before, %d after", len(before), len(after))
	}
	for i, tr := range after {
		if tr.ID != before[0].ID+int64(i) {
			t.Fatalf("trade %d has id %d", i, tr.ID)
		}
	}
	rows := fetch[[][]any](y, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=5")
	if rows[2][8].(float64) != 0 || rows[4][8].(float64) == 0 {
		t.Fatalf("the time between must be without trades: %v", rows)
	}
}

func TestRestartWithoutStateContinuesWithHigherIDs(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{Symbols: oneSymbol})
	x.Trade("BTC/USDT", 5)
	old := fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT")
	x.stop()
	x.clock.Advance(time.Second)
	y := start(t, sim.Config{Symbols: oneSymbol, Clock: x.clock})
	if none := fetch[[]restTrade](y, "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=1"); len(none) != 0 {
		t.Fatalf("%v", none)
	}
	y.Trade("BTC/USDT", 1)
	if fresh := fetch[[]restTrade](y, "/api/v3/trades?symbol=BTCUSDT"); fresh[0].ID <= old[len(old)-1].ID {
		t.Fatalf("%d after %d", fresh[0].ID, old[len(old)-1].ID)
	}
}
