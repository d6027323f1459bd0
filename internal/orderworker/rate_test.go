package orderworker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/pause"
)

// sharedRate is the rate of an account that all workers have together.
type sharedRate struct {
	*client.Client
	rate client.Rate
}

func (s sharedRate) Reserve(ctx context.Context, exchange, account string, n int) (time.Duration, error) {
	return s.Client.Reserve(ctx, exchange, account, s.rate, n)
}

// Two workers together send no more of an account's orders than its rate allows.
func TestTwoWorkersShareTheRateOfAnAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const orders, burst, step = 12, 2, 50 * time.Millisecond
	limit := sharedRate{r.Client, client.Rate{PerSecond: float64(time.Second / step), Burst: burst}}
	var mu sync.Mutex
	var sent []time.Time
	var workers [2]*orderworker.Worker
	started := make(chan struct{})
	// No worker sends before both have an order.
	together := func(ctx context.Context) {
		<-started
		for _, w := range workers {
			for w.Counts().Popped == 0 && ctx.Err() == nil {
				pause.For(ctx, time.Millisecond)
			}
		}
	}
	for i := range workers {
		l := r.line()
		l.submit = func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
			together(ctx)
			mu.Lock()
			sent = append(sent, time.Now())
			mu.Unlock()
			return l.Venue.Submit(ctx, o)
		}
		workers[i], _ = r.workAs(l, limit, func(c *orderworker.Config, _ *client.OrderLimits) { c.Concurrency, c.Timeout = 1, patience })
	}
	close(started)
	begun := time.Now()
	for i := range orders {
		name := fmt.Sprintf("C%02d/USDT", i)
		r.symbol(name, name[:3])
		r.tick(name, time.Now())
		r.push(order(fmt.Sprintf("o-%d", i), name))
	}
	for i := range orders {
		r.becomes(fmt.Sprintf("o-%d", i), domain.OrderFilled)
	}
	slices.SortFunc(sent, time.Time.Compare)
	if len(sent) != orders {
		t.Fatalf("%d orders were sent", len(sent))
	}
	for i, at := range sent {
		if least := time.Duration(i+1-burst) * step; at.Sub(begun) < least {
			t.Errorf("order %d was sent after %v, the rate allows it after %v", i+1, at.Sub(begun), least)
		}
	}
	for i, w := range workers {
		if w.Counts().Submitted == 0 {
			t.Errorf("worker %d sent nothing", i)
		}
	}
}
