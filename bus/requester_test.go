package bus_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// endless is how long a request may take in tests of what ends it before.
const endless = time.Hour

func patient(tb testing.TB, url string) *bus.Bus {
	tb.Helper()
	return connectWith(tb, bus.Config{URL: url, Layout: one, Timeout: endless, Log: testserver.Quiet()})
}

// Publishers whose connection and log go away again and again, some of which lose
// their patience: whoever is told a position finds there what it has stored.
func TestAnswersAreNeverMixedUp(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	p := newProxy(t, n.URL)
	b := hasty(t, p.URL, one)
	var (
		group   sync.WaitGroup
		mu      sync.Mutex
		told    = make(map[uint64]string) // by sequence: what was stored there
		answers atomic.Int64
		over    atomic.Bool
		batches sync.RWMutex // a server that is stopped in the middle of one leaves goroutines behind
	)
	tell := func(seq uint64, subject string) {
		mu.Lock()
		defer mu.Unlock()
		if before, ok := told[seq]; ok {
			t.Errorf("both %s and %s are at %d", before, subject, seq)
		}
		told[seq] = subject
		answers.Add(1)
	}
	for g := range 32 {
		group.Go(func() {
			for i := 0; !over.Load(); i++ {
				ctx, cancel := context.WithCancel(context.Background())
				changes := make([]bus.Change, 1+2*(g%2))
				if len(changes) > 1 {
					batches.RLock()
				}
				if rand.IntN(8) == 0 {
					go cancel()
				}
				for c := range changes {
					changes[c].Event = order(fmt.Sprintf("%d-%d-%d", g, i, c), domain.OrderNew)
				}
				pos, err := b.Commit(ctx, changes...)
				cancel()
				if len(changes) > 1 {
					batches.RUnlock()
				}
				switch {
				case err == nil:
					for c, change := range changes {
						tell(pos.Seq-uint64(len(changes)-1-c), "order.binance."+change.Event.Key().OrderID)
					}
				case !errors.Is(err, domain.ErrUnreachable) && !errors.Is(err, context.Canceled):
					t.Error(err)
				}
			}
		})
	}
	for round := range 6 {
		want := answers.Load() + 200
		eventually(t, "answers", func() bool { return answers.Load() >= want })
		switch round % 3 {
		case 0:
			p.Hold(toClient)
			p.Cut()
		case 1:
			p.Cut()
		case 2:
			batches.Lock()
			eventually(t, "what was sent is dealt with", func() bool { _, err := b.Publish(context.Background(), block("bot")); return err == nil })
			n.Stop()
			n.Start()
			batches.Unlock()
		}
	}
	over.Store(true)
	group.Wait()
	for _, rec := range stored(t, direct, bus.OrderStream("binance")) {
		if want, ok := told[rec.Seq]; ok && want != rec.Subject {
			t.Errorf("%d is %s, not %s", rec.Seq, rec.Subject, want)
		}
		delete(told, rec.Seq)
	}
	for seq, subject := range told {
		t.Errorf("%s is not stored, at %d", subject, seq)
	}
}

