package paper

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// benchConfig lets orders of half a coin be bought for ever, and nothing be
// forgotten meanwhile.
func benchConfig(dir string, sync Sync) Config {
	cfg := stillConfig(dir)
	cfg.Sync, cfg.Balances = sync, map[string]domain.Decimal{"USDT": maxWorth}
	return cfg
}

// BenchmarkEngine fills market orders without storing anything: the floor of
// the others.
func BenchmarkEngine(b *testing.B) {
	e := newEngine(rulesOf(benchConfig("", SyncNever).WithDefaults()), "epoch", newLedger())
	now := time.Now()
	if _, err := e.enter(accountA, now); err != nil {
		b.Fatal(err)
	}
	tick, _ := still{}.Get(b.Context(), "binance", "BTC/USDT")
	o := wants("")
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		o.ID = strconv.Itoa(i)
		if _, report, err := e.submit(&o, &tick, "", now); err != nil || report.Status != domain.OrderFilled {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "orders/s")
}

// BenchmarkRest takes limit orders that rest, of 256 callers, without waiting
// for the disk.
func BenchmarkRest(b *testing.B) {
	cfg := benchConfig(b.TempDir(), SyncNever)
	cfg.MaxOpen = b.N + 1
	x := open(b, cfg)
	a := venueOf(b, x)
	b.ReportAllocs()
	submitters(b, 256, func(o domain.Order) error {
		o.Type, o.Price = domain.Limit, domain.MustDecimal("90.5")
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		_, err := a.Submit(ctx, o)
		return err
	})
}

// BenchmarkSubmit fills market orders of 16 callers, stored as each policy
// wants it, in process and over a socket.
func BenchmarkSubmit(b *testing.B) {
	for _, policy := range []struct {
		name string
		sync Sync
	}{{"never", SyncNever}, {"always", SyncAlways}} {
		b.Run("in process/sync "+policy.name, func(b *testing.B) {
			x := open(b, benchConfig(b.TempDir(), policy.sync))
			a := venueOf(b, x)
			submitters(b, 16, func(o domain.Order) error {
				_, err := a.Submit(b.Context(), o)
				return err
			})
		})
		b.Run("socket/sync "+policy.name, func(b *testing.B) {
			x := open(b, benchConfig(b.TempDir(), policy.sync))
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var group sync.WaitGroup
			group.Go(func() { _ = NewServer(ServerConfig{Exchanges: []*Exchange{x}}).Run(ctx, listener) })
			defer group.Wait()
			defer cancel()
			c, err := NewClient(ClientConfig{URL: "http://" + listener.Addr().String(), Exchange: "binance", Account: accountA})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			submitters(b, 16, func(o domain.Order) error {
				_, err := c.Submit(b.Context(), o)
				return err
			})
		})
	}
}

func submitters(b *testing.B, callers int, submit func(domain.Order) error) {
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range callers {
		group.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := submit(wants("o-" + strconv.FormatInt(i, 10))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
