package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// BenchmarkRepartition moves a deployment of 200,000 messages between 4 and 8
// partitions, from the first step to the removal of the old streams, against a bare
// copy of the same streams: each read by an ordered consumer and stored as it is in
// another stream, without waiting for each.
func BenchmarkRepartition(b *testing.B) {
	d := deploy(b, 4)
	n := envInt("BENCH_MESSAGES", 200_000)
	d.fill(n, func(i int) domain.Event { return tick(i) })
	current := func() *bus.Bus {
		log, err := bus.Connect(b.Context(), bus.Config{URL: d.nats.URL})
		must(b, err)
		must(b, log.Bind(b.Context()))
		return log
	}
	copies := 0
	compare(b, "msg/s", func() float64 {
		log := current()
		defer log.Close()
		copies++
		start := time.Now()
		d.copyBare(log.Layout().TickStreams(), fmt.Sprintf("COPY_%d", copies), n)
		elapsed := time.Since(start)
		must(b, d.js.DeleteStream(b.Context(), fmt.Sprintf("COPY_%d", copies)))
		return float64(n) / elapsed.Seconds()
	}, func() float64 {
		log := current()
		defer log.Close()
		moves, err := log.PlanRepartition(b.Context(), 12-log.Layout().Ticks, []string{"ticks"})
		must(b, err)
		start := time.Now()
		must(b, log.Repartition(b.Context(), moves, func(context.Context, string) error { return nil }, func(bus.RepartitionStep) {}))
		return float64(n) / time.Since(start).Seconds()
	})
}

// copyBare stores n messages of streams in another one.
func (d *deployment) copyBare(streams []string, name string, n int) {
	_, err := d.js.CreateStream(d.b.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.FileStorage})
	must(d.b, err)
	js, err := jetstream.New(d.nc, jetstream.WithPublishAsyncMaxPending(4096))
	must(d.b, err)
	for _, stream := range streams {
		consumer, err := d.js.OrderedConsumer(d.b.Context(), stream, jetstream.OrderedConsumerConfig{})
		must(d.b, err)
		info := consumer.CachedInfo()
		it, err := consumer.Messages(jetstream.PullMaxMessages(8192))
		must(d.b, err)
		for range info.NumPending {
			msg, err := it.Next()
			must(d.b, err)
			_, err = js.PublishAsync(name+"."+msg.Subject(), msg.Data(), jetstream.WithStallWait(time.Minute))
			must(d.b, err)
		}
		it.Stop()
	}
	<-js.PublishAsyncComplete()
	s, err := d.js.Stream(d.b.Context(), name)
	must(d.b, err)
	if have := s.CachedInfo().State.Msgs; have != uint64(n) {
		d.b.Fatalf("%d copied of %d", have, n)
	}
}
