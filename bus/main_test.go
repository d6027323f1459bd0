package bus_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

func TestMain(m *testing.M) {
	if how := os.Getenv(dyingVariable); how != "" {
		os.Exit(dying(how))
	}
	testserver.WaitingMain(m)
}

var (
	small = bus.Layout{Ticks: 2, Trades: 2}
	one   = bus.Layout{Ticks: 1, Trades: 1}
	noon  = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)
)

// patience bounds every wait for something that must happen; no test passes
// or fails because of how long something took.
const patience = 60 * time.Second

// impatient is how long the tests that break the log let a request take: after
// a cut, what was under way is given up only then.
const impatient = 500 * time.Millisecond

func connect(tb testing.TB, url string, layout bus.Layout) *bus.Bus {
	tb.Helper()
	return connectWith(tb, bus.Config{URL: url, Layout: layout, Log: testserver.Quiet()})
}

// hasty is connect for tests of what repeats by itself what took too long.
func hasty(tb testing.TB, url string, layout bus.Layout) *bus.Bus {
	tb.Helper()
	return connectWith(tb, bus.Config{URL: url, Layout: layout, Timeout: impatient, Log: testserver.Quiet()})
}

func connectWith(tb testing.TB, cfg bus.Config) *bus.Bus {
	tb.Helper()
	var b *bus.Bus
	eventually(tb, "a connection", func() bool {
		var err error
		b, err = bus.Connect(tb.Context(), cfg)
		return err == nil
	})
	tb.Cleanup(b.Close)
	return b
}

func trade(symbol string, id int) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: symbol, ID: strconv.Itoa(id), Side: domain.Buy, Price: domain.MustDecimal("61837.63"),
		Volume: domain.MustDecimal("0.5"), Time: noon.Add(time.Duration(id) * time.Millisecond), Received: noon,
	}
}

// tick has neither time nor sequence of the venue: only its place in the log
// orders it.
func tick(symbol string, price int) domain.Tick {
	return domain.Tick{Exchange: "binance", Symbol: symbol, Last: domain.MustDecimal(strconv.Itoa(price)), Received: noon}
}

func symbols(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("C%d/USDT", i)
	}
	return out
}

func mustPublish(tb testing.TB, b *bus.Bus, events ...domain.Event) domain.LogPosition {
	tb.Helper()
	var pos domain.LogPosition
	for _, ev := range events {
		var err error
		if pos, err = b.Publish(tb.Context(), ev); err != nil {
			tb.Fatal(err)
		}
	}
	return pos
}

// eventually looks until what must happen has happened.
func eventually(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); !happened(); <-look.C {
		if time.Now().After(deadline) {
			tb.Fatalf("never happened: %s", what)
		}
	}
}

// extent asks for what a stream holds, for as long as the log does not answer.
func extent(tb testing.TB, b *bus.Bus, stream string) domain.Extent {
	tb.Helper()
	var e domain.Extent
	eventually(tb, "the extent of "+stream, func() bool {
		var err error
		e, err = b.Extent(context.Background(), stream)
		return err == nil
	})
	return e
}

// read reads n records, no matter in how many steps.
func read(tb testing.TB, r *bus.Reader, n int) []domain.Record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []domain.Record
	dst := make([]domain.Record, 300)
	for len(all) < n {
		got, err := r.Read(ctx, dst[:min(len(dst), n-len(all))], time.Second)
		if err != nil {
			tb.Fatalf("after %d records: %v", len(all), err)
		}
		all = append(all, dst[:got]...)
	}
	return all
}

// stored reads all that a stream holds.
func stored(tb testing.TB, b *bus.Bus, stream string) []domain.Record {
	tb.Helper()
	e := extent(tb, b, stream)
	r := b.NewReader(stream, e.First)
	defer r.Close()
	return read(tb, r, int(e.Last+1-e.First))
}

func decode[T domain.Event](tb testing.TB, rec domain.Record) T {
	tb.Helper()
	ev, err := wire.Decode(rec.Key, rec.Data)
	if err != nil {
		tb.Fatal(err)
	}
	return ev.(T)
}

// raw is a connection of somebody who does not use this package.
func raw(tb testing.TB, url string) jetstream.JetStream {
	tb.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatal(err)
	}
	return js
}
