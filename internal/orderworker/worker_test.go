package orderworker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

func TestGatesRejectWithTheirReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i, name := range []string{"OLD/USDT", "BIG/USDT", "FAR/USDT", "LOT/USDT", "STEP/USDT", "RED/USDT"} {
		base, _, _ := strings.Cut(name, "/")
		r.symbol(name, base)
		received := time.Now()
		if i == 0 {
			received = received.Add(-time.Hour)
		}
		r.tick(name, received)
	}
	r.symbol("NONE/USDT", "NONE")
	r.visible(r.Accounts.SetPosition(t.Context(), domain.Position{Account: account, Symbol: "RED/USDT", Volume: dec("1"), Price: dec("100")}))
	l := r.line()
	r.work(l, &limiter{})
	for _, c := range []struct {
		symbol, reason string
		change         func(*domain.Order)
	}{
		{"OLD/USDT", "stale", nil},
		{"NONE/USDT", "no tick", nil},
		{"BIG/USDT", "more than 1000", func(o *domain.Order) { o.Volume = dec("50") }},
		{"FAR/USDT", "outside", func(o *domain.Order) { o.Price = dec("150") }},
		{"LOT/USDT", "lot size", func(o *domain.Order) { o.Volume = dec("1.05") }},
		{"STEP/USDT", "tick size", func(o *domain.Order) { o.Price = dec("100.3") }},
		{"RED/USDT", "reduce", func(o *domain.Order) { o.ReduceOnly = true }},
		{"STRANGE/USDT", "not in the catalogue", nil},
		{"BTC/USDT", "account 7", func(o *domain.Order) { o.Account = "7" }},
	} {
		o := order("o-"+strings.ReplaceAll(c.symbol, "/", "-"), c.symbol)
		if c.change != nil {
			c.change(&o)
		}
		r.push(o)
		if got := r.becomes(o.ID, domain.OrderRejected); !strings.Contains(got.Reason, c.reason) || got.Attempt != 0 {
			t.Errorf("%s: %q after %d attempts, want %q", c.symbol, got.Reason, got.Attempt, c.reason)
		}
	}
	if n, _ := l.counts(); n != 0 {
		t.Errorf("%d orders were sent", n)
	}
}

// What the venue does not want is not offered again.
func TestWhatTheVenueRejectsEndsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.submit = func(int, context.Context, domain.Order) (execution.Report, error) {
		return execution.Report{}, &execution.Rejected{Reason: "no margin"}
	}
	r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderRejected); o.Reason != "no margin" || o.Attempt != 1 {
		t.Fatalf("%+v", o)
	}
	if submits, queries := l.counts(); submits != 1 || queries != 0 {
		t.Fatalf("sent %d times, asked for %d times", submits, queries)
	}
}

func TestWhatIsUnansweredIsAskedForAndNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.submit = func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
		if _, err := l.Venue.Submit(ctx, o); err != nil {
			t.Error(err)
		}
		return execution.Report{}, errLine // it was done, and nobody heard
	}
	l.query = func(n int, ctx context.Context, o domain.Order) (execution.Report, error) {
		if n < 3 {
			return execution.Report{}, errLine
		}
		return l.Venue.Query(ctx, o)
	}
	l.connected = make(chan struct{}) // events would tell before
	r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderFilled); o.Attempt != 1 || o.VenueOrderID == "" || !o.Filled.Equal(o.Volume) {
		t.Fatalf("%+v", o)
	}
	if submits, queries := l.counts(); submits != 1 || queries < 3 {
		t.Fatalf("sent %d times, asked for %d times", submits, queries)
	}
}

func TestWhatNeverArrivedIsSentAgainAfterItsDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	var deadline time.Time
	l.submit = func(n int, ctx context.Context, o domain.Order) (execution.Report, error) {
		if n == 1 {
			deadline = o.Deadline
			return execution.Report{}, errLine
		}
		if time.Now().Before(deadline) {
			t.Error("it was sent again while the first one could arrive")
		}
		return l.Venue.Submit(ctx, o)
	}
	r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderFilled); o.Attempt != 2 {
		t.Fatalf("%+v", o)
	}
	if submits, queries := l.counts(); submits != 2 || queries == 0 {
		t.Fatalf("sent %d times, asked for %d times", submits, queries)
	}
}

