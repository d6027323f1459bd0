package orderworker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/pause"
)

// A venue whose answers about an order cannot be has them believed by nobody: the
// order becomes a dead letter whose fate is open, is not sent again, and others go
// on.
func TestAVenueThatAnswersNonsenseGetsADeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.symbol("ETH/USDT", "ETH")
	r.tick("ETH/USDT", time.Now())
	for name, nonsense := range map[string]execution.Report{
		"more than was wanted": {Status: domain.OrderFilled, Filled: dec("99")},
		"less than nothing":    {Status: domain.OrderPartial, Filled: dec("-1")},
		"no status":            {Filled: dec("1")},
		"a name that is none":  {Status: domain.OrderFilled, Filled: dec("1"), VenueOrderID: strings.Repeat("x", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			l := r.line()
			l.connected = make(chan struct{}) // events would tell better
			answer := func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
				if o.Symbol != "BTC/USDT" {
					return l.Venue.Submit(ctx, o)
				}
				report := nonsense
				report.ID, report.Symbol = o.ID, o.Symbol
				return report, nil
			}
			l.submit, l.query = answer, answer
			_, stop := r.workAs(l, &limiter{}, func(c *orderworker.Config, limits *client.OrderLimits) {
				c.Lease, limits.Lease, limits.MaxTries = 200*time.Millisecond, 200*time.Millisecond, 2
			})
			defer stop()
			id := strings.ReplaceAll(name, " ", "-")
			r.push(order(id, "BTC/USDT"))
			r.push(order(id+"-other", "ETH/USDT"))
			r.becomes(id+"-other", domain.OrderFilled)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var o domain.Order
			for ctx.Err() == nil && !o.Dead {
				pause.For(ctx, 10*time.Millisecond)
				o, _ = r.Orders.Get(ctx, exchange, id)
			}
			if !o.Dead || o.Status != domain.OrderUnknown || o.Attempt != 1 || !o.Filled.IsZero() {
				t.Fatalf("%+v", o)
			}
			if submits, _ := l.counts(); submits != 2 {
				t.Errorf("sent %d times, want once each", submits)
			}
		})
	}
}

// Events that cannot be are reported, and those after them are stored.
func TestAVenueThatDeliversNonsenseIsReported(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := order("1", "BTC/USDT")
	o.Price = dec("95") // rests
	l := r.line()
	resting := make(chan struct{})
	l.run = func(ctx context.Context, sink execution.Sink) error {
		select {
		case <-ctx.Done():
			return nil
		case <-resting:
		}
		sink.Order(execution.Report{ID: "1", Symbol: o.Symbol, Status: domain.OrderFilled, Filled: dec("7")})
		sink.Order(execution.Report{ID: "of another maker", Symbol: o.Symbol, Status: domain.OrderFilled, Filled: dec("7")})
		sink.Fill(domain.Fill{Account: account, Exchange: exchange, Symbol: "BTC", ID: "1"})
		sink.Balance(domain.Balance{Account: account, Currency: "US/DT", Total: dec("1")})
		sink.Position(domain.Position{Account: account, Symbol: "BTC/USDT", Price: dec("-1")})
		sink.Balance(domain.Balance{Account: account, Currency: "XRP", Total: dec("1")})
		sink.Order(execution.Report{ID: "1", Symbol: o.Symbol, Status: domain.OrderCanceled})
		<-ctx.Done()
		return nil
	}
	r.work(l, &limiter{})
	r.push(o)
	r.becomes("1", domain.OrderAccepted)
	close(resting)
	if o := r.becomes("1", domain.OrderCanceled); !o.Filled.IsZero() {
		t.Fatalf("%+v", o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	told := make(map[string]bool)
	for ctx.Err() == nil && len(told) < 4 {
		e, err := r.VenueErrors.Pop(ctx, exchange, time.Second)
		if err != nil {
			continue
		}
		for _, part := range []string{"what cannot be", "symbol", "currency", "price"} {
			if strings.Contains(e.Text, part) {
				told[part] = true
				break
			}
		}
	}
	if len(told) != 4 {
		t.Errorf("told of %v", told)
	}
	if b, err := r.Accounts.Balance(ctx, account, "XRP"); err != nil || !b.Total.Equal(dec("1")) {
		t.Errorf("%+v %v", b, err)
	}
}
