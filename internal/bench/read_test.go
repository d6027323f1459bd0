package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

const (
	inFlight    = 64 // requests that are under way at any time
	floorDepth  = 32 // of these, in one pipeline of the floor
	listed      = 100
	accountSize = 10
	processes   = 20
)

// BenchmarkRead measures each verb that reads, called by 64 goroutines, each of
// which waits for its answer. The floor has as many requests under way, the best
// way there is: two goroutines that send 32 at a time in a bare pipeline. A
// request of the floor are the plain commands that fetch the bytes that the verb
// needs, all of them, the checkpoint that tells whether the answer counts too, and none is decoded. So the ratio has in it that callers
// who know nothing of each other share round trips, that what belongs together
// is read together, and decoding and checking.
func BenchmarkRead(b *testing.B) {
	r := newReadRig(b)
	ctx, c := b.Context(), r.client
	const x, s, a = "binance", "C007/USDT", "account-7"
	tick, trades := r.partition(r.layout.TickStreamOf(x, s)), r.partition(r.layout.TradeStreamOf(x, s))
	account := r.partition(r.layout.AccountStreamOf(a))
	process := r.store.Prefix() + "{PROCESSES}:"
	var bars []string
	for i := range listed {
		bars = append(bars, "1m:"+strconv.FormatInt(r.newest.Add(-time.Duration(i)*time.Minute).Unix(), 10))
	}
	for _, v := range []struct {
		name  string
		verb  func() error
		floor func(redis.Pipeliner)
	}{
		{"Ticks.Get", func() error { _, err := c.Ticks.Get(ctx, x, s); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, tick+"checkpoint")
				p.HMGet(ctx, tick+"ticks:"+x, s, "feed")
			}},
		{"Ticks.Price", func() error { _, err := c.Ticks.Price(ctx, x, s); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, tick+"checkpoint")
				p.HMGet(ctx, tick+"ticks:"+x, s, "feed")
			}},
		{"Ticks.All", func() error { _, err := c.Ticks.All(ctx, x); return err },
			func(p redis.Pipeliner) {
				for _, stream := range r.layout.TickStreams() {
					p.Get(ctx, r.partition(stream)+"checkpoint")
					p.HGetAll(ctx, r.partition(stream)+"ticks:"+x)
				}
			}},
		{"Ticks.Any", func() error { _, err := c.Ticks.Any(ctx, s); return err },
			func(p redis.Pipeliner) {
				for _, stream := range r.layout.TickStreams() {
					p.Get(ctx, r.partition(stream)+"checkpoint")
					p.SMembers(ctx, r.partition(stream)+"exchanges")
				}
				p.Get(ctx, tick+"checkpoint")
				p.HMGet(ctx, tick+"ticks:"+x, s, "feed")
			}},
		{"Trades.List", func() error { _, err := c.Trades.List(ctx, x, s, listed); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, trades+"checkpoint")
				p.LRange(ctx, trades+"trades:"+x+":"+s, -listed, -1)
			}},
		{"Trades.Status", func() error { _, err := c.Trades.Status(ctx, x, s); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, trades+"checkpoint")
				p.LLen(ctx, trades+"trades:"+x+":"+s)
				p.LIndex(ctx, trades+"trades:"+x+":"+s, 0)
				p.LIndex(ctx, trades+"trades:"+x+":"+s, -1)
			}},
		{"Candles.Latest", func() error { _, err := c.Candles.Latest(ctx, x, s, "1m", listed); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, trades+"checkpoint")
				p.HGet(ctx, trades+"candles:"+x+":"+s, "1m")
				p.HMGet(ctx, trades+"candles:"+x+":"+s, bars...)
			}},
		{"Candles.Between", func() error {
			_, err := c.Candles.Between(ctx, x, s, "1m", r.newest.Add(-(listed-1)*time.Minute), r.newest.Add(time.Minute))
			return err
		}, func(p redis.Pipeliner) {
			p.Get(ctx, trades+"checkpoint")
			p.HGet(ctx, trades+"candles:"+x+":"+s, "1m")
			p.HMGet(ctx, trades+"candles:"+x+":"+s, bars...)
		}},
		{"Accounts.Balance", func() error { _, err := c.Accounts.Balance(ctx, a, "C3"); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, account+"checkpoint")
				p.HGet(ctx, account+"balances:"+a, "C3")
			}},
		{"Accounts.Balances", func() error { _, err := c.Accounts.Balances(ctx, a); return err },
			func(p redis.Pipeliner) { r.wholeAccount(ctx, p, account, a) }},
		{"Accounts.Position", func() error { _, err := c.Accounts.Position(ctx, a, "C3/USDT"); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, account+"checkpoint")
				p.HMGet(ctx, account+"positions:"+a, "C3/USDT", "known")
			}},
		{"Accounts.Positions", func() error { _, err := c.Accounts.Positions(ctx, a); return err },
			func(p redis.Pipeliner) { r.wholeAccount(ctx, p, account, a) }},
		{"Fills.List", func() error { _, err := c.Fills.List(ctx, a, x, listed); return err },
			func(p redis.Pipeliner) {
				p.Get(ctx, account+"checkpoint")
				p.LRange(ctx, account+"fills:"+a+":"+x, -listed, -1)
			}},
		{"Processes.Get", func() error { _, err := c.Processes.Get(ctx, r.process); return err },
			func(p redis.Pipeliner) {
				for _, hash := range []string{"about", "registered", "beats", "status", "message"} {
					p.HGet(ctx, process+hash, r.process)
				}
				p.HGetAll(ctx, process+"params:"+r.process)
			}},
		{"Processes.Active", func() error { _, err := c.Processes.Active(ctx, client.ProcessFilter{}); return err },
			func(p redis.Pipeliner) {
				for _, hash := range []string{"about", "registered", "beats", "status", "message"} {
					p.HGetAll(ctx, process+hash)
				}
				for _, id := range r.processes {
					p.HGetAll(ctx, process+"params:"+id)
				}
			}},
	} {
		b.Run(v.name, func(b *testing.B) {
			must(b, v.verb())
			r.compare(b, func() cost {
				return r.measure(b, inFlight/floorDepth, floorDepth, func() error {
					pipe := r.rdb.Pipeline()
					for range floorDepth {
						v.floor(pipe)
					}
					_, err := pipe.Exec(ctx)
					if err == redis.Nil { // a field that is not there, as for the verb
						err = nil
					}
					return err
				})
			}, func() cost { return r.measure(b, inFlight, 1, v.verb) })
		})
	}
}

