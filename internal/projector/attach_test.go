package projector_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// behindLog tells at first what a stream held one message ago.
type behindLog struct {
	logOf
	answered chan struct{} // closed with the first answer
	once     sync.Once
}

func (l *behindLog) Extent(ctx context.Context, stream string) (domain.Extent, error) {
	extent, err := l.logOf.Extent(ctx, stream)
	l.once.Do(func() {
		extent.Last--
		close(l.answered)
	})
	return extent, err
}

// A worker that begins between the moment at which the log answers it and the
// next message, which another worker folds at once, finds a checkpoint beyond
// that answer. No history was lost.
func TestACheckpointThatMovesWhileAWorkerBeginsIsNoLostHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	_, stop := r.project(r.store, 100)
	stream := r.bus.Layout().TickStreamOf("binance", "BTC/USDT")
	r.wait(r.publish(tick("BTC/USDT", "100", time.Second, 1), tick("BTC/USDT", "101", 2*time.Second, 2)))
	stop()
	before, err := r.store.Partition(stream).Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log := &behindLog{logOf: logOf{r.bus}, answered: make(chan struct{})}
	p := projector.New(projector.Config{TickStreams: []string{stream}, ProbeInterval: probe, Log: testserver.Quiet()}, log, r.store)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	<-log.answered
	r.wait(r.publish(tick("BTC/USDT", "102", 3*time.Second, 3)))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	after, err := r.store.Partition(stream).Checkpoint(t.Context())
	if err != nil || after.Epoch != before.Epoch {
		t.Errorf("the epoch was %d and is %d (%v)", before.Epoch, after.Epoch, err)
	}
	if lost := p.Stats()[0].Lost; lost != 0 {
		t.Errorf("history was lost %d times", lost)
	}
}
