package bench

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// BenchmarkMemory reports what a projector's state and Redis take for each
// market that has a tick, for each trade and for each candle.
func BenchmarkMemory(b *testing.B) {
	const trades = 100_000
	d := deploy(b, 4)
	d.fill(symbols, func(i int) domain.Event { return tick(i) })
	before := redisBytes(b)
	d.project(d.layout.TickStreams(), nil, symbols)
	b.ReportMetric((redisBytes(b)-before)/symbols, "redis-B/tick")

	d.fill(trades, func(i int) domain.Event { return trade(i) })
	before = redisBytes(b)
	heap := heapBytes()
	d.project(nil, d.layout.TradeStreams(), trades)
	b.ReportMetric(heapBytes()-heap, "heap-B")
	b.ReportMetric((redisBytes(b)-before)/trades, "redis-B/trade-with-candles")
	b.ReportMetric(0, "ns/op")
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
