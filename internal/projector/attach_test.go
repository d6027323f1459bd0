package projector_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// behindLog tells at first what a stream held one message ago.
type behindLog struct {
	logOf
	asked atomic.Int32
}

func (l *behindLog) Extent(ctx context.Context, stream string) (domain.Extent, error) {
	extent, err := l.logOf.Extent(ctx, stream)
	if l.asked.Add(1) == 1 {
		extent.Last--
	}
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
	p := projector.New(projector.Config{TickStreams: []string{stream}, ProbeInterval: probe, Log: testserver.Quiet()}, &behindLog{logOf: logOf{r.bus}}, r.store)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
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
