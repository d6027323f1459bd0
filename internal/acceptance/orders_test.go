package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Whatever happens to workers, servers and venue: each order is sent once and
// comes to its end, those of a market in the order in which they were pushed, as
// far as they may be sent, and none while another bot has the market's block or
// opening mark.
func TestEachOrderIsSentOnceWhateverBreaks(t *testing.T) {
	seed, n := seedOf(t), ordersOf(t)
	r := newOrderRig(t, seed, 4)
	r.venue.faulty(60)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &history{ops: make(map[right][]porcupine.Operation)}
	var pushing, others sync.WaitGroup
	for i := range orderBots {
		b := &bot{t: t, name: botOf(i), Client: r.reader(r.redis), history: h}
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
	x := r.trouble(seed)
	deadline := time.Now().Add(patience + time.Duration(n)*100*time.Millisecond)
	for going := true; going && !t.Failed(); {
		x.next(ctx)
		select {
		case <-pushed:
			going = r.venue.taken() < n*9/10
		default:
		}
		if time.Now().After(deadline) {
			t.Errorf("only %d of %d orders were taken in time", r.venue.taken(), n)
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
	t.Logf("trouble: %v, %d of them hit an intent; venue: %s, %d too late", x.counts, r.watcher.hits, r.venue.faultsSeen(), r.venue.late)
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
	l := r.readLog()
	l.checkOrders(n)
	l.checkClaims()
	h.check(t, r.venue.check(t, l))
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

// orderLog is what the log holds of an exchange's orders.
type orderLog struct {
	t      testing.TB
	events []logEvent
	states map[string][]domain.Order // by id
	pushed map[string][]string       // by symbol: ids in the order of their creation
	rights map[attempt][]string      // the bots that had the market's block and opening mark then, as far as somebody had
}

// attempt is one INTENT of an order.
type attempt struct {
	id string
	n  uint32
}

type logEvent struct {
	seq   uint64
	at    time.Time
	event domain.Event
}

func (r *orderRig) readLog() *orderLog {
	r.t.Helper()
	l := &orderLog{t: r.t, states: make(map[string][]domain.Order), pushed: make(map[string][]string), rights: make(map[attempt][]string)}
	extent, err := r.bus.Extent(r.t.Context(), "ORDERS_BINANCE")
	if err != nil {
		r.t.Fatal(err)
	}
	reader := r.bus.NewReader("ORDERS_BINANCE", extent.First)
	defer reader.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	records := make([]domain.Record, 1000)
	for next := extent.First; next <= extent.Last; {
		n, err := reader.Read(ctx, records, time.Second)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, rec := range records[:n] {
			next = rec.Seq + 1
			event, err := wire.Decode(rec.Key, rec.Data)
			if err != nil {
				r.t.Fatal(err)
			}
			if o, ok := event.(domain.Order); ok {
				o.Sequence = rec.Seq
				l.states[o.ID] = append(l.states[o.ID], o)
				if o.Status == domain.OrderNew && len(l.states[o.ID]) == 1 {
					l.pushed[o.Symbol] = append(l.pushed[o.Symbol], o.ID)
				}
				event = o
			}
			l.events = append(l.events, logEvent{rec.Seq, rec.Time, event})
		}
	}
	return l
}

// checkOrders holds the life of each order to the rules.
func (l *orderLog) checkOrders(n int) {
	l.t.Helper()
	ends := make(map[domain.OrderStatus]int)
	attempts := uint32(0)
	for id, states := range l.states {
		last := states[len(states)-1]
		ends[last.Status]++
		attempts += last.Attempt
		for i, o := range states {
			if i == 0 {
				if o.Status != domain.OrderNew {
					l.t.Errorf("order %s began as %s", id, o.Status)
				}
				continue
			}
			before := states[i-1]
			if err := o.Follows(before); err != nil {
				l.t.Errorf("order %s: %v", id, err)
			}
			switch {
			case o.Status == domain.OrderNew:
				l.t.Errorf("order %s was created again at %d", id, o.Sequence)
			case o.Status == domain.OrderIntent && before.Status == domain.OrderIntent && o.Attempt == before.Attempt: // a field of it changed
			case o.Status == domain.OrderIntent && (before.Status != domain.OrderNew && before.Status != domain.OrderNotFound || o.Attempt != before.Attempt+1):
				l.t.Errorf("order %s: attempt %d was made after %s of attempt %d", id, o.Attempt, before.Status, before.Attempt)
			case o.Status != domain.OrderIntent && o.Attempt != before.Attempt:
				l.t.Errorf("order %s became attempt %d while it was %s", id, o.Attempt, o.Status)
			}
		}
		if !last.Status.Final() {
			l.t.Errorf("order %s ended as %s", id, last.Status)
		}
	}
	l.t.Logf("%d orders, %d attempts, ended as %v", len(l.states), attempts, ends)
	if len(l.states) != n {
		l.t.Errorf("the log has %d orders, %d were pushed", len(l.states), n)
	}
}

// checkClaims checks that at no INTENT another bot had the market's block or
// opening mark, by what the log says before it.
func (l *orderLog) checkClaims() {
	l.t.Helper()
	claims := make(map[right]domain.Claim)
	intents, granted := 0, 0
	for _, e := range l.events {
		switch ev := e.event.(type) {
		case domain.Claim:
			of := right{ev.Kind, ev.Symbol}
			before := claims[of]
			if ev.Sequence = e.seq; ev.First == 0 && !ev.Released {
				granted++
				if before.Bot != ev.Bot && before.HeldAt(e.at) {
					l.t.Errorf("%s: bot %s was granted the %s at %d, which %s had", ev.Symbol, ev.Bot, ev.Kind, e.seq, before.Bot)
				}
			}
			claims[of] = ev
		case domain.ClaimRenewal:
			ev.Sequence = e.seq
			of := right{ev.Kind, ev.Symbol}
			if c := claims[of]; ev.Renews(c) {
				c.Expires = ev.Expires
				claims[of] = c
			}
		case domain.Order:
			if ev.Status != domain.OrderIntent {
				continue
			}
			intents++
			for _, kind := range []domain.Kind{domain.KindBlock, domain.KindOpening} {
				if c := claims[right{kind, ev.Symbol}]; c.Bot != "" && !c.Released {
					l.rights[attempt{ev.ID, ev.Attempt}] = append(l.rights[attempt{ev.ID, ev.Attempt}], c.Bot)
				}
				if c := claims[right{kind, ev.Symbol}]; c.Bot != ev.Bot && c.HeldAt(e.at) {
					l.t.Errorf("order %s of bot %s was about to be sent at %d, when bot %s had the %s of %s", ev.ID, ev.Bot, e.seq, c.Bot, kind, ev.Symbol)
				}
			}
		}
	}
	l.t.Logf("%d intents, %d grants of blocks", intents, granted)
}

// check holds what the venue took to what the log says. It returns the
// submissions, for the history of the blocks.
func (v *mockVenue) check(t testing.TB, l *orderLog) map[string][]porcupine.Operation {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	submits := make(map[string][]porcupine.Operation)
	for id, o := range v.orders {
		if len(o.accepted) != 1 {
			t.Errorf("order %s was taken %d times: %+v", id, len(o.accepted), o.accepted)
		}
		states := l.states[id]
		if len(states) == 0 {
			t.Errorf("the venue has order %s, which the log does not", id)
			continue
		}
		if last := states[len(states)-1]; last.Status != o.Status || !last.Filled.Equal(o.Filled) || last.VenueOrderID != o.VenueOrderID {
			t.Errorf("order %s is %s, %s filled, and at the venue %s, %s", id, last.Status, last.Filled, o.Status, o.Filled)
		}
		for _, a := range o.accepted {
			i := slices.IndexFunc(states, func(s domain.Order) bool { return s.Status == domain.OrderIntent && s.Attempt == a.attempt })
			if i < 0 || states[i].Worker != a.worker {
				t.Errorf("order %s was taken from worker %s, which did not say before that it would send attempt %d", id, a.worker, a.attempt)
				continue
			}
			submits[o.Symbol] = append(submits[o.Symbol], porcupine.Operation{
				Input: claimInput{op: submit, bot: o.terms.Bot}, Call: states[i].Updated.UnixNano(), Return: a.at.UnixNano(),
			})
		}
	}
	rejected := 0
	for id, states := range l.states {
		last := states[len(states)-1]
		if last.Status == domain.OrderRejected {
			rejected++
		}
		if v.orders[id] == nil && (last.Status != domain.OrderRejected || last.Reason != refusedByVenue) {
			t.Errorf("order %s never reached the venue and is %s: %q", id, last.Status, last.Reason)
		}
	}
	// Of some the worker died before it could say so; they were sent again.
	if rejected < v.refused/2 {
		t.Errorf("the venue refused %d times, and only %d orders ended so", v.refused, rejected)
	}
	v.checkOrder(t, l)
	return submits
}

// checkOrder checks that orders of a market came in the order in which they were
// pushed, but for those that had to wait: when one was about to be sent, another
// bot than theirs had the market's block or opening mark. The lock is held.
func (v *mockVenue) checkOrder(t testing.TB, l *orderLog) {
	t.Helper()
	first := make(map[string][]arrival) // by symbol, in the order of their arrival
	known := make(map[string]bool)
	for _, a := range v.arrivals {
		if !known[a.id] {
			known[a.id] = true
			first[a.symbol] = append(first[a.symbol], a)
		}
	}
	passed := 0
	for symbol, arrived := range first {
		place := make(map[string]int)
		for i, id := range l.pushed[symbol] {
			place[id] = i
		}
		for i, later := range arrived {
			for _, earlier := range arrived[:i] {
				if place[earlier.id] < place[later.id] {
					continue
				}
				passed++
				hadTo := slices.ContainsFunc(l.rights[attempt{earlier.id, earlier.attempt}], func(bot string) bool { return bot != later.bot })
				if earlier.bot == later.bot || !hadTo {
					t.Errorf("%s: order %s of bot %s came before %s of bot %s, which was pushed before it", symbol, earlier.id, earlier.bot, later.id, later.bot)
				}
			}
		}
	}
	t.Logf("%d times an order passed one that had to wait", passed)
}
