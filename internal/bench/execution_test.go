package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/risk"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// desk is a client as an order worker wants it.
type desk struct {
	*client.Client
	bus     *bus.Bus
	symbols sync.Map
}

func (d *desk) Ticks(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, []error) {
	errs := make([]error, len(symbols))
	ticks, err := d.Client.Ticks.GetEach(ctx, exchange, symbols)
	if err != nil {
		ticks = make([]domain.Tick, len(symbols))
	}
	for i := range errs {
		errs[i] = err
	}
	return ticks, errs
}

func (d *desk) Position(ctx context.Context, account, symbol string) (domain.Position, error) {
	return d.Accounts.Position(ctx, account, symbol)
}

func (d *desk) Symbol(ctx context.Context, exchange, symbol string) (domain.Symbol, error) {
	if known, ok := d.symbols.Load(symbol); ok {
		return known.(domain.Symbol), nil
	}
	found, err := d.Symbols.Get(ctx, exchange, symbol)
	if err == nil {
		d.symbols.Store(symbol, found)
	}
	return found, err
}

func (d *desk) Reserve(context.Context, string, string, int) (time.Duration, error) { return 0, nil }

func (d *desk) PublishAll(ctx context.Context, events []domain.Event) error {
	_, err := d.bus.PublishAll(ctx, events)
	return err
}

func (d *desk) VenueError(context.Context, string, string) error { return nil }

// BenchmarkPushToAccepted measures orders a second from push to being accepted by
// the paper venue, all checks, intents and outcomes included, by one worker, with
// the log as it is by default and with one that waits for the disk. The floor is
// the three states of each order stored by bare conditional publishes, as many at
// a time as there are pushers. It reports also what an order costs the processors:
// this process, which the log and the pushers are part of, and Redis.
func BenchmarkPushToAccepted(b *testing.B) {
	b.Run("unsynced", func(b *testing.B) { pushToAccepted(b, false, envInt("BENCH_ORDERS", 20_000)) })
	b.Run("synced", func(b *testing.B) { pushToAccepted(b, true, envInt("BENCH_ORDERS", 20_000)/4) })
}

