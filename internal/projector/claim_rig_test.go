package projector_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// claimRig is a deployment with the orders of one exchange, over a Redis of its
// own, and whose projector can be stopped and started.
type claimRig struct {
	tb     testing.TB
	bus    *bus.Bus
	redis  *testserver.Redis
	store  *cachestore.Store
	client *client.Client
	stop   func()
}

var claimStream = bus.OrderStream("binance")

// newClaimRig starts a deployment that keeps orders and rights to trade for so
// long; zero is the default.
func newClaimRig(tb testing.TB, keeps time.Duration) *claimRig {
	tb.Helper()
	b, err := bus.Connect(tb.Context(), bus.Config{URL: testserver.NewNATS(tb).URL, Layout: crashLayout, Log: testserver.Quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Provision(tb.Context(), bus.Plan{Retention: bus.Retention{Orders: keeps}, Exchanges: []string{"binance"}}); err != nil {
		tb.Fatal(err)
	}
	r := &claimRig{tb: tb, bus: b, redis: testserver.NewRedis(tb)}
	r.store = r.redis.Store(tb)
	r.client = client.New(b, r.store)
	tb.Cleanup(r.client.Close)
	r.stop = r.start()
	tb.Cleanup(func() { r.stop() })
	return r
}

// start runs a projector until the returned function is called.
func (r *claimRig) start() (stop func()) {
	p := projector.New(projector.Config{Orders: true, ProbeInterval: probe, Log: testserver.Quiet()}, logOf{r.bus}, r.store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	return func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	}
}

// crash breaks something; nothing of it may show.
func (r *claimRig) crash(how int) {
	switch how {
	case 0: // one that stops gives way to the next
		r.stop()
		r.stop = r.start()
	case 1: // nobody is there when Redis is wiped
		r.stop()
		r.wipe()
		r.stop = r.start()
	case 2: // wiped under the projector's feet
		r.wipe()
	case 3: // two at once
		stop := r.stop
		r.stop = r.start()
		stop()
	}
}

func (r *claimRig) wipe() {
	if err := r.redis.Client(r.tb).FlushAll(context.Background()).Err(); err != nil {
		r.tb.Fatal(err)
	}
}

// seen is what Redis holds once it reflects all of the log.
func (r *claimRig) seen() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := r.store.Partition(claimStream)
	for {
		extent, err := r.bus.Extent(ctx, claimStream)
		if err != nil {
			r.tb.Fatal(err)
		}
		rights, err := p.Rights(ctx)
		if err == nil && rights.At.Seq >= extent.Last {
			r.popsKnow(ctx)
			return describe(rights.Claims, rights.Halts)
		}
		if ctx.Err() != nil {
			r.tb.Fatalf("at %d of %d (%v)", rights.At.Seq, extent.Last, err)
		}
		_, _ = p.Wait(ctx, rights.At.Seq, 20*time.Millisecond)
	}
}

// popsKnow makes sure that what pops read of each market's claims is what the
// hashes of claims say, of one moment.
func (r *claimRig) popsKnow(ctx context.Context) {
	tx := r.redis.Client(r.tb).TxPipeline()
	all := make(map[string]*redis.MapStringStringCmd)
	for _, name := range []string{"blocks", "freed", "openings", "opened", "rights"} {
		all[name] = tx.HGetAll(ctx, r.store.Prefix()+"{"+claimStream+"}:"+name)
	}
	if _, err := tx.Exec(ctx); err != nil {
		r.tb.Fatal(err)
	}
	want := make(map[string]string)
	for symbol, whose := range all["rights"].Val() {
		if !strings.Contains(symbol, "/") {
			want[symbol] = whose // of a halt
		}
	}
	for _, name := range []string{"blocks", "freed", "openings", "opened"} {
		for symbol := range all[name].Val() {
			seqs, held := "", ""
			for _, of := range [][2]string{{"blocks", "freed"}, {"openings", "opened"}} {
				seq, now := "0", " 0 0 0 -"
				if returned, ok := all[of[1]].Val()[symbol]; ok {
					seq = returned
				}
				if text, ok := all[of[0]].Val()[symbol]; ok {
					fields := strings.Fields(text)
					seq, now = fields[0], " "+strings.Join(fields[1:5], " ")
				}
				seqs, held = seqs+" "+seq, held+now
			}
			if want[symbol] = seqs[1:]; held != " 0 0 0 - 0 0 0 -" {
				want[symbol] += held
			}
		}
	}
	if got := all["rights"].Val(); !maps.Equal(got, want) {
		r.tb.Fatalf("pops know %q, want %q", got, want)
	}
}

// describe tells rights to trade as one text.
func describe(claims []domain.Claim, halts []domain.Halt) string {
	var out []string
	for _, c := range claims {
		if c.Released {
			out = append(out, fmt.Sprintf("%s %s freed by %s token %d at %d", c.Kind, c.Symbol, c.Bot, c.First, c.Sequence))
			continue
		}
		out = append(out, fmt.Sprintf("%s %s of %s/%s token %d at %d until %d exposed %v", c.Kind, c.Symbol, c.Bot, c.Account,
			c.First, c.Sequence, c.Expires.UnixMilli(), c.Exposed))
	}
	for _, h := range halts {
		out = append(out, fmt.Sprintf("halt of %q %v %s %q at %d", h.Bot, h.All, h.State, h.Reason, h.Sequence))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
