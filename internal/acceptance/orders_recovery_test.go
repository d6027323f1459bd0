package acceptance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// The orders of a worker that died are in the hands of another one a lease
// later, and at most a second after that.
func TestOrdersOfADeadWorkerAreRecovered(t *testing.T) {
	r := newOrderRig(t, seedOf(t), 1)
	c := r.reader(r.redis)
	var took []time.Duration
	for i := range 5 {
		// The venue hangs longer than the lease lasts, so the worker dies with it.
		id := fmt.Sprintf("r-%d", i)
		r.venue.hold(id)
		if _, _, err := c.Orders.Push(t.Context(), orderOf(id, "one", symbolOf(i))); err != nil {
			t.Fatal(err)
		}
		r.venue.held(t, id)
		r.workers[0].kill()
		died := time.Now()
		r.workers[0] = r.worker()
		asked := r.venue.asked(t, id)
		took = append(took, asked.Sub(died))
		eventually(t, "the end of "+id, func() string {
			o, err := c.Orders.Get(t.Context(), exchange, id)
			if err != nil || o.Status.Queued() {
				return fmt.Sprint(o.Status, err)
			}
			return ""
		})
		if o, err := c.Orders.Get(t.Context(), exchange, id); err != nil || o.Attempt < 2 || o.Status == domain.OrderRejected {
			t.Fatalf("%+v %v", o, err)
		}
	}
	slices.Sort(took)
	t.Logf("asked for after %v", took)
	// The middle one: a machine that is busy may be late now and then.
	if middle := took[len(took)/2]; middle > orderLease+time.Second {
		t.Errorf("it took %v, the lease is %v", middle, orderLease)
	}
}

// hold lets the first submission of an order hang for good, without taking it.
func (v *mockVenue) hold(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.holding, v.holds, v.asks = id, make(chan struct{}), make(chan time.Time, 1)
}

// held waits until the submission has come.
func (v *mockVenue) held(t testing.TB, id string) {
	t.Helper()
	select {
	case <-v.holds:
	case <-time.After(patience):
		t.Fatalf("order %s was not sent", id)
	}
}

// asked waits until somebody asks for the order, and says when.
func (v *mockVenue) asked(t testing.TB, id string) time.Time {
	t.Helper()
	select {
	case at := <-v.asks:
		return at
	case <-time.After(patience):
		t.Fatalf("nobody asked for order %s", id)
		return time.Time{}
	}
}

// heldBack tells whether a submission is the one that is to hang.
func (v *mockVenue) heldBack(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.holding != id {
		return false
	}
	v.holding = ""
	close(v.holds)
	return true
}

// heard notes that somebody asks for an order.
func (v *mockVenue) heard() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asks == nil {
		return
	}
	select {
	case v.asks <- time.Now():
	default:
	}
}
