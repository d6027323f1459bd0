package papertest

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/paper"
)

// Ticks are those that a test sets. It is safe for concurrent use.
type Ticks struct {
	mu      sync.Mutex
	ticks   map[string]domain.Tick
	seq     uint64
	err     error // what Get and GetEach answer
	watcher chan watched
}

var _ paper.Ticks = (*Ticks)(nil)

type watched struct {
	tick domain.Tick
	met  chan struct{} // closed when the watcher came back for more
}

// NewTicks makes ticks of which there are none yet.
func NewTicks() *Ticks {
	return &Ticks{ticks: make(map[string]domain.Tick), watcher: make(chan watched)}
}

// Get implements paper.Ticks.
func (f *Ticks) Get(_ context.Context, _, symbol string) (domain.Tick, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return domain.Tick{}, f.err
	}
	tick, ok := f.ticks[symbol]
	if !ok {
		return domain.Tick{}, domain.ErrNotFound
	}
	return tick, nil
}

// GetEach implements paper.Ticks.
func (f *Ticks) GetEach(_ context.Context, _ string, symbols []string) ([]domain.Tick, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ticks := make([]domain.Tick, len(symbols))
	for i, symbol := range symbols {
		ticks[i] = f.ticks[symbol]
	}
	return ticks, f.err
}

// Watch implements paper.Ticks.
func (f *Ticks) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case w := <-f.watcher:
				if !yield(w.tick, nil) {
					return
				}
				close(w.met)
			}
		}
	}
}

// Fail lets Get and GetEach answer with an error.
func (f *Ticks) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// Store makes a tick the newest, for those who ask.
func (f *Ticks) Store(tick domain.Tick) domain.Tick {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	tick.Sequence = f.seq
	if tick.Received.IsZero() {
		tick.Received = time.Now()
	}
	f.ticks[tick.Symbol] = tick
	return tick
}

// Set makes a tick the newest, and returns when the resting orders have met it.
func (f *Ticks) Set(t testing.TB, tick domain.Tick) {
	t.Helper()
	w := watched{f.Store(tick), make(chan struct{})}
	select {
	case f.watcher <- w:
		<-w.met
	case <-time.After(30 * time.Second):
		t.Fatal("nobody watches the ticks")
	}
}
