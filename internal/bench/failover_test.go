package bench

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/servers"
	"github.com/fullon/fullon/internal/testserver"
)

// BenchmarkFailover measures, while ticks of all partitions come at a steady
// rate, from the death of the NATS node that leads a stream, or of the Redis
// master that has it, until a reader gets a tick that was made after it, of
// every partition. The servers are processes: three NATS nodes with three copies
// of each stream, and three Redis masters with a replica each, with the timeouts
// of deploy. Killed means that the machine lives and refuses connections;
// paused, that nothing answers any more.
func BenchmarkFailover(b *testing.B) {
	conf := filepath.Join(b.TempDir(), "nats.conf")
	must(b, os.WriteFile(conf, []byte("jetstream { store_dir: $NATS_DIR }\nping_interval: 2s\nping_max: 2\nwrite_deadline: 2s\n"), 0o600))
	log := testserver.NewNATSClusterOf(b, testserver.NATSClusterConfig{NATSConfig: servers.NATSConfig{File: conf}})
	redis := testserver.NewRedisClusterOf(b, testserver.RedisClusterConfig{
		Replicas: true, NodeTimeout: 3 * time.Second,
		RedisConfig: testserver.RedisConfig{Args: []string{"--cluster-require-full-coverage", "no"}},
	})
	provisioned := log.Bus(b, bus.Layout{})
	f := &failover{b: b, streams: provisioned.Layout().TickStreams()}
	connected := func() *bus.Bus { // each part on its own, like processes
		c, err := bus.Connect(b.Context(), bus.Config{URL: log.URL, Log: testserver.Quiet()})
		must(b, err)
		b.Cleanup(c.Close)
		return c
	}
	ctx, cancel := context.WithCancel(b.Context())
	var parts sync.WaitGroup
	defer func() { cancel(); parts.Wait() }()
	p := projector.New(projector.Config{TickStreams: f.streams, Log: testserver.Quiet()}, logOf{connected()}, redis.Store(b))
	parts.Go(func() { _ = p.Run(ctx) })
	source := connected()
	ticks, err := source.NewTickPublisher()
	must(b, err)
	parts.Go(func() { _ = ticks.Run(ctx, 0) })
	parts.Go(func() { f.load(ctx, ticks) })
	reader := client.New(connected(), redis.Store(b))
	defer reader.Close()
	f.reader = reader
	f.fresh(ctx)

	killed := map[string][]float64{}
	measure := func(name string, fail func(), heal func()) {
		start := time.Now()
		fail()
		if strings.HasPrefix(name, "nats") { // the servers' own part
			for _, stream := range f.streams {
				log.Leader(stream)
			}
			killed["nats-elected-s"] = append(killed["nats-elected-s"], time.Since(start).Seconds())
		}
		f.freshSince(ctx, start)
		killed[name] = append(killed[name], time.Since(start).Seconds())
		heal()
		log.Serving()
		redis.Serving()
		f.fresh(ctx)
	}
	key := "fullon:{" + f.streams[0] + "}:checkpoint"
	for range rounds {
		node := log.Leader(f.streams[0])
		measure("nats-killed-s", func() { log.Kill(node) }, func() { log.Start(node) })
		node = log.Leader(f.streams[0])
		measure("nats-paused-s", func() { log.Pause(node) }, func() { log.Resume(node) })
		node = redis.NodeOf(b, key)
		measure("redis-killed-s", redis.Nodes[node].Kill, redis.Nodes[node].Start)
		node = redis.NodeOf(b, key)
		measure("redis-paused-s", redis.Nodes[node].Pause, redis.Nodes[node].Resume)
	}
	b.ReportMetric(0, "ns/op")
	for name, seconds := range killed {
		b.Log(name, seconds)
		b.ReportMetric(median(seconds), name)
		b.ReportMetric(quantile(seconds, 1), name[:len(name)-1]+"max-s")
	}
}

// failover is the ticks of all partitions, and who reads them.
type failover struct {
	b       *testing.B
	streams []string
	reader  *client.Client
}

// load publishes a tick of each symbol every 50 ms.
func (f *failover) load(ctx context.Context, ticks *bus.TickPublisher) {
	for i := 0; ctx.Err() == nil; i++ {
		for j := range symbols {
			t := tick(j)
			t.Time, t.Received, t.VenueSeq = time.Now(), time.Now(), uint64(i+1)
			if ticks.Publish(t) != nil {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (f *failover) fresh(ctx context.Context) { f.freshSince(ctx, time.Now()) }

// freshSince waits until every symbol has a tick that was made since then.
func (f *failover) freshSince(ctx context.Context, since time.Time) {
	deadline := time.Now().Add(2 * time.Minute)
	for i := 0; i < symbols; {
		t, err := f.reader.Ticks.Get(ctx, "binance", symbol(i))
		if err == nil && t.Received.After(since) {
			i++
			continue
		}
		if time.Now().After(deadline) {
			f.b.Fatalf("%s is not fresh again: %v (%v)", symbol(i), t.Received, err)
		}
		time.Sleep(time.Millisecond)
	}
}
