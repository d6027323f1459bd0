package gateway

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// source is what a feed watches. Sources with the same key are the same.
type source struct {
	key string
	// conflated: of an item only the newest state counts, so that a subscriber may
	// miss the ones between.
	conflated bool
	// read returns what is there: what a subscriber is told first. Of an item that
	// is as it was it may return the update that is known.
	read func(ctx context.Context, known func(item string) *update) ([]*update, error)
	// One of the next two says what follows. moves yields whenever something may
	// have changed, and then read is called again; again does so also if nothing
	// moves, zero: never.
	moves func(context.Context) iter.Seq[error]
	again time.Duration
	// watch yields every change, and may repeat what read has returned.
	watch func(context.Context) iter.Seq2[*update, error]
	// keep is how many updates are kept for those who come later, where each
	// stands for itself.
	keep int
}

// retrySource is how long a feed waits before it reads again after an error.
const retrySource = 200 * time.Millisecond

// feed watches a source once for all who subscribe to it.
type feed struct {
	source source
	log    *slog.Logger
	cancel context.CancelFunc
	ready  chan struct{} // closed when state is there, or failed

	mu      sync.Mutex
	failed  error // why it could not begin
	trouble error // why it cannot go on at present
	subs    map[*subscription]struct{}
	topics  map[string]map[*subscription]struct{} // those that chose, by what
	state   map[string]*update                    // newest of each item
	order   []string                              // items as they came
	history []*update                             // of a source that keeps some
}

func newFeed(s source, log *slog.Logger, cancel context.CancelFunc) *feed {
	return &feed{
		source: s, log: log.With("feed", s.key), cancel: cancel, ready: make(chan struct{}), subs: make(map[*subscription]struct{}),
		topics: make(map[string]map[*subscription]struct{}), state: make(map[string]*update),
	}
}

// run follows the source until ctx ends or it turns out that there is none.
func (f *feed) run(ctx context.Context) {
	begun, err := f.source.read(ctx, f.known)
	f.mu.Lock()
	if f.failed = err; err == nil {
		f.put(begun)
	}
	f.mu.Unlock()
	close(f.ready)
	if err != nil {
		return
	}
	if f.source.watch != nil {
		f.follow(ctx)
	} else {
		f.reread(ctx)
	}
}

// known is the newest update of an item. Only run changes state, so it may look
// without the lock.
func (f *feed) known(item string) *update { return f.state[item] }

// follow passes on what is watched.
func (f *feed) follow(ctx context.Context) {
	for u, err := range f.source.watch(ctx) {
		if err != nil {
			f.report(err)
			continue
		}
		f.mu.Lock()
		f.put([]*update{u})
		f.recover()
		f.mu.Unlock()
	}
}

