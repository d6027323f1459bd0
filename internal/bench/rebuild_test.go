package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// BenchmarkRebuild wipes Redis under a running projector and measures until all of
// the log's events are folded again, the time until the wipe is noticed included,
// against a bare ordered drain of the same streams. A watcher has to be told of
// each rebuild and to go on.
func BenchmarkRebuild(b *testing.B) {
	d := deploy(b, 4)
	n := envInt("BENCH_MESSAGES", 1_000_000)
	d.fill(n, func(i int) domain.Event { return tick(i) })
	streams := d.layout.TickStreams()
	store, _, wipe := testserver.OwnStore(b)
	p := projector.New(projector.Config{TickStreams: streams, Log: testserver.Quiet()}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	c := client.New(d.bus, store)
	defer c.Close()
	told, fresh := make(chan struct{}, 1000), make(chan struct{}, 1000)
	go func() {
		for _, err := range c.Ticks.Watch(ctx, "binance", symbol(0)) {
			signal := fresh
			if errors.Is(err, domain.ErrRebuilding) {
				signal = told
			}
			select {
			case signal <- struct{}{}:
			default:
			}
		}
	}()
	folded := func() (messages, rebuilds uint64) {
		for _, s := range p.Stats() {
			messages, rebuilds = messages+s.Messages, rebuilds+s.Rebuilds
		}
		return messages, rebuilds
	}
	until := func(want uint64) {
		for messages := uint64(0); messages < want; messages, _ = folded() {
			time.Sleep(200 * time.Microsecond)
		}
	}
	until(uint64(n))
	compare(b, "msg/s", func() float64 { return d.drain(streams, n) }, func() float64 {
		before, _ := folded()
		for len(told) > 0 {
			<-told
		}
		start := time.Now()
		wipe()
		until(before + uint64(n))
		elapsed := time.Since(start)
		select {
		case <-told:
		case <-time.After(time.Minute):
			b.Fatal("the watcher was not told")
		}
		for len(fresh) > 0 {
			<-fresh
		}
		return float64(n) / elapsed.Seconds()
	})
	cancel()
	must(b, <-done)
}
