package orderworker_test

import (
	"context"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/pause"
)

// A venue that takes longer than a lease lasts costs an order none of its tries,
// and nobody else gets it meanwhile.
func TestAnOrderStaysWithItsWorkerWhileTheVenueIsSlow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var first *orderworker.Worker
	started := make(chan struct{})
	slow := r.line()
	slow.connected = make(chan struct{}) // events would tell before
	slow.submit = func(_ int, ctx context.Context, o domain.Order) (execution.Report, error) {
		<-started
		// Each is a third of a lease after the one before.
		for first.Counts().Extended < 7 && ctx.Err() == nil {
			pause.For(ctx, 10*time.Millisecond)
		}
		return slow.Venue.Submit(ctx, o)
	}
	lease := func(c *orderworker.Config, limits *client.OrderLimits) {
		c.Lease, c.Timeout = 300*time.Millisecond, patience
		limits.Lease, limits.MaxTries = c.Lease, 1
	}
	first, _ = r.workAs(slow, &limiter{}, lease)
	close(started)
	r.push(order("1", "BTC/USDT"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for first.Counts().InHand == 0 && ctx.Err() == nil {
		pause.For(ctx, time.Millisecond)
	}
	other := r.line()
	second, _ := r.workAs(other, &limiter{}, lease)
	if o := r.becomes("1", domain.OrderFilled); o.Attempt != 1 || o.Dead {
		t.Fatalf("%+v", o)
	}
	if n := second.Counts().Popped; n != 0 {
		t.Errorf("another worker was handed %d orders", n)
	}
	if _, queries := slow.counts(); queries != 0 {
		t.Errorf("asked for %d times", queries)
	}
}
