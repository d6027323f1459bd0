package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

func order(i, symbols int) domain.Order {
	at := time.Now()
	return domain.Order{
		ID: fmt.Sprintf("01J4V8K0Q2-%015d", i), Exchange: "kraken", Status: domain.OrderNew, Created: at, Updated: at,
		OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: fmt.Sprintf("grid-%d", i%20), Symbol: fmt.Sprintf("C%05d/USDT", i%symbols), Side: domain.Buy, Type: domain.Limit,
			Volume: domain.MustDecimal("0.05"), Price: domain.MustDecimal("50500.5"), Expires: at.Add(time.Hour),
		},
	}
}

var krakenOrders = bus.OrderStream("kraken")

// withOrders runs a projector over a deployment with n orders in the log until
// the benchmark ends, and waits until it has folded them.
func withOrders(b *testing.B, n, symbols int) (*client.Client, *cachestore.Store, *deployment) {
	b.Helper()
	d := deploy(b, 1)
	if n > 0 {
		d.fill(n, func(i int) domain.Event { return order(i, symbols) })
	}
	store := testserver.SharedStore(b)
	p := projector.New(projector.Config{Orders: true, Log: testserver.Quiet()}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	c := client.New(d.bus, store)
	b.Cleanup(c.Close)
	must(b, c.Wait(b.Context(), domain.LogPosition{Stream: krakenOrders, Seq: uint64(n)}))
	return c, store, d
}

// BenchmarkPopLatency measures one pop with all its checks against a script that
// does nothing: medians of both. The queue has a hundred symbols. The order is
// given back between two pops, which is not measured. The two take turns call by
// call: with two cores the scheduler has Redis now on the same core as the caller
// and now on the other, for seconds, which changes a round trip by a third; in loops
// one after the other it would be the ratio that changes.
func BenchmarkPopLatency(b *testing.B) {
	c, _, _ := withOrders(b, 1000, 100)
	orders, err := c.Orders.WithLimits(client.OrderLimits{Lease: time.Hour, MaxTries: 1000})
	must(b, err)
	rdb, ctx := testserver.SharedClient(b), b.Context()
	empty := redis.NewScript("return {}")
	n := envInt("BENCH_LATENCIES", 2000)
	var subject float64 // of the round whose floor was measured last
	compare(b, "p50-us", func() float64 {
		var floors, took []float64
		for range n {
			start := time.Now()
			must(b, empty.Run(ctx, rdb, []string{"{x}"}).Err())
			floors = append(floors, micros(time.Since(start)))
			start = time.Now()
			d, err := orders.Pop(ctx, "kraken", 0)
			took = append(took, micros(time.Since(start)))
			must(b, err)
			must(b, orders.Nack(ctx, d, 0))
			if d.Tries > 900 {
				_, err := orders.Requeue(ctx, "kraken", d.ID)
				must(b, err)
			}
		}
		subject = median(took)
		return median(floors)
	}, func() float64 { return subject })
}

// BenchmarkPopMany measures orders that are leased a second, by some poppers that
// take a hundred at once and let go of them again, with what a projector writes of
// orders that wait no more, against reading the same number of orders with HGET in
// pipelines of a hundred.
func BenchmarkPopMany(b *testing.B) {
	const symbols, poppers, atOnce, pops = 1000, 4, 100, 20_000
	c, store, _ := withOrders(b, symbols, symbols)
	rdb, ctx := testserver.SharedClient(b), b.Context()
	key := store.Prefix() + "{" + krakenOrders + "}:"
	orders, err := c.Orders.WithLimits(client.OrderLimits{Lease: time.Hour, MaxTries: 1000, MaxQueue: 1_000_000})
	must(b, err)
	parallel := func(work func(int)) float64 {
		start := time.Now()
		var group sync.WaitGroup
		for i := range poppers {
			group.Go(func() { work(i) })
		}
		group.Wait()
		return pops / time.Since(start).Seconds()
	}
	compare(b, "orders/s", func() float64 {
		return parallel(func(part int) {
			for i := part * pops / poppers; i < (part+1)*pops/poppers; i += atOnce {
				pipe := rdb.Pipeline()
				for j := range atOnce {
					pipe.HGet(ctx, key+"orders", order((i+j)%symbols, symbols).ID)
				}
				if _, err := pipe.Exec(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}, func() float64 {
		must(b, rdb.Del(ctx, key+"tries").Err())
		return parallel(func(int) {
			for got := 0; got < pops/poppers; {
				ds, err := orders.PopMany(ctx, "kraken", atOnce, 0)
				if err != nil {
					b.Error(err)
					return
				}
				got += len(ds)
				popped, turns := make([]string, len(ds)), make([]redis.Z, len(ds))
				for i, d := range ds {
					popped[i], turns[i] = d.Symbol, redis.Z{Score: float64(cachestore.OrderTurn(d.First)), Member: d.Symbol}
				}
				if _, err := rdb.TxPipelined(ctx, func(tx redis.Pipeliner) error {
					tx.HDel(ctx, key+"leases", popped...)
					tx.ZAdd(ctx, key+"turns", turns...)
					return nil
				}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkPush measures orders that fifty pushers push a second against bare
// publications on the same condition, of the same bytes, by as many.
func BenchmarkPush(b *testing.B) {
	const pushers, each = 50, 60
	c, _, _ := withOrders(b, 1, 1)
	orders, err := c.Orders.WithLimits(client.OrderLimits{MaxQueue: 1_000_000})
	must(b, err)
	bare := deploy(b, 1)        // which nobody projects
	ctx, next := b.Context(), 1 // the first is there
	parallel := func(push func(domain.Order) error) float64 {
		from := next
		next += pushers * each
		start := time.Now()
		var group sync.WaitGroup
		for p := range pushers {
			group.Go(func() {
				for i := range each {
					if err := push(order(from+p*each+i, 200)); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		return pushers * each / time.Since(start).Seconds()
	}
	compare(b, "pushes/s", func() float64 {
		return parallel(func(o domain.Order) error {
			address, err := bare.layout.Address(o.Key())
			if err != nil {
				return err
			}
			data, err := wire.Encode(o)
			if err != nil {
				return err
			}
			_, err = bare.js.PublishMsg(ctx, &nats.Msg{Subject: address.Subject, Data: data}, jetstream.WithExpectLastSequencePerSubject(0))
			return err
		})
	}, func() float64 {
		return parallel(func(o domain.Order) error {
			_, _, err := orders.Push(ctx, o)
			return err
		})
	})
}

// BenchmarkOrderMemory reports what Redis takes for each order that waits.
func BenchmarkOrderMemory(b *testing.B) {
	const n = 50_000
	before := redisBytes(b)
	withOrders(b, n, 200)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric((redisBytes(b)-before)/n, "redis-B/order")
}
