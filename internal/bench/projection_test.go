package bench

import (
	"fmt"
	"testing"

	"github.com/fullon/fullon/domain"
)

// BenchmarkProjectTicks compares the projection of ticks into a real Redis with
// a bare ordered drain of the same streams.
func BenchmarkProjectTicks(b *testing.B) {
	for _, partitions := range []int{1, 4} {
		b.Run(fmt.Sprintf("partitions=%d", partitions), func(b *testing.B) {
			d := deploy(b, partitions)
			n := envInt("BENCH_MESSAGES", 1_000_000)
			d.fill(n, func(i int) domain.Event { return tick(i) })
			streams := d.layout.TickStreams()
			compare(b, "msg/s", func() float64 { return d.drain(streams, n) }, func() float64 { return d.project(streams, nil, n) })
		})
	}
}

// BenchmarkProjectTrades is the same for trades, none of which is conflated and
// each of which changes seven candles.
func BenchmarkProjectTrades(b *testing.B) {
	d := deploy(b, 4)
	n := envInt("BENCH_MESSAGES", 1_000_000) / 4
	d.fill(n, func(i int) domain.Event { return trade(i) })
	streams := d.layout.TradeStreams()
	compare(b, "msg/s", func() float64 { return d.drain(streams, n) }, func() float64 { return d.project(nil, streams, n) })
}
