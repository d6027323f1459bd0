package projector_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// orderWatcher is somebody who follows all orders through whatever happens.
type orderWatcher struct {
	mu   sync.Mutex
	seen map[string]uint64 // the sequence of the newest state of each
	news chan struct{}
}

func (r *crashRig) watchOrders() *orderWatcher {
	w := &orderWatcher{seen: make(map[string]uint64), news: make(chan struct{}, 1)}
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for o, err := range r.client.Orders.Watch(ctx, client.OrderFilter{Exchange: "kraken"}) {
			switch {
			case errors.Is(err, domain.ErrUnknown) || errors.Is(err, domain.ErrUnreachable):
			case err != nil:
				r.tb.Error(err)
			default:
				w.take(r, o)
			}
		}
	})
	r.tb.Cleanup(func() {
		stop()
		done.Wait()
	})
	return w
}

func (w *orderWatcher) take(r *crashRig, o domain.Order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.Sequence <= w.seen[o.ID] {
		r.tb.Errorf("%s was watched going from %d to %d", o.ID, w.seen[o.ID], o.Sequence)
	}
	w.seen[o.ID] = o.Sequence
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// agree waits until every order that is listed was seen as it is, and returns the
// listed ones of a bot.
func (w *orderWatcher) agree(t *rapid.T, r *crashRig, bot string) []domain.Order {
	orders, err := patiently(func(ctx context.Context) ([]domain.Order, error) {
		return r.client.Orders.List(ctx, client.OrderFilter{Exchange: "kraken"})
	})
	if err != nil {
		t.Fatal(err)
	}
	late := time.After(time.Minute)
	for _, o := range orders {
		for w.at(o.ID) < o.Sequence {
			select {
			case <-w.news:
			case <-late:
				t.Fatalf("%s was not watched beyond %d: it is %s since %d", o.ID, w.at(o.ID), o.Status, o.Sequence)
			}
		}
	}
	return slices.DeleteFunc(orders, func(o domain.Order) bool { return o.Bot != bot })
}

func (w *orderWatcher) at(id string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[id]
}
