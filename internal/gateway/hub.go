package gateway

import (
	"context"
	"log/slog"
	"sync"
)

// hub has the feeds, each for as long as somebody subscribes to it.
type hub struct {
	log  *slog.Logger
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup

	mu    sync.Mutex
	feeds map[string]*shared
}

// shared is a feed and how many are with it or on their way.
type shared struct {
	*feed
	users int
}

func newHub(log *slog.Logger) *hub {
	h := &hub{log: log, feeds: make(map[string]*shared)}
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// close ends all feeds.
func (h *hub) close() {
	h.stop()
	h.done.Wait()
}

// join subscribes to sources, all of which must begin before the subscription
// does.
func (h *hub) join(ctx context.Context, sources []source, s *subscription) (leave func(), err error) {
	var joined []*shared
	leave = func() {
		for _, f := range joined {
			f.leave(s)
			h.release(f)
		}
	}
	for _, src := range sources {
		joined = append(joined, h.acquire(src))
	}
	for _, f := range joined {
		if err := f.begun(ctx); err != nil {
			leave()
			return nil, err
		}
	}
	s.begin(func() {
		for _, f := range joined {
			f.join(s)
		}
	})
	return leave, nil
}

// acquire is the feed of a source, which begins if there is none.
func (h *hub) acquire(src source) *shared {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[src.key]
	if f == nil {
		ctx, cancel := context.WithCancel(h.ctx)
		f = &shared{feed: newFeed(src, h.log, cancel)}
		h.feeds[src.key] = f
		h.done.Go(func() { f.run(ctx) })
	}
	f.users++
	return f
}

// release ends a feed that nobody is left with.
func (h *hub) release(f *shared) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	f.cancel()
	if h.feeds[f.source.key] == f {
		delete(h.feeds, f.source.key)
	}
}

func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.feeds)
}
