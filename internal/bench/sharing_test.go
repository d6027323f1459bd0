package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// mate is a projector that shares the partitions of ticks with others.
type mate struct {
	*projector.Projector
	dead atomic.Bool // it says nothing any more
	end  func()
}

// mortal is a mate's access to the others.
type mortal struct {
	*bus.Members
	mate *mate
}

func (m mortal) Beat(ctx context.Context, self domain.Member, news bool) ([]domain.Member, error) {
	if m.mate.dead.Load() {
		return nil, domain.ErrUnreachable
	}
	return m.Members.Beat(ctx, self, news)
}

func (m mortal) Leave(ctx context.Context) error {
	if m.mate.dead.Load() {
		return domain.ErrUnreachable
	}
	return m.Members.Leave(ctx)
}

// join starts a projector with default settings.
func (d *deployment) join(store *cachestore.Store) *mate {
	d.b.Helper()
	id := client.NewProcessID()
	members, err := d.bus.Members(d.b.Context(), id)
	must(d.b, err)
	m := &mate{}
	m.Projector = projector.New(projector.Config{
		TickStreams: d.layout.TickStreams(), Members: mortal{members, m}, Member: domain.Member{ID: id}, Log: testserver.Quiet(),
	}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	m.end = func() {
		cancel()
		must(d.b, <-done)
		members.Close()
	}
	return m
}

// crash ends a projector without a word, as a kill does.
func (m *mate) crash() {
	m.dead.Store(true)
	m.end()
}

// share waits until each stream has one projector, and each projector a stream.
func share(crew ...*mate) {
	for {
		attached := make(map[string]int)
		idle := 0
		for _, m := range crew {
			has := 0
			for _, s := range m.Stats() {
				if s.Held {
					attached[s.Stream] += 2
				}
				if s.Attached {
					attached[s.Stream]--
					has++
				}
			}
			if has == 0 {
				idle++
			}
		}
		whole := idle == 0 && len(attached) == len(crew[0].Stats())
		for _, n := range attached {
			whole = whole && n == 1
		}
		if whole {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// BenchmarkHandover measures how old the tick of a market gets that changes every
// millisecond, as a reader sees it who looks all the time, while one of two
// projectors, the one that folds it, stops or crashes. The floor is the same
// without either.
func BenchmarkHandover(b *testing.B) {
	for _, how := range []string{"stop", "crash"} {
		b.Run(how, func(b *testing.B) {
			d := deploy(b, 4)
			store := testserver.SharedStore(b)
			reader := client.New(d.bus, store)
			defer reader.Close()
			stop := d.tickAll(time.Millisecond)
			defer stop()
			stays := d.join(store)
			var gaps, calms []float64
			for range max(10, rounds) {
				goes := d.join(store)
				share(stays, goes)
				market := d.marketOf(goes)
				calms = append(calms, oldest(b, reader, market, func() { time.Sleep(100 * time.Millisecond) }))
				gaps = append(gaps, oldest(b, reader, market, func() {
					if how == "stop" {
						goes.end()
					} else {
						goes.crash()
					}
					share(stays)
				}))
			}
			stays.end()
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(quantile(calms, 0.5), "floor-ms")
			b.ReportMetric(quantile(gaps, 0.5), "p50-ms")
			b.ReportMetric(quantile(gaps, 0.99), "p99-ms")
			b.ReportMetric(quantile(gaps, 0.5)/quantile(calms, 0.5), "ratio")
		})
	}
}

// tickAll publishes a tick of each of a few markets every interval.
func (d *deployment) tickAll(interval time.Duration) (stop func()) {
	publisher, err := d.bus.NewTickPublisher()
	must(d.b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- publisher.Run(ctx, time.Second) }()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(interval)
		defer every.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			for market := range handoverMarkets {
				t := tick(market)
				t.VenueSeq, t.Time, t.Received = uint64(i), time.Now(), time.Now()
				if err := publisher.Publish(t); err != nil {
					d.b.Error(err)
					return
				}
			}
			<-every.C
		}
	}()
	return func() {
		cancel()
		<-ended
		<-done
	}
}

const handoverMarkets = 8

// marketOf is a market that a projector folds.
func (d *deployment) marketOf(m *mate) string {
	d.b.Helper()
	for _, s := range m.Stats() {
		for i := range handoverMarkets {
			if s.Held && d.layout.TickStreamOf("binance", symbol(i)) == s.Stream {
				return symbol(i)
			}
		}
	}
	d.b.Fatal("the projector has no market")
	return ""
}

// oldest is how old a market's tick gets while what happens, and until it is
// fresh again, in ms.
func oldest(b *testing.B, reader *client.Client, market string, what func()) float64 {
	b.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		what()
	}()
	oldest, ended := time.Duration(0), time.Time{}
	for {
		t, err := reader.Ticks.Get(b.Context(), "binance", market)
		if errors.Is(err, domain.ErrNotFound) {
			continue // the very first one is on its way
		}
		must(b, err)
		oldest = max(oldest, time.Since(t.Received))
		select {
		case <-done:
			if ended.IsZero() {
				ended = time.Now()
			}
			if t.Received.After(ended) {
				return float64(oldest.Microseconds()) / 1000
			}
		default:
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// BenchmarkProjectors is the projection of one backlog of ticks in 4 partitions
// by 1, 2 and 4 projectors that start together, against a bare drain.
func BenchmarkProjectors(b *testing.B) {
	d := deploy(b, 4)
	n := envInt("BENCH_MESSAGES", 1_000_000)
	d.fill(n, func(i int) domain.Event { return tick(i) })
	for _, projectors := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("projectors=%d", projectors), func(b *testing.B) {
			compare(b, "msg/s", func() float64 { return d.drain(d.layout.TickStreams(), n) },
				func() float64 { return d.projectTogether(projectors, n) })
		})
	}
}

// projectTogether folds the ticks into an empty Redis and returns messages a
// second.
func (d *deployment) projectTogether(projectors, total int) float64 {
	d.b.Helper()
	store := testserver.SharedStore(d.b)
	start := time.Now()
	crew := make([]*mate, projectors)
	for i := range crew {
		crew[i] = d.join(store)
	}
	for folded := uint64(0); folded < uint64(total); {
		time.Sleep(time.Millisecond)
		folded = 0
		for _, stream := range d.layout.TickStreams() {
			at, err := store.Partition(stream).Checkpoint(d.b.Context())
			must(d.b, err)
			folded += at.Seq
		}
	}
	elapsed := time.Since(start)
	for _, m := range crew {
		m.end()
	}
	return float64(total) / elapsed.Seconds()
}