// reread passes on what differs from one reading to the next.
func (f *feed) reread(ctx context.Context) {
	wake := make(chan error, 1)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if f.source.moves != nil {
		waiting.Go(func() {
			for err := range f.source.moves(ctx) {
				select {
				case wake <- err:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	again := make(<-chan time.Time)
	if f.source.again > 0 {
		ticker := time.NewTicker(f.source.again)
		defer ticker.Stop()
		again = ticker.C
	}
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case err = <-wake:
		case <-again:
		}
		var now []*update
		if err == nil {
			now, err = f.source.read(ctx, f.known)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.report(err)
			pause.For(ctx, retrySource)
			select { // nothing else may move for a long time
			case wake <- nil:
			default:
			}
		default:
			f.mu.Lock()
			f.replace(now)
			f.recover()
			f.mu.Unlock()
		}
	}
}

// report tells the subscribers once that there is nothing to tell them at
// present, and why.
func (f *feed) report(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trouble != nil && codeOf(f.trouble) == codeOf(err) && !errors.Is(err, domain.ErrLagged) {
		return
	}
	f.trouble = err
	f.log.Debug("a feed is in trouble", "error", err)
	u := &update{name: streamError, view: troubleView{Code: codeOf(err), Error: textOf(err)}}
	for s := range f.subs {
		s.offer(u)
	}
}

// recover tells the subscribers that what they know is current again. f.mu is
// held.
func (f *feed) recover() {
	if f.trouble == nil {
		return
	}
	f.trouble = nil
	for s := range f.subs {
		s.offer(live)
	}
}

// put takes what is new. f.mu is held.
func (f *feed) put(updates []*update) {
	for _, u := range updates {
		last := f.state[u.item]
		switch n := len(f.history); {
		case u.item == "" && n > 0 && u.seq <= f.history[n-1].seq:
			continue // what was read is watched again
		case u.item == "":
			f.remember(u)
		case last != nil && (u == last || u.same(last) || f.source.watch != nil && u.seq < last.seq):
			continue
		default:
			f.set(u)
		}
		f.fanOut(u)
	}
}

// remember appends to the history. It may hold twice of what it has to, so that
// taking away what is too much costs little.
func (f *feed) remember(u *update) {
	f.history = append(f.history, u)
	if len(f.history) >= 2*f.source.keep {
		f.history = append([]*update(nil), f.history[len(f.history)-f.source.keep:]...)
	}
}

func (f *feed) set(u *update) {
	_, known := f.state[u.item]
	switch {
	case u.gone:
		delete(f.state, u.item)
	case !known:
		f.order = append(f.order, u.item)
		fallthrough
	default:
		f.state[u.item] = u
	}
	if len(f.order) > 2*len(f.state)+64 { // most of it are items that are gone
		kept, seen := f.order[:0], make(map[string]bool, len(f.state))
		for _, item := range f.order {
			if f.state[item] != nil && !seen[item] {
				seen[item] = true
				kept = append(kept, item)
			}
		}
		f.order = kept
	}
}

// replace makes the state what was read, and tells the difference. f.mu is held.
func (f *feed) replace(now []*update) {
	present := make(map[string]bool, len(now))
	for _, u := range now {
		present[u.item] = true
	}
	for item, last := range f.state {
		if present[item] {
			continue
		}
		f.set(&update{item: item, gone: true})
		if u := last.farewell(); u != nil {
			f.fanOut(u)
		}
	}
	f.put(now)
}

// fanOut hands an update to all who want it. f.mu is held.
func (f *feed) fanOut(u *update) {
	for s := range f.topics[""] {
		s.offer(u)
	}
	if u.topic != "" {
		for s := range f.topics[u.topic] {
			s.offer(u)
		}
	}
}

// begun waits for the feed to begin. The error is that of the source, or ctx's.
func (f *feed) begun(ctx context.Context) error {
	select {
	case <-f.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// join adds a subscription: it is told what is there, and from then on what
// changes.
func (f *feed) join(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range f.present(s) {
		s.conn.push(s, queued{u, true})
	}
	f.subs[s] = struct{}{}
	topics := s.topics
	if len(topics) == 0 {
		topics = []string{""}
	}
	for _, t := range topics {
		if f.topics[t] == nil {
			f.topics[t] = make(map[*subscription]struct{})
		}
		f.topics[t][s] = struct{}{}
	}
}

// present is what a new subscriber is told first.
func (f *feed) present(s *subscription) []*update {
	var out []*update
	if f.source.keep > 0 {
		for _, u := range f.history {
			if s.wants(u) {
				out = append(out, u)
			}
		}
		return out[max(0, len(out)-s.last):]
	}
	seen := make(map[string]bool, len(f.state))
	for _, item := range f.order {
		if u := f.state[item]; u != nil && !seen[item] && s.wants(u) {
			seen[item] = true
			out = append(out, u)
		}
	}
	return out
}

// leave takes a subscription out.
func (f *feed) leave(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subs, s)
	for _, t := range append([]string{""}, s.topics...) {
		delete(f.topics[t], s)
		if len(f.topics[t]) == 0 {
			delete(f.topics, t)
		}
	}
}