// readSpan is for how long one measurement lasts. Short ones that alternate are
// disturbed alike by what else the machine does.
var readSpan = time.Duration(envInt("BENCH_READ_MS", 100)) * time.Millisecond

// readRounds is how often floor and verb are measured in turn.
var readRounds = 4 * rounds

// cost is what reads took.
type cost struct {
	perSecond float64
	cpu       time.Duration // of this process and of Redis together, for one read
}

// compare is the function of that name, and reports also the processors' time.
func (r *readRig) compare(b *testing.B, floor, verb func() cost) {
	b.Helper()
	var floors, verbs, ratios, floorCPU, verbCPU, cpuRatios []float64
	for range readRounds {
		f, v := floor(), verb()
		floors, verbs, ratios = append(floors, f.perSecond), append(verbs, v.perSecond), append(ratios, v.perSecond/f.perSecond)
		floorCPU, verbCPU = append(floorCPU, f.cpu.Seconds()*1e6), append(verbCPU, v.cpu.Seconds()*1e6)
		cpuRatios = append(cpuRatios, f.cpu.Seconds()/v.cpu.Seconds())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(floors), "floor-reads/s")
	b.ReportMetric(median(verbs), "reads/s")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(floorCPU), "floor-cpu-µs")
	b.ReportMetric(median(verbCPU), "cpu-µs")
	b.ReportMetric(median(cpuRatios), "cpu-ratio")
}