func TestAnOrderThatIsRateLimitedIsSentLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.submit = func(n int, ctx context.Context, o domain.Order) (execution.Report, error) {
		if n < 3 {
			return execution.Report{}, &execution.RateLimited{RetryAfter: time.Millisecond}
		}
		return l.Venue.Submit(ctx, o)
	}
	limits := &limiter{}
	r.work(l, limits)
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderFilled); o.Attempt != 3 {
		t.Fatalf("%+v", o)
	}
	// Each message to the venue takes its place of the rate.
	if limits.taken != 3 {
		t.Errorf("%d places were taken", limits.taken)
	}
}

// A venue's no is the order's end, with the venue's reason, and it is not sent
// again.
func TestWhatTheVenueRejectsIsRejected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.submit = func(int, context.Context, domain.Order) (execution.Report, error) {
		return execution.Report{}, &execution.Rejected{Reason: "no funds"}
	}
	r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderRejected); o.Reason != "no funds" || o.Attempt != 1 {
		t.Fatalf("%+v", o)
	}
	if submits, _ := l.counts(); submits != 1 {
		t.Fatalf("sent %d times", submits)
	}
}

func TestARestingOrderIsCanceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(r.line(), &limiter{})
	o := order("1", "BTC/USDT")
	o.Price = dec("95")
	r.push(o)
	r.becomes("1", domain.OrderAccepted)
	if _, err := r.Orders.Cancel(t.Context(), exchange, "1"); err != nil {
		t.Fatal(err)
	}
	if o := r.becomes("1", domain.OrderCanceled); !o.Filled.IsZero() {
		t.Fatalf("%+v", o)
	}
}

// An order that did not arrive and that nobody wants any more is not sent again.
func TestACanceledOrderThatIsNotAtTheVenueIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.submit = func(_ int, _ context.Context, o domain.Order) (execution.Report, error) {
		if _, err := r.Orders.Cancel(context.Background(), exchange, o.ID); err != nil {
			t.Error(err)
		}
		return execution.Report{}, errLine
	}
	r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	if o := r.becomes("1", domain.OrderCanceled); o.Attempt != 1 {
		t.Fatalf("%+v", o)
	}
	if submits, _ := l.counts(); submits != 1 {
		t.Fatalf("sent %d times", submits)
	}
}

// What happened while the line was down is found out at the next connect.
func TestOrdersThatEndedUnseenAreReconciled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	l.connected = make(chan struct{})
	r.work(l, &limiter{})
	o := order("1", "BTC/USDT")
	o.Price = dec("95")
	r.push(o)
	resting := r.becomes("1", domain.OrderAccepted)
	if _, err := l.Cancel(t.Context(), resting); err != nil { // by somebody else
		t.Fatal(err)
	}
	l.connected <- struct{}{}
	r.becomes("1", domain.OrderCanceled)
}

// A worker that is told to end finishes what it has, takes nothing new, and
// leaves no goroutine and no lease.
func TestAWorkerDrains(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.line()
	sending, answer := make(chan struct{}), make(chan struct{})
	l.submit = func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
		close(sending)
		<-answer
		return l.Venue.Submit(ctx, o)
	}
	w, stop := r.work(l, &limiter{})
	r.push(order("1", "BTC/USDT"))
	<-sending
	r.push(order("2", "BTC/USDT"))
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	close(answer)
	<-stopped
	r.becomes("1", domain.OrderFilled)
	if n := w.Counts().InHand; n != 0 {
		t.Errorf("%d orders in hand", n)
	}
	if status, err := r.Orders.Status(t.Context(), exchange, "2"); err != nil || status != domain.OrderNew {
		t.Errorf("the next order is %s (%v)", status, err)
	}
	if err := r.Orders.Sync(t.Context(), exchange); err != nil {
		t.Fatal(err)
	}
	queues, err := r.Orders.Queue(t.Context(), exchange)
	if err != nil || len(queues) != 1 || queues[0].Leased != "" {
		t.Errorf("%+v %v", queues, err)
	}
}
