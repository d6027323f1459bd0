package client_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) { testserver.WaitingMain(m) }

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

var (
	small = bus.Layout{Ticks: 2, Trades: 2}
	noon  = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)
)

// logOf gives the projector a bus.
type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// rig is a deployment: a log, a projector over a Redis, and a client.
type rig struct {
	*client.Client
	tb    testing.TB
	nats  *testserver.NATS
	bus   *bus.Bus
	store *cachestore.Store
	stop  func() // ends the projector

	orderCap int // of projectors that begin from now on; zero: the default
}

// newRig starts a deployment that keeps keep trades of each market.
func newRig(tb testing.TB, store *cachestore.Store, keep int) *rig {
	tb.Helper()
	n := testserver.NewNATS(tb)
	r := &rig{tb: tb, nats: n, bus: n.Bus(tb, small), store: store}
	r.Client = client.New(r.bus, store)
	tb.Cleanup(r.Close)
	r.project(keep)
	return r
}

// project runs a projector; stop ends it.
func (r *rig) project(keep int) {
	tb := r.tb
	tb.Helper()
	p := projector.New(projector.Config{
		TickStreams: small.TickStreams(), TradeStreams: small.TradeStreams(), TradeCap: keep,
		AccountStreams: r.bus.Layout().AccountStreams(), FillCap: keep, Orders: true, OrderCap: r.orderCap,
		CatalogueStream: bus.CatalogueStream,
		ProbeInterval:   50 * time.Millisecond, Log: testserver.Quiet(),
	}, logOf{r.bus}, r.store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("projector: %v", err)
		}
	})
	tb.Cleanup(r.stop)
}

// visible waits until readers see what was written, if writing went well.
func (r *rig) visible(pos domain.LogPosition, err error) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err == nil {
		err = r.Wait(ctx, pos)
	}
	if err != nil {
		r.tb.Fatal(err)
	}
}

// bounded is a context for something that must happen.
func bounded(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func tick(exchange, symbol, price string) domain.Tick {
	return domain.Tick{Exchange: exchange, Symbol: symbol, Last: dec(price)}
}

func trade(id int) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: "BTC/USDT", ID: strconv.Itoa(id), Side: domain.Sell, Price: dec("50500"), Volume: dec("0.05"),
		Time: noon.Add(time.Duration(id) * time.Second),
	}
}
