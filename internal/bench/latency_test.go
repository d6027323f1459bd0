package bench

import (
	"context"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// BenchmarkPublishToReadable measures, one tick at a time on a quiet system,
// from the call of Set until a reader is told that the tick can be read. The
// floor is the two round trips that are in it: an acknowledged publish and a
// request to Redis.
func BenchmarkPublishToReadable(b *testing.B) {
	d := deploy(b, 4)
	store := testserver.SharedStore(b)
	p := projector.New(projector.Config{
		TickStreams: d.layout.TickStreams(), TradeStreams: d.layout.TradeStreams(), Log: testserver.Quiet(),
	}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	c := client.New(d.bus, store)
	defer c.Close()
	seq := 0
	next := func() domain.Tick { seq++; return tick(seq) }

	// floorLog goes to a stream that nobody projects, so that it measures the
	// log alone.
	floorLog := deploy(b, 1)
	n := envInt("BENCH_LATENCIES", 2000)
	var publish, ping, readable []float64
	for i := range n + 100 {
		start := time.Now()
		_, err := floorLog.bus.Publish(ctx, next())
		must(b, err)
		acked := time.Since(start)
		start = time.Now()
		_, err = store.Ping(ctx)
		must(b, err)
		pinged := time.Since(start)
		start = time.Now()
		pos, err := c.Ticks.Set(ctx, next())
		must(b, err)
		must(b, c.Wait(ctx, pos))
		seen := time.Since(start)
		if i >= 100 { // after the warm-up
			publish, ping, readable = append(publish, micros(acked)), append(ping, micros(pinged)), append(readable, micros(seen))
		}
	}
	floor50 := quantile(publish, 0.5) + quantile(ping, 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(publish, 0.5), "publish-p50-us")
	b.ReportMetric(quantile(ping, 0.5), "redis-p50-us")
	b.ReportMetric(quantile(readable, 0.5), "readable-p50-us")
	b.ReportMetric(quantile(readable, 0.99), "readable-p99-us")
	b.ReportMetric(quantile(readable, 0.5)/floor50, "ratio")
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
