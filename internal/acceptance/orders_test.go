package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/mockvenue"
	"github.com/fullon/fullon/internal/ordercheck"
)

// Whatever happens to workers, servers and venue: each order is sent once and
// comes to its end, those of a market in the order in which they were pushed, as
// far as they may be sent, and none while another bot has the market's block or
// opening mark.
func TestEachOrderIsSentOnceWhateverBreaks(t *testing.T) {
	seed, n := seedOf(t), ordersOf(t)
	r := newOrderRig(t, seed, 4)
	r.venue.Faulty(60)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &history{ops: make(map[right][]porcupine.Operation)}
	var pushing, others sync.WaitGroup
	var bots []*bot
	for i := range orderBots {
		b := &bot{t: t, name: botOf(i), Client: r.reader(r.redis), history: h}
		bots = append(bots, b)
		for j := range 2 { // a bot may have several processes
			others.Go(func() { b.trade(ctx, rand.New(rand.NewPCG(seed, uint64(10+10*i+j)))) })
		}
		for j := range pushersPerBot {
			random := rand.New(rand.NewPCG(seed, uint64(1000+100*i+j)))
			pushing.Go(func() {
				for k := i*pushersPerBot + j; k < n && ctx.Err() == nil; k += orderBots * pushersPerBot {
					var twice time.Duration
					if random.IntN(5) == 0 {
						twice = 1 + time.Duration(random.Int64N(int64(10*time.Millisecond)))
					}
					b.push(ctx, orderOf(fmt.Sprintf("o-%d", k), b.name, symbolOf(random.IntN(orderSymbols))), twice)
					rest(ctx, time.Duration(random.Int64N(int64(200*time.Millisecond))))
				}
			})
		}
	}
	c := r.reader(r.redis)
	others.Go(func() {
		for ctx.Err() == nil {
			r.tick(ctx, c)
			rest(ctx, time.Second)
		}
	})
	leases := startLeasers(ctx, t, &others, r.reader(r.redis), seed)
	// What rests is canceled after a while.
	others.Go(func() {
		for ctx.Err() == nil {
			resting, err := c.Orders.Resting(ctx, exchange)
			for _, o := range resting {
				if err == nil && !o.CancelRequested && time.Since(o.Updated) > 2*orderTimeout {
					_, _ = c.Orders.Cancel(ctx, exchange, o.ID) // again with the next look
				}
			}
			rest(ctx, 200*time.Millisecond)
		}
	})
	pushed := make(chan struct{})
	go func() {
		defer close(pushed)
		pushing.Wait()
	}()
	x := r.trouble(seed, bots)
	deadline := time.Now().Add(patience + time.Duration(n)*100*time.Millisecond)
	for going := true; going && !t.Failed(); {
		taken := r.venue.Taken()
		x.next(ctx)
		select {
		case <-pushed:
			going = r.venue.Taken() < n*9/10
		default:
		}
		// A machine that is slow is not to have trouble alone.
		for begun := time.Now(); going && r.venue.Taken() < taken+20 && time.Since(begun) < 5*time.Second; {
			rest(ctx, 10*time.Millisecond)
		}
		if time.Now().After(deadline) {
			t.Errorf("only %d of %d orders were taken in time", r.venue.Taken(), n)
			break
		}
	}
	x.end()
	if t.Failed() {
		cancel()
		others.Wait()
	}
	<-pushed
	if t.Failed() {
		return // what follows would only wait for what does not come
	}
	t.Logf("trouble: %v, %d of them hit an intent; venue: %s, %d too late", x.counts, r.watcher.hits, r.venue.Faults(), r.venue.Late())
	var orders []domain.Order
	eventually(t, "the end of all orders", func() (missing string) {
		missing, orders = unfinished(t.Context(), c)
		return missing
	})
	cancel()
	others.Wait()
	t.Logf("leases: %d pops, %d calls in the name of a lost one", leases.pops, leases.stale)
	if leases.stale == 0 {
		t.Error("no lease was lost")
	}
	for _, p := range r.workers {
		p.stop()
	}
	r.caughtUp(r.projector, r.redis)
	r.nothingLeased(c)
	if len(orders) != n {
		t.Errorf("%d orders are known, %d were pushed", len(orders), n)
	}
	l, err := ordercheck.Read(t.Context(), r.bus, exchange)
	if err != nil {
		t.Fatal(err)
	}
	checkOrders(t, l, n)
	wrong, figures := l.Claims(r.venue)
	t.Log(figures)
	complain(t, wrong)
	h.check(t, checkVenue(t, r.venue, l))
}

// nothingLeased checks that the queue is empty.
func (r *orderRig) nothingLeased(c *client.Client) {
	r.t.Helper()
	queues, err := c.Orders.Queue(r.t.Context(), exchange)
	if err != nil || len(queues) != 0 {
		r.t.Errorf("the queue is %+v (%v)", queues, err)
	}
	leases, err := r.redis.Client(r.t).HGetAll(r.t.Context(), "fullon:{ORDERS_BINANCE}:leases").Result()
	if err != nil || len(leases) != 0 {
		r.t.Errorf("leased is %v (%v)", leases, err)
	}
	if dead, err := r.bus.Extent(r.t.Context(), "DEADLETTER"); err != nil || dead.Last != 0 {
		r.t.Errorf("the log has %d dead letters (%v)", dead.Last, err)
	}
}

// complain fails the test with what is wrong.
func complain(t testing.TB, wrong []string) {
	t.Helper()
	for _, text := range wrong {
		t.Error(text)
	}
}

// checkOrders holds the life of each order to the rules.
func checkOrders(t testing.TB, l *ordercheck.Log, n int) {
	t.Helper()
	wrong, figures := l.Lives()
	t.Log(figures)
	complain(t, wrong)
	if len(l.States) != n {
		t.Errorf("the log has %d orders, %d were pushed", len(l.States), n)
	}
}

// checkVenue holds what the venue took to what the log says. It returns the
// submissions, for the history of the blocks.
func checkVenue(t testing.TB, v *mockvenue.Venue, l *ordercheck.Log) map[string][]porcupine.Operation {
	t.Helper()
	complain(t, l.Venue(v))
	rejected := 0
	for _, states := range l.States {
		if states[len(states)-1].Status == domain.OrderRejected {
			rejected++
		}
	}
	// Of some the worker died before it could say so; they were sent again.
	if refused := v.Refused(); rejected < refused/2 {
		t.Errorf("the venue refused %d times, and only %d orders ended so", refused, rejected)
	}
	submits := make(map[string][]porcupine.Operation)
	for id, o := range v.Orders() {
		for _, a := range o.Accepted {
			if intent, said := l.Intent(id, a); said {
				submits[o.Symbol] = append(submits[o.Symbol], porcupine.Operation{
					Input: claimInput{op: submit, bot: o.Terms.Bot}, Call: intent.Updated.UnixNano(), Return: a.At.UnixNano(),
				})
			}
		}
	}
	return submits
}
