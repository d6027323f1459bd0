package verify_test

import (
	"context"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/verify"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var layout = bus.Layout{Ticks: 2, Trades: 2, Accounts: 1}

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

// logOf gives the projector a bus.
type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// rig is a deployment with a projector, and a verifier of it.
type rig struct {
	*client.Client
	t        *testing.T
	bus      *bus.Bus
	store    *cachestore.Store
	verifier *verify.Verifier
	config   projector.Config
}

// newRig starts a deployment whose log keeps everything for so long; zero is the
// default.
func newRig(t *testing.T, keeps time.Duration) *rig {
	t.Helper()
	b, err := bus.Connect(t.Context(), bus.Config{URL: testserver.NewNATS(t).URL, Layout: layout, Log: testserver.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	plan := bus.Plan{Exchanges: []string{"kraken"}, Retention: bus.Retention{Ticks: keeps, Trades: keeps, Accounts: keeps, Orders: keeps}}
	if err := b.Provision(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, bus: b, store: testserver.SharedStore(t)}
	r.Client = client.New(b, r.store)
	t.Cleanup(r.Close)
	cfg := projector.Config{
		TickStreams: layout.TickStreams(), TradeStreams: layout.TradeStreams(), AccountStreams: layout.AccountStreams(),
		CatalogueStream: bus.CatalogueStream, Orders: true, TradeCap: 50, FillCap: 20, OrderCap: 20,
		ProbeInterval: 50 * time.Millisecond, Log: testserver.Quiet(),
	}
	r.config = cfg
	r.verifier = verify.New(cfg, logOf{b}, r.store, testserver.SharedStore(t))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	p := projector.New(cfg, logOf{b}, r.store)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("projector: %v", err)
		}
	})
	return r
}

// bounded is a context for something that must happen.
func (r *rig) bounded() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r.t.Cleanup(cancel)
	return ctx
}

// all compares every partition.
func (r *rig) all() map[string]verify.Report {
	r.t.Helper()
	streams, err := r.Streams(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	out := make(map[string]verify.Report)
	for _, stream := range streams {
		out[stream] = r.verifier.Partition(r.bounded(), stream)
	}
	return out
}

// clean fails for whatever is not as the log says.
func (r *rig) clean(reports map[string]verify.Report) {
	r.t.Helper()
	for stream, report := range reports {
		for _, d := range report.Examples {
			r.t.Errorf("%s: %s %q: the log says %s, Redis %s", stream, d.Key, d.Field, text(d.Log), text(d.Redis))
		}
		if report.Err != nil {
			r.t.Errorf("%s: %v", stream, report.Err)
		}
	}
}

func text(p *string) string {
	if p == nil {
		return "nothing"
	}
	return *p
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }
