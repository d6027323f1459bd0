package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/heap"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

func TestMain(m *testing.M) {
	heap.Reserve() // as the programs do
	code := m.Run()
	testserver.Shutdown()
	os.Exit(code)
}

// rounds is how often a benchmark measures floor and subject in turn.
var rounds = envInt("BENCH_ROUNDS", 5)

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// compare measures floor and subject in turn and reports the medians, and the
// median of the ratios, so that a machine whose speed drifts does not matter.
func compare(b *testing.B, unit string, floor, subject func() float64) {
	b.Helper()
	var floors, subjects, ratios []float64
	for range rounds {
		f, s := floor(), subject()
		floors, subjects, ratios = append(floors, f), append(subjects, s), append(ratios, s/f)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(floors), "floor-"+unit)
	b.ReportMetric(median(subjects), unit)
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// deployment is a provisioned log on an embedded server.
type deployment struct {
	b      *testing.B
	nats   *testserver.NATS
	bus    *bus.Bus
	js     jetstream.JetStream
	nc     *nats.Conn
	layout bus.Layout
}

func deploy(b *testing.B, partitions int) *deployment {
	b.Helper()
	return deployOn(b, testserver.NewNATS(b), partitions)
}

func deployOn(b *testing.B, log *testserver.NATS, partitions int) *deployment {
	b.Helper()
	d := &deployment{b: b, nats: log, layout: bus.Layout{Ticks: partitions, Trades: partitions}}
	d.bus = d.nats.Bus(b, d.layout)
	var err error
	d.nc, err = nats.Connect(d.nats.URL)
	must(b, err)
	b.Cleanup(d.nc.Close)
	d.js, err = jetstream.New(d.nc)
	must(b, err)
	return d
}

const symbols = 200

func symbol(i int) string { return fmt.Sprintf("C%03d/USDT", i%symbols) }

func tick(i int) domain.Tick {
	price := domain.MustDecimal(fmt.Sprintf("%d.%02d", 60_000+i%1000, i%100))
	at := time.Unix(1_700_000_000, int64(i)*1000)
	return domain.Tick{
		Exchange: "binance", Symbol: symbol(i), Last: price, Bid: price, Ask: price,
		BidSize: domain.MustDecimal("1.5"), AskSize: domain.MustDecimal("0.25"), Volume: domain.MustDecimal("12345.678"),
		Time: at, Received: at, VenueSeq: uint64(i),
	}
}

func trade(i int) domain.Trade {
	t := tick(i)
	return domain.Trade{
		Exchange: t.Exchange, Symbol: t.Symbol, ID: strconv.Itoa(i), Side: domain.Buy, Price: t.Last,
		Volume: t.AskSize, Time: t.Time, Received: t.Received,
	}
}

// fill stores n events as fast as the log takes them.
func (d *deployment) fill(n int, event func(int) domain.Event) {
	d.b.Helper()
	byStream := make(map[string][]*nats.Msg)
	for i := range n {
		ev := event(i)
		address, err := d.layout.Address(ev.Key())
		must(d.b, err)
		data, err := wire.Encode(ev)
		must(d.b, err)
		byStream[address.Stream] = append(byStream[address.Stream], &nats.Msg{Subject: address.Subject, Data: data, Header: nats.Header{}})
	}
	for _, msgs := range byStream {
		publisher, err := jetstreamext.NewFastPublisher(d.js, jetstreamext.FastPublishFlowControl{Flow: 1000, MaxOutstandingAcks: 4})
		must(d.b, err)
		for _, msg := range msgs[:len(msgs)-1] {
			_, err := publisher.AddMsg(msg)
			must(d.b, err)
		}
		_, err = publisher.CommitMsg(context.Background(), msgs[len(msgs)-1])
		must(d.b, err)
	}
}

// drain reads the streams with bare ordered consumers and returns messages a
// second.
func (d *deployment) drain(streams []string, total int) float64 {
	d.b.Helper()
	ctx := d.b.Context()
	type result struct{ n int }
	done := make(chan result, len(streams))
	start := time.Now()
	for _, name := range streams {
		stream, err := d.js.Stream(ctx, name)
		must(d.b, err)
		last := int(stream.CachedInfo().State.LastSeq)
		if last == 0 {
			done <- result{}
			continue
		}
		consumer, err := d.js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{})
		must(d.b, err)
		n := 0
		cc, err := consumer.Consume(func(jetstream.Msg) {
			if n++; n == last {
				done <- result{n}
			}
		}, jetstream.PullMaxMessages(16384))
		must(d.b, err)
		defer cc.Stop()
	}
	sum := 0
	for range streams {
		sum += (<-done).n
	}
	elapsed := time.Since(start)
	if sum != total {
		d.b.Fatalf("drained %d of %d", sum, total)
	}
	return float64(sum) / elapsed.Seconds()
}

type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// project folds the streams into an empty Redis and returns messages a second.
func (d *deployment) project(ticks, trades []string, total int) float64 {
	d.b.Helper()
	return d.projectThen(ticks, trades, total, func() {})
}

// projectThen calls then while the projector still has its state.
func (d *deployment) projectThen(ticks, trades []string, total int, then func()) float64 {
	d.b.Helper()
	store := testserver.SharedStore(d.b)
	p := projector.New(projector.Config{TickStreams: ticks, TradeStreams: trades, Log: testserver.Quiet()}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(d.b.Context())
	done := make(chan error, 1)
	start := time.Now()
	go func() { done <- p.Run(ctx) }()
	for folded := uint64(0); folded < uint64(total); {
		time.Sleep(200 * time.Microsecond)
		folded = 0
		for _, s := range p.Stats() {
			folded += s.Messages
		}
	}
	elapsed := time.Since(start)
	then()
	cancel()
	must(d.b, <-done)
	return float64(total) / elapsed.Seconds()
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
