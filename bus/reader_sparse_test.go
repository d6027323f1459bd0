package bus

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// sparseRig is a log whose catalogue has n venues, one message each.
func sparseRig(t *testing.T, n int) *Bus {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	server, err := StartServer(ServerConfig{Dir: t.TempDir(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	b, err := Connect(t.Context(), Config{URL: server.URL(), Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Provision(t.Context(), Plan{Exchanges: []string{}}); err != nil {
		t.Fatal(err)
	}
	events := make([]domain.Event, n)
	for i := range events {
		events[i] = venueNumber(i)
	}
	if _, err := b.PublishAll(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	return b
}

func venueNumber(i int) domain.Venue {
	return domain.Venue{Name: fmt.Sprintf("v%d", i), Status: domain.VenueOpen}
}

// await lets the reader read until it has delivered n messages, and returns their
// sequences.
func await(t *testing.T, r *Reader, n int) []uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seqs []uint64
	dst := make([]domain.Record, 4)
	for len(seqs) < n {
		got, err := r.Read(ctx, dst, 50*time.Millisecond)
		if err != nil {
			t.Fatalf("after %v: %v", seqs, err)
		}
		for _, rec := range dst[:got] {
			seqs = append(seqs, rec.Seq)
		}
	}
	return seqs
}

// Sequences of the catalogue's stream may be missing, so they do not show that a
// message was lost between the consumer and the reader.
func TestAMessageOfASparseStreamThatIsLostOnTheWayIsReadAgain(t *testing.T) {
	t.Parallel()
	const n = 20
	for _, lost := range []int{0, 1, 7, n - 2} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			b := sparseRig(t, n)
			r := b.NewReader(CatalogueStream, 1)
			defer r.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.start(ctx); err != nil {
				t.Fatal(err)
			}
			look := time.NewTicker(time.Millisecond)
			defer look.Stop()
			for arrived := 0; arrived < n; <-look.C {
				if ctx.Err() != nil {
					t.Fatalf("%d arrived", arrived)
				}
				r.mu.Lock()
				arrived = len(r.ready)
				r.mu.Unlock()
			}
			r.mu.Lock()
			r.ready = append(r.ready[:lost:lost], r.ready[lost+1:]...)
			r.mu.Unlock()
			for i, seq := range await(t, r, n) {
				if seq != uint64(i+1) {
					t.Fatalf("message %d has sequence %d", i, seq)
				}
			}
		})
	}
}

func TestHolesByDesignAreNoneOnTheWay(t *testing.T) {
	t.Parallel()
	b := sparseRig(t, 10)
	again := []domain.Event{venueNumber(3), venueNumber(0), venueNumber(9), venueNumber(3)} // 11 to 14
	for _, event := range again {
		if _, err := b.Publish(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	for from, want := range map[uint64]string{1: "[2 3 5 6 7 8 9 12 13 14]", 4: "[5 6 7 8 9 12 13 14]", 10: "[12 13 14]"} {
		r := b.NewReader(CatalogueStream, from)
		got := await(t, r, map[uint64]int{1: 10, 4: 8, 10: 3}[from])
		if fmt.Sprint(got) != want || r.hole != 0 {
			t.Errorf("from %d: %v, want %s", from, got, want)
		}
		r.Close()
	}
}