// measure calls f from goroutines for a while; each call counts for n.
func (r *readRig) measure(b *testing.B, goroutines, n int, f func() error) cost {
	b.Helper()
	var calls atomic.Int64
	var group sync.WaitGroup
	used, start := processorTime(b, r.rdb).sum(), time.Now()
	for range goroutines {
		group.Go(func() {
			for time.Since(start) < readSpan {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
				calls.Add(int64(n))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start)
	return cost{
		perSecond: float64(calls.Load()) / elapsed.Seconds(),
		cpu:       (processorTime(b, r.rdb).sum() - used) / time.Duration(max(1, calls.Load())),
	}
}

// readRig is a deployment with something to read.
type readRig struct {
	store     *cachestore.Store
	rdb       redis.UniversalClient
	client    *client.Client
	layout    bus.Layout
	newest    time.Time // beginning of the newest bar
	process   string
	processes []string
}

func (r *readRig) partition(stream string) string { return r.store.Prefix() + "{" + stream + "}:" }

func (r *readRig) wholeAccount(ctx context.Context, p redis.Pipeliner, tag, account string) {
	p.Get(ctx, tag+"checkpoint")
	p.HGetAll(ctx, tag+"balances:"+account)
	p.HGetAll(ctx, tag+"positions:"+account)
}

func newReadRig(b *testing.B) *readRig {
	b.Helper()
	d := deploy(b, 4)
	r := &readRig{store: testserver.SharedStore(b), rdb: testserver.SharedClient(b), layout: d.bus.Layout()}
	r.client = client.New(d.bus, r.store)
	b.Cleanup(r.client.Close)
	d.layout = r.layout
	d.fill(symbols, func(i int) domain.Event {
		t := tick(i)
		t.Received = time.Now().Add(time.Hour) // so that it has a price for as long as this lasts
		return t
	})
	const bars = 150
	d.fill(bars*symbols, func(i int) domain.Event {
		t := trade(i)
		t.Time = t.Time.Add(time.Duration(i/symbols) * time.Minute)
		if t.Symbol == "C007/USDT" && t.Time.After(r.newest) {
			r.newest = t.Time.Truncate(time.Minute)
		}
		return t
	})
	one := domain.MustDecimal("123.456")
	for n := range 10 {
		account := fmt.Sprintf("account-%d", n)
		d.fill(accountSize, func(i int) domain.Event {
			return domain.Balance{Account: account, Currency: fmt.Sprintf("C%d", i), Total: one, Free: one, Time: time.Unix(1_700_000_000, 0)}
		})
		d.fill(accountSize, func(i int) domain.Event {
			return domain.Position{
				Account: account, Exchange: "binance", Symbol: fmt.Sprintf("C%d/USDT", i), Volume: one, Price: one, Cost: one,
				Time: time.Unix(1_700_000_000, 0),
			}
		})
		d.fill(listed, func(i int) domain.Event {
			return domain.Fill{
				Account: account, Exchange: "binance", Symbol: "C1/USDT", ID: strconv.Itoa(i), Side: domain.Buy, Price: one, Volume: one,
				Fee: one, FeeCurrency: "USDT", Time: time.Unix(1_700_000_000, 0),
			}
		})
	}
	p := projector.New(projector.Config{
		TickStreams: r.layout.TickStreams(), TradeStreams: r.layout.TradeStreams(), AccountStreams: r.layout.AccountStreams(), Log: testserver.Quiet(),
	}, logOf{d.bus}, r.store)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	for _, stream := range r.layout.Streams() {
		extent, err := d.bus.Extent(ctx, stream)
		must(b, err)
		must(b, r.client.Wait(ctx, domain.LogPosition{Stream: stream, Seq: extent.Last}))
	}
	cancel()
	must(b, <-done)
	for i := range processes {
		process := domain.Process{Type: domain.ProcessBot, Component: fmt.Sprintf("c%d", i), Params: map[string]string{"a": "1", "b": "2"}}
		registered, err := r.client.Processes.Register(b.Context(), process)
		must(b, err)
		r.process = registered.ID()
		r.processes = append(r.processes, r.process)
	}
	return r
}
