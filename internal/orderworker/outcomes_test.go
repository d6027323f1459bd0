package orderworker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/risk"
	"github.com/fullon/fullon/internal/testserver"
)

// failing is a queue whose recordings together are lost for as long as a test wants:
// nobody is told what became of them.
type failing struct {
	*client.Orders
	fail  atomic.Bool
	tried atomic.Int64
}

func (f *failing) RecordEach(ctx context.Context, orders []*domain.Order) []error {
	errs := f.Orders.RecordEach(ctx, orders)
	f.tried.Add(int64(len(orders)))
	if f.fail.Load() {
		for i := range errs {
			errs[i] = fmt.Errorf("record: %w", domain.ErrUnreachable)
		}
	}
	return errs
}

// Orders that the venue takes at the same time are recorded together. That one of
// them is known otherwise by now, or that nobody was told what was stored, costs no
// order its outcome.
func TestOutcomesThatAreRecordedTogetherAreNotLost(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"stored": false, "the answers are lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 20
			r := newRig(t)
			l := r.line()
			l.connected = make(chan struct{}) // events would tell, too
			var sent sync.WaitGroup
			sent.Add(n)
			canceled := make(chan struct{})
			l.submit = func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
				report, err := l.Venue.Submit(ctx, o)
				sent.Done()
				<-canceled
				return report, err
			}
			orders, err := r.Orders.WithLimits(client.OrderLimits{MaxTries: 20})
			if err != nil {
				t.Fatal(err)
			}
			queue := &failing{Orders: orders}
			queue.fail.Store(lost)
			w := orderworker.New(orderworker.Config{
				Exchange: exchange, ID: client.NewProcessID(), Timeout: patience, Log: testserver.Quiet(), Limits: risk.Limits{MaxTickAge: -1},
			}, queue, markets{r.Client}, &limiter{}, eventLog{r}, map[string]execution.Venue{account: l})
			for i := range n {
				name := fmt.Sprintf("C%d", i)
				r.symbol(name+"/USDT", name)
				r.tick(name+"/USDT", time.Now())
				o := order(name, name+"/USDT")
				o.Price = dec("95")
				r.push(o)
			}
			stop := r.run(w.Run)
			sent.Wait()
			if _, err := r.Orders.Cancel(t.Context(), exchange, "C7"); err != nil {
				t.Fatal(err)
			}
			close(canceled)
			for i := range n {
				if i != 7 {
					if o := r.becomes(fmt.Sprintf("C%d", i), domain.OrderAccepted); o.VenueOrderID == "" || o.Attempt != 1 {
						t.Errorf("%+v", o)
					}
				}
			}
			// Its outcome was put on top of what it had become, and then it was canceled.
			if o := r.becomes("C7", domain.OrderCanceled); o.VenueOrderID == "" || o.Attempt != 1 {
				t.Errorf("%+v", o)
			}
			stop()
			if got := w.Counts(); got.InHand != 0 || got.Settled != n || got.Submitted != n || got.Queried != 0 {
				t.Errorf("%+v", got)
			}
			if tried := queue.tried.Load(); tried != n {
				t.Errorf("%d outcomes were recorded together", tried)
			}
		})
	}
}