func pushToAccepted(b *testing.B, synced bool, n int) {
	const symbols, pushers = 200, 64
	ctx := b.Context()
	nats := testserver.NewNATS(b)
	if synced {
		nats = testserver.NewSyncedNATS(b)
	}
	log := nats.Bus(b, bus.Layout{Ticks: 1, Trades: 1, Accounts: 1})
	store := testserver.SharedStore(b)
	p := projector.New(projector.Config{
		TickStreams: log.Layout().TickStreams(), AccountStreams: log.Layout().AccountStreams(), CatalogueStream: bus.CatalogueStream,
		Orders: true, Log: testserver.Quiet(),
	}, logOf{log}, store)
	c := client.New(log, store)
	x, err := paper.Open(paper.Config{
		Exchange: "kraken", Dir: b.TempDir(), Ticks: c.Ticks, Sync: paper.SyncNever, MaxOpen: 1_000_000, MaxTickAge: time.Hour,
		Balances: map[string]domain.Decimal{"USDT": domain.MustDecimal("1000000000000")},
	})
	must(b, err)
	account, err := x.Venue("1001")
	must(b, err)
	d := &desk{Client: c, bus: log}
	orders, err := c.Orders.WithLimits(client.OrderLimits{MaxQueue: 1_000_000, Lease: time.Minute})
	must(b, err)
	w := orderworker.New(orderworker.Config{
		Exchange: "kraken", ID: "bench", Concurrency: 256, Limits: risk.Limits{MaxTickAge: -1}, Log: testserver.Quiet(),
	},
		orders, d, d, d, map[string]execution.Venue{"1001": account})
	running, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for _, run := range []func(context.Context) error{p.Run, x.Run, w.Run} {
		group.Go(func() {
			if err := run(running); err != nil {
				b.Error(err)
			}
		})
	}
	b.Cleanup(func() { stop(); group.Wait(); c.Close(); must(b, x.Close()) })

	for i := range symbols {
		name := order(i, symbols).Symbol
		base, quote, _, _ := domain.SplitSymbol(name)
		must(b, mustWait(ctx, c)(c.Symbols.Set(ctx, domain.Symbol{
			Exchange: "kraken", Name: name, VenueSymbol: base, Base: base, Quote: quote, Trading: true,
		})))
	}
	// quote sets all ticks: one that is a minute old is stale.
	quote := func() {
		ticks := make([]domain.Event, symbols)
		for i := range ticks {
			ticks[i] = domain.Tick{
				Exchange: "kraken", Symbol: order(i, symbols).Symbol, Time: time.Now(), Received: time.Now(),
				Bid: domain.MustDecimal("60000"), Ask: domain.MustDecimal("60001"),
			}
		}
		last, err := log.PublishAll(ctx, ticks)
		must(b, err)
		must(b, c.Wait(ctx, last))
	}

	parallel := func(work func(i int)) {
		var group sync.WaitGroup
		for part := range pushers {
			group.Go(func() {
				for i := part; i < n; i += pushers {
					work(i)
				}
			})
		}
		group.Wait()
	}
	raw := deploy(b, 1)
	if synced {
		raw = deployOn(b, testserver.NewSyncedNATS(b), 1)
	}
	rdb := testserver.SharedClient(b)
	// Before the first round all of them have had an order.
	quote()
	must(b, mustPush(ctx, orders, order(n, symbols)))
	for w.Counts().Settled == 0 {
		time.Sleep(time.Millisecond)
	}
	pushed := make([]domain.Order, n)
	for i := range pushed {
		pushed[i] = order(i, symbols)
		pushed[i].Expires = time.Time{}
	}
	var own, redis, allocations []float64
	round := 0
	compare(b, "orders/s", func() float64 {
		round++
		start := time.Now()
		parallel(func(i int) {
			data, err := wire.Encode(pushed[i])
			must(b, err)
			subject, seq := fmt.Sprintf("order.kraken.%d-%d", round, i), uint64(0)
			for range 3 {
				ack, err := raw.js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(seq))
				if err != nil {
					b.Error(err)
					return
				}
				seq = ack.Sequence
			}
		})
		return float64(n) / time.Since(start).Seconds()
	}, func() float64 {
		quote()
		settled := w.Counts().Settled
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		used, start := processorTime(b, rdb), time.Now()
		parallel(func(i int) {
			o := pushed[i]
			o.ID = fmt.Sprintf("%d-%d", round, i)
			if _, _, err := orders.Push(ctx, o); err != nil {
				b.Error(err)
			}
		})
		for end := time.Now().Add(2 * time.Minute); w.Counts().Settled < settled+uint64(n); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				b.Fatalf("%+v", w.Counts())
			}
		}
		elapsed := time.Since(start)
		now := processorTime(b, rdb)
		runtime.ReadMemStats(&after)
		own = append(own, micros((now.own-used.own)/time.Duration(n)))
		redis = append(redis, micros((now.redis-used.redis)/time.Duration(n)))
		allocations = append(allocations, float64(after.Mallocs-before.Mallocs)/float64(n))
		return float64(n) / elapsed.Seconds()
	})
	b.ReportMetric(median(own), "process-µs/order")
	b.ReportMetric(median(redis), "redis-µs/order")
	b.ReportMetric(median(allocations), "allocs/order")
}

// mustPush pushes an order once the queue can be told.
func mustPush(ctx context.Context, orders *client.Orders, o domain.Order) error {
	for {
		_, _, err := orders.Push(ctx, o)
		if !errors.Is(err, domain.ErrRebuilding) {
			return err
		}
	}
}

func mustWait(ctx context.Context, c *client.Client) func(domain.LogPosition, error) error {
	return func(pos domain.LogPosition, err error) error {
		if err != nil {
			return err
		}
		return c.Wait(ctx, pos)
	}
}
