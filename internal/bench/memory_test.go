package bench

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// BenchmarkMemory reports what Redis takes for each tick, for each trade with
// its share of the candles and for each candle, and what the projector's heap holds for each market
// and each trade whose id it remembers.
func BenchmarkMemory(b *testing.B) {
	const markets, trades = 20_000, 200_000
	d := deploy(b, 4)
	d.fill(markets, func(i int) domain.Event {
		t := tick(i)
		t.Symbol = fmt.Sprintf("C%05d/USDT", i)
		return t
	})
	d.measure(d.layout.TickStreams(), nil, markets, "tick")
	d.fill(trades, func(i int) domain.Event { return trade(i) })
	d.measure(nil, d.layout.TradeStreams(), trades, "trade")
	// By themselves, because those that trades make are few beside them.
	d = deploy(b, 4)
	d.fill(trades, func(i int) domain.Event {
		t := trade(i)
		return domain.Candle{
			Exchange: t.Exchange, Symbol: t.Symbol, Timeframe: "1m", Time: time.Unix(int64(1_700_000_040+i/symbols*60), 0),
			Open: t.Price, High: t.Price, Low: t.Price, Close: t.Price, Volume: t.Volume, Trades: 100, Source: domain.FromVenue,
		}
	})
	d.measure(nil, d.layout.TradeStreams(), trades, "candle")
	b.ReportMetric(0, "ns/op")
}

func (d *deployment) measure(ticks, trades []string, n int, unit string) {
	d.b.Helper()
	redis, heap := redisBytes(d.b), heapBytes()
	d.projectThen(ticks, trades, n, func() {
		d.b.ReportMetric((redisBytes(d.b)-redis)/float64(n), "redis-B/"+unit)
		d.b.ReportMetric((heapBytes()-heap)/float64(n), "heap-B/"+unit)
	})
}

func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func redisBytes(b *testing.B) float64 {
	b.Helper()
	info, err := testserver.SharedClient(b).Info(context.Background(), "memory").Result()
	must(b, err)
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.ParseFloat(text, 64)
			must(b, err)
			return n
		}
	}
	b.Fatal("INFO has no used_memory")
	return 0
}