// An answer that comes when nobody waits for it any more is about nothing.
func TestALateAcknowledgementIsDropped(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	p := newProxy(t, n.URL)
	b := hasty(t, p.URL, one)
	if pos := mustPublish(t, b, order("a", domain.OrderNew)); pos.Seq != 1 {
		t.Fatal(pos)
	}
	p.Hold(toClient)
	for i, store := range []func() error{
		func() error { _, err := b.Publish(t.Context(), order("b", domain.OrderNew)); return err },
		func() error {
			_, err := b.PublishAll(t.Context(), []domain.Event{order("c", domain.OrderNew)})
			return err
		},
		func() error {
			_, err := b.Commit(t.Context(), bus.Change{Event: order("d", domain.OrderNew)}, bus.Change{Event: order("e", domain.OrderNew)})
			return err
		},
	} {
		if err := store(); !errors.Is(err, domain.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	eventually(t, "all are stored", func() bool { return extent(t, direct, bus.OrderStream("binance")).Last == 5 })
	p.Release()
	for i := range 20 {
		if pos := mustPublish(t, b, order(fmt.Sprint(i), domain.OrderNew)); pos.Seq != uint64(6+i) {
			t.Fatalf("stored at %d, told %d", 6+i, pos.Seq)
		}
	}
}

func TestAWaitEndsWithItsContextOrItsBus(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	p := newProxy(t, n.URL)
	b := patient(t, p.URL)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Publish(gone, order("a", domain.OrderNew)); !errors.Is(err, context.Canceled) || errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("ended before: %v", err)
	}
	mustPublish(t, b, order("b", domain.OrderNew))
	p.Hold(toClient)
	ctx, cancel := context.WithTimeout(t.Context(), impatient)
	defer cancel()
	if _, err := b.Publish(ctx, order("c", domain.OrderNew)); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("a deadline: %v", err)
	}
	ends := func(id string, want error, ctx context.Context, end func()) {
		t.Helper()
		told := make(chan error, 1)
		go func() {
			_, err := b.Commit(ctx, bus.Change{Event: order(id, domain.OrderNew)})
			told <- err
		}()
		eventually(t, id, func() bool { _, _, _, err := direct.Last(context.Background(), order(id, 0).Key()); return err == nil })
		end()
		if err := <-told; !errors.Is(err, want) {
			t.Errorf("%s: %v", id, err)
		}
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	ends("d", context.Canceled, ctx, cancel)
	ends("e", nats.ErrConnectionClosed, t.Context(), b.Close)
	if e := extent(t, direct, bus.OrderStream("binance")); e.Last != 4 {
		t.Errorf("%d are stored", e.Last)
	}
}

// What can be known at once is told at once, however patient one is.
func TestNobodyWaitsForAnAnswerThatCannotCome(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	p := newProxy(t, n.URL)
	b := patient(t, p.URL)
	missing := order("a", domain.OrderNew)
	missing.Exchange = "nowhere"
	all := func(event domain.Event) map[string]error {
		_, published := b.Publish(t.Context(), event)
		_, committed := b.Commit(t.Context(), bus.Change{Event: event}, bus.Change{Event: event})
		_, together := b.PublishAll(t.Context(), []domain.Event{event, event})
		return map[string]error{"publish": published, "commit": committed, "publish all": together}
	}
	for how, err := range all(missing) {
		if !errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("no stream, %s: %v", how, err)
		}
	}
	stream, err := raw(t, n.URL).Stream(t.Context(), bus.OrderStream("binance"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := stream.CachedInfo().Config
	sealed.Sealed = true
	if _, err := raw(t, n.URL).UpdateStream(t.Context(), sealed); err != nil {
		t.Fatal(err)
	}
	for how, err := range all(order("a", domain.OrderNew)) {
		var refused *jetstream.APIError
		if !errors.Is(err, domain.ErrInvalid) || !errors.As(err, &refused) {
			t.Errorf("sealed, %s: %v", how, err)
		}
	}
	p.Hold(toClient)
	told := make(chan error, 1)
	go func() {
		_, err := b.PublishAll(context.Background(), listing("x", 10))
		told <- err
	}()
	eventually(t, "they are stored", func() bool { return extent(t, connect(t, n.URL, one), bus.CatalogueStream).Last == 10 })
	p.Cut()
	if err := <-told; !errors.Is(err, nats.ErrDisconnected) || !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("cut off: %v", err)
	}
}

// A server begins no more than 50 batches of a stream at a time.
func TestAnyNumberOfCommitsMayBeUnderWay(t *testing.T) {
	t.Parallel()
	const commits, each = 100, 200
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := patient(t, n.URL)
	var group sync.WaitGroup
	for c := range commits {
		group.Go(func() {
			changes := make([]bus.Change, each)
			for i := range changes {
				changes[i].Event = order(fmt.Sprintf("%d-%d", c, i), domain.OrderNew)
			}
			if _, err := b.Commit(context.Background(), changes...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if e := extent(t, b, bus.OrderStream("binance")); e.Last != commits*each {
		t.Fatalf("%d are stored", e.Last)
	}
}
