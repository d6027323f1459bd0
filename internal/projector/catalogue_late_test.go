package projector_test

import (
	"context"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
)

// slowLog delivers one record at a time, and asks before it reads on.
type slowLog struct {
	logOf
	asked chan struct{}
	goOn  chan struct{}
}

type slowReader struct {
	projector.Reader
	log slowLog
}

func (l slowLog) Open(stream string, from uint64) projector.Reader {
	return slowReader{l.logOf.Open(stream, from), l}
}

func (s slowReader) Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error) {
	select {
	case s.log.asked <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case <-s.log.goOn:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.Reader.Read(ctx, dst[:1], wait)
}

// A message that was replaced before it was read is missing until the newer one
// is read; in between it must not look as if there had never been one.
func TestACatalogueThatIsReadLateIsNeverSeenWithoutWhatWasReplaced(t *testing.T) {
	t.Parallel()
	r := newCatalogueRig(t)
	r.stop()
	r.wipe()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status := func(feed string) {
		if _, err := r.client.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: feed}); err != nil {
			t.Fatal(err)
		}
	}
	for _, feed := range []string{"often", "one", "two", "often", "three"} { // 1 is replaced by 4
		status(feed)
	}
	log := slowLog{logOf{r.bus}, make(chan struct{}), make(chan struct{})}
	r.stop = r.start(r.store, log)
	want := []string{"one", "two", "often", "three"}
	for step := 0; ; step++ {
		select {
		case <-log.asked:
		case <-ctx.Done():
			t.Fatal("the projector does not read")
		}
		statuses, at, err := r.store.Partition(bus.CatalogueStream).BotStatuses(ctx, "b")
		if err != nil {
			t.Fatal(err)
		}
		if at.Seq > 0 {
			if step != len(want) || len(statuses) != len(want) {
				t.Fatalf("after %d records Redis is at %d with %d statuses", step, at.Seq, len(statuses))
			}
			break
		}
		if step == 2 {
			status("one") // 6: what has been read already is replaced; that is no hole
		}
		if step > len(want) {
			t.Fatal("all was read, and nothing is applied")
		}
		log.goOn <- struct{}{}
	}
}
