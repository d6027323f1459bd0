package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func listing(exchange string, n int) []domain.Event {
	events := make([]domain.Event, n)
	for i := range events {
		events[i] = domain.Symbol{Exchange: exchange, Name: fmt.Sprintf("C%d/USDT", i), VenueSymbol: fmt.Sprintf("C%dUSDT", i), Base: fmt.Sprintf("C%d", i), Quote: "USDT"}
	}
	return events
}

// Several calls share what may be under way, each more than that.
func TestPublishAllStoresEachOnceHoweverManyCallsThereAre(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	const calls, n = 4, 3000
	var group sync.WaitGroup
	var mu sync.Mutex
	last := uint64(0)
	for c := range calls {
		group.Go(func() {
			pos, err := b.PublishAll(context.Background(), listing(fmt.Sprintf("x%d", c), n))
			if err != nil || pos.Stream != bus.CatalogueStream {
				t.Errorf("%+v %v", pos, err)
			}
			mu.Lock()
			defer mu.Unlock()
			last = max(last, pos.Seq)
		})
	}
	group.Wait()
	if e := extent(t, b, bus.CatalogueStream); e.Last != calls*n || last != calls*n {
		t.Fatalf("the log ends at %d, the last position is %d, want %d", e.Last, last, calls*n)
	}
	seen := make(map[string]bool)
	r := b.NewReader(bus.CatalogueStream, 1)
	defer r.Close()
	for _, rec := range read(t, r, calls*n) {
		seen[rec.Subject] = true
	}
	if len(seen) != calls*n {
		t.Fatalf("%d different symbols", len(seen))
	}
}

func TestPublishAllValidatesBeforeItSendsAndNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := hasty(t, n.URL, one)
	good := listing("x", 3)
	for what, events := range map[string][]domain.Event{
		"invalid":   append(listing("x", 3), domain.Symbol{Exchange: "x", Name: "BTC"}),
		"elsewhere": append(listing("x", 3), tick("BTC/USDT", 1)),
	} {
		if _, err := b.PublishAll(t.Context(), events); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if pos, err := b.PublishAll(t.Context(), nil); err != nil || pos.Seq != 0 {
		t.Errorf("nothing: %+v %v", pos, err)
	}
	if e := extent(t, b, bus.CatalogueStream); e.Last != 0 {
		t.Fatalf("%d messages were stored", e.Last)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.PublishAll(canceled, good); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	n.Stop()
	if _, err := b.PublishAll(t.Context(), good); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("away: %v", err)
	}
	n.Start()
	eventually(t, "all are stored once the log is back", func() bool {
		pos, err := b.PublishAll(context.Background(), good)
		return err == nil && pos.Seq >= 3
	})
}

// What was sent and is not acknowledged is an error, not a success.
func TestPublishAllReportsWhatWasCutOff(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	p := newProxy(t, n.URL)
	b := hasty(t, p.URL, one)
	if _, err := b.PublishAll(t.Context(), listing("x", 10)); err != nil {
		t.Fatal(err)
	}
	p.Hold(toServer)
	done := make(chan error, 1)
	go func() {
		_, err := b.PublishAll(context.Background(), listing("y", 2000))
		done <- err
	}()
	if err := <-done; !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("held back: %v", err)
	}
	p.Cut()
	eventually(t, "all are stored once the connection is back", func() bool {
		_, err := b.PublishAll(context.Background(), listing("y", 2000))
		return err == nil
	})
	r := b.NewReader(bus.CatalogueStream, 1)
	defer r.Close()
	if records := read(t, r, 2010); len(records) != 2010 {
		t.Fatal(len(records))
	}
}
