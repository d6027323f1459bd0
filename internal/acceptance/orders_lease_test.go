package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// leasers lease orders of an exchange that no worker serves, keep them for too
// long, and then act in the name of a lease that they have lost. Whatever is
// done to the servers meanwhile, that must not be taken for the lease of who
// has the order by now.
type leasers struct {
	t      testing.TB
	orders *client.Orders

	mu     sync.Mutex
	holder map[string]int // by order: the number of the newest pop
	pops   int
	stale  int // calls in the name of a lost lease
}

const leasedExchange = "kraken"

// leaseLength is how long they lease: less than they take.
const leaseLength = 40 * time.Millisecond

// startLeasers runs until ctx ends; the group is then waited for.
func startLeasers(ctx context.Context, t testing.TB, group *sync.WaitGroup, c *client.Client, seed uint64) *leasers {
	t.Helper()
	orders, err := c.Orders.WithLimits(client.OrderLimits{Lease: leaseLength, MaxTries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	l := &leasers{t: t, orders: orders, holder: make(map[string]int)}
	for i := range 3 {
		random := rand.New(rand.NewPCG(seed, uint64(100+i)))
		group.Go(func() { l.run(ctx, i, random) })
	}
	return l
}

func (l *leasers) run(ctx context.Context, who int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		if n%50 == 0 { // an order that was handed out too often is a dead letter
			o := orderOf(fmt.Sprintf("lease-%d-%d", who, n), "one", symbolOf(who))
			o.Exchange = leasedExchange
			_, _, _ = l.orders.Push(ctx, o)
		}
		popped := time.Now()
		d, err := l.orders.Pop(ctx, leasedExchange, 200*time.Millisecond)
		if err != nil {
			rest(ctx, 20*time.Millisecond)
			continue
		}
		l.mu.Lock()
		l.pops++
		mine := l.pops
		l.holder[d.ID] = mine
		l.mu.Unlock()
		rest(ctx, time.Duration(random.Int64N(int64(3*leaseLength))))
		l.mu.Lock()
		lost := l.holder[d.ID] != mine
		l.mu.Unlock()
		ended := time.Until(d.Until) < -10*time.Millisecond && time.Since(popped) > leaseLength
		if !lost && !ended {
			continue // it may still be ours, and ends by itself
		}
		if random.IntN(2) == 0 {
			err = l.orders.Nack(ctx, d, 0)
		} else {
			err = l.orders.Extend(ctx, d, time.Second)
		}
		l.mu.Lock()
		l.stale++
		l.mu.Unlock()
		if err == nil {
			// That is also the answer for an order that is in no queue any more.
			now, err := l.orders.Update(ctx, leasedExchange, d.ID, func(*domain.Order) error { return nil })
			if err != nil || !now.InQueue() {
				continue
			}
			l.t.Errorf("order %s: a lease that had been lost (to another: %v) was given back or extended", d.ID, lost)
			return
		}
		if !errors.Is(err, domain.ErrConflict) {
			rest(ctx, 20*time.Millisecond) // Redis is away
		}
	}
}

// rest waits for a time or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
