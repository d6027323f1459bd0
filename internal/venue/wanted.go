package venue

import (
	"slices"
	"sync"
)

// Wanted are the unified symbols that a Stream is to keep subscribed; they can
// change while it runs. It is safe for concurrent use.
type Wanted struct {
	mu      sync.Mutex
	symbols []string
	changed chan struct{} // closed when the symbols change
}

// NewWanted makes the set of these symbols.
func NewWanted(symbols ...string) *Wanted {
	return &Wanted{symbols: slices.Clone(symbols), changed: make(chan struct{})}
}

// Set makes the symbols these.
func (w *Wanted) Set(symbols []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(symbols, w.symbols) {
		return
	}
	w.symbols = slices.Clone(symbols)
	close(w.changed)
	w.changed = make(chan struct{})
}

// Get returns the symbols, which must not be changed, and what is closed when
// they are no longer these.
func (w *Wanted) Get() (symbols []string, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.symbols, w.changed
}
