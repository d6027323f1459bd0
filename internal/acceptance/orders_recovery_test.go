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
		held, asks := r.venue.Hold(id)
		if _, _, err := c.Orders.Push(t.Context(), orderOf(id, "one", symbolOf(i))); err != nil {
			t.Fatal(err)
		}
		select {
		case <-held:
		case <-time.After(patience):
			t.Fatalf("order %s was not sent", id)
		}
		r.workers[0].kill()
		died := time.Now()
		r.workers[0] = r.worker()
		select {
		case asked := <-asks:
			took = append(took, asked.Sub(died))
		case <-time.After(patience):
			t.Fatalf("nobody asked for order %s", id)
		}
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
