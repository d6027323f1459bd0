package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// However many processes reserve, the places are a step apart once the burst is
// used up.
func TestARateIsShared(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	const places, burst = 200, 20
	rate := client.Rate{PerSecond: 10, Burst: burst} // so slow that the test's own time does not count
	var mu sync.Mutex
	waiting, last := 0, time.Duration(0)
	var group sync.WaitGroup
	for range places {
		group.Go(func() {
			wait, err := c.Reserve(context.Background(), "binance", "1001", rate, 1)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if wait > 0 {
				waiting++
			}
			last = max(last, wait)
		})
	}
	group.Wait()
	if least := places - burst - 50; waiting < least || last > (places-burst)*100*time.Millisecond {
		t.Fatalf("%d of %d have to wait, want at least %d; the last %v", waiting, places, least, last)
	}
	if wait, err := c.Reserve(t.Context(), "binance", "1002", rate, burst); err != nil || wait != 0 {
		t.Fatalf("another account waits %v (%v)", wait, err)
	}
	if _, err := c.Reserve(t.Context(), "binance", "1001", client.Rate{}, 1); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("got %v", err)
	}
}
