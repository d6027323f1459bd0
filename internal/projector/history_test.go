package projector_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// folding runs a projector over a log until stop is called.
func (r *rig) folding(log projector.Log) (p *projector.Projector, stop func()) {
	r.tb.Helper()
	p = projector.New(projector.Config{TradeStreams: small.TradeStreams(), ProbeInterval: probe, Log: testserver.Quiet()}, log, r.store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	})
	r.tb.Cleanup(stop)
	return p, stop
}

// of is how the worker of a stream is doing.
func of(p *projector.Projector, stream string) projector.Stats {
	all := p.Stats()
	return all[slices.IndexFunc(all, func(s projector.Stats) bool { return s.Stream == stream })]
}

// ids are the trades that Redis has of a market.
func (r *rig) ids(symbol string) []string {
	r.tb.Helper()
	trades, err := patiently(func(ctx context.Context) ([]domain.Trade, error) {
		return r.client.Trades.List(ctx, "binance", symbol, 100)
	})
	if err != nil {
		r.tb.Fatal(err)
	}
	var ids []string
	for _, t := range trades {
		ids = append(ids, t.ID)
	}
	return ids
}

// connected waits until the log answers again.
func (r *rig) connected() {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err := r.bus.Ping(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			r.tb.Fatal(err)
		}
	}
}

// supplanted does something between asking what a stream holds and reading it, once.
type supplanted struct {
	logOf
	stream string
	late   func()
}

func (l *supplanted) Open(stream string, from uint64) projector.Reader {
	if stream == l.stream {
		l.late()
	}
	return l.logOf.Open(stream, from)
}

// A stream that takes the place of another one between the look at it and the
// first message is noticed before anything of it is folded onto the old state.
func TestAStreamThatIsCreatedAnewBeforeItIsReadIsNotFoldedOntoTheOldState(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	nc, err := nats.Connect(r.nats.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	const symbol = "BTC/USDT"
	stream := small.TradeStreamOf("binance", symbol)
	_, stop := r.folding(logOf{r.bus})
	for i := range 3 {
		r.wait(r.publish(trade(symbol, i, "1", "1", 0)))
	}
	stop()
	stored := make(chan domain.LogPosition, 1)
	log := &supplanted{logOf: logOf{r.bus}, stream: stream, late: sync.OnceFunc(func() {
		if err := js.DeleteStream(context.Background(), stream); err != nil {
			t.Error(err)
		}
		if err := r.bus.Provision(context.Background(), bus.Plan{}); err != nil {
			t.Error(err)
		}
		var last domain.LogPosition
		for i := 10; i < 16; i++ { // three of them are where the next ones of the old stream would be
			last = r.publish(trade(symbol, i, "1", "1", 0))
		}
		stored <- last
	})}
	p, _ := r.folding(log)
	r.wait(<-stored)
	if got, want := r.ids(symbol), []string{"10", "11", "12", "13", "14", "15"}; !slices.Equal(got, want) {
		t.Errorf("trades %v, want %v", got, want)
	}
	if s := of(p, stream); s.Messages != 6 || s.Lost != 1 {
		t.Errorf("%d messages were folded, want the 6 of the new stream; %d times lost, want 1", s.Messages, s.Lost)
	}
}

// A log whose disk was restored has a shorter history, and goes on with another
// one: both are noticed, also when it is as long as before by then.
func TestALogThatWentBackIsNoticedAndFoldedAnew(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"shorter": 0, "as long": 2, "longer": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t))
			const symbol = "BTC/USDT"
			stream := small.TradeStreamOf("binance", symbol)
			_, stop := r.folding(logOf{r.bus})
			want := []string{"0", "1", "2"}
			for i := range 3 {
				r.wait(r.publish(trade(symbol, i, "1", "1", 0)))
			}
			stop()
			restore := r.nats.Backup()
			r.connected()
			_, stop = r.folding(logOf{r.bus})
			for i := 3; i < 5; i++ {
				r.wait(r.publish(trade(symbol, i, "1", "1", 0)))
			}
			stop()
			restore()
			r.connected()
			for i := range after {
				r.publish(trade(symbol, 20+i, "1", "1", 0))
			}
			p, _ := r.folding(logOf{r.bus})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for of(p, stream).Rebuilds == 0 {
				if _, err := r.store.Partition(stream).Wait(ctx, 1<<40, 20*time.Millisecond); err != nil {
					t.Fatal("not noticed: ", err)
				}
			}
			r.publish(trade(symbol, 30, "1", "1", 0))
			for i := range after {
				want = append(want, []string{"20", "21", "22", "23"}[i])
			}
			r.caughtUp(r.store)
			if got := r.ids(symbol); !slices.Equal(got, append(want, "30")) {
				t.Errorf("trades %v, want %v and 30", got, want)
			}
			if s := of(p, stream); s.Lost != 1 {
				t.Errorf("%d times lost, want 1", s.Lost)
			}
		})
	}
}
