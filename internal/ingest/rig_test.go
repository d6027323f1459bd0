package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/venue"
)

const symbol = "BTC/USDT"

// rig is a feed between a venue and a log that do what the test says. Time
// passes only when everything waits.
type rig struct {
	t    *testing.T
	feed *ingest.Feed
	stop func() error

	mu     sync.Mutex
	events []string // that the log took
	feeds  []domain.FeedState
	room   int   // how many events the log still takes
	broken error // what the log says instead

	has    []uint64       // numbers of the trades that REST gives, in order
	rest   error          // what REST says instead
	listed []domain.Trade // what REST has of a venue without numbers
	asked  []string

	last    domain.Trade
	lastErr []error        // what reading it says at first
	alike   []domain.Trade // others of its time
	resumed []uint64

	lastTick domain.Tick
	ticks    []domain.Tick
	deleted  []string
	streamed []string // symbols
}

// inBubble runs a test of a feed.
func inBubble(t *testing.T, cfg ingest.Config, prepare func(*rig), test func(*rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, room: 1 << 30, lastErr: []error{domain.ErrNotFound}}
		if prepare != nil {
			prepare(r)
		}
		cfg.Symbols, cfg.Log = []string{symbol}, slog.New(slog.DiscardHandler)
		r.feed = ingest.New(cfg, theVenue{r}, theTicks{r}, theEvents{r}, r)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.feed.Run(ctx) }()
		stopped := false
		r.stop = func() error {
			if stopped {
				return nil
			}
			stopped = true
			cancel()
			return <-done
		}
		synctest.Wait()
		defer func() { _ = r.stop() }() // also when the test fails
		test(r)
		if err := r.stop(); err != nil {
			t.Errorf("the feed ended with %v", err)
		}
	})
}

func numbered(n uint64) venue.NumberedTrade {
	return venue.NumberedTrade{Number: n, Trade: domain.Trade{
		Exchange: "test", Symbol: symbol, ID: strconv.FormatUint(n, 10), Side: domain.Buy,
		Price: domain.MustDecimal("1"), Volume: domain.MustDecimal("1"), Time: time.Unix(1_700_000_000, 0),
	}}
}

// send hands trades over as a venue's connection does, then lets everything
// happen that happens without time passing.
func (r *rig) send(numbers ...uint64) {
	for _, n := range numbers {
		r.feed.Trade(numbered(n))
	}
	synctest.Wait()
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// set changes what the venue and the log do.
func (r *rig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// expect compares what the log took since the last call.
func (r *rig) expect(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if fmt.Sprint(r.events) != fmt.Sprint(want) {
		r.t.Fatalf("the log took %v, want %v", r.events, want)
	}
	r.events = nil
}

// state is the last one that was signalled.
func (r *rig) expectState(want domain.FeedState) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.feeds) == 0 || r.feeds[len(r.feeds)-1] != want {
		r.t.Fatalf("signalled %v, want %v at the end", r.feeds, want)
	}
}

type theVenue struct{ *rig }

func (theVenue) Exchange() string                                 { return "test" }
func (theVenue) Symbols(context.Context) ([]domain.Symbol, error) { return nil, nil }

func (v theVenue) Stream(ctx context.Context, wanted *venue.Wanted, _ venue.Sink) error {
	for {
		symbols, changed := wanted.Get()
		v.set(func() { v.streamed = symbols })
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

func (v theVenue) TradesFrom(_ context.Context, _ string, from uint64, since time.Time, limit int) ([]venue.NumberedTrade, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asked = append(v.asked, fmt.Sprintf("%d+%d", from, limit)); v.rest == nil && from == 0 {
		return v.newest(since, limit), nil
	}
	if v.rest != nil {
		return nil, v.rest
	}
	var out []venue.NumberedTrade
	for _, n := range v.has {
		if n >= from && len(out) < limit {
			out = append(out, numbered(n))
		}
	}
	return out, nil
}

type theTicks struct{ *rig }

func (l theTicks) Publish(tick domain.Tick) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ticks = append(l.ticks, tick)
	return nil
}

func (l theTicks) Delete(_, symbol string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = append(l.deleted, symbol)
	return nil
}

func (l theTicks) PublishFeed(feed domain.Feed) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.feeds = append(l.feeds, feed.State)
	return feed.Validate()
}

type theEvents struct{ *rig }

func (l theEvents) Publish(event domain.Event) error {
	if err := event.Validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if l.room == 0 {
		return fmt.Errorf("test: %w", domain.ErrFull)
	}
	l.room--
	switch e := event.(type) {
	case domain.Trade:
		l.events = append(l.events, e.ID)
	case domain.Gap:
		l.events = append(l.events, fmt.Sprintf("gap %s-%s of %d", e.FromID, e.ToID, e.Missing))
	default:
		l.events = append(l.events, fmt.Sprintf("%T", e))
	}
	return nil
}

// Resume implements ingest.EventLog.
func (l theEvents) Resume(_, _ string, last uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resumed = append(l.resumed, last)
	if errors.Is(l.broken, domain.ErrConflict) {
		l.broken = nil
	}
	return nil
}

// LastTrade implements ingest.History.
func (r *rig) LastTrade(context.Context, string, string) (domain.Trade, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lastErr) > 0 {
		err := r.lastErr[0]
		r.lastErr = r.lastErr[1:]
		return domain.Trade{}, err
	}
	return r.last, nil
}

// TradesAt implements ingest.History.
func (r *rig) TradesAt(_ context.Context, last domain.Trade) ([]domain.Trade, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(slices.Clone(r.alike), last), nil
}

// LastTick implements ingest.History.
func (r *rig) LastTick(context.Context, string, string) (domain.Tick, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastTick.Symbol == "" {
		return domain.Tick{}, domain.ErrNotFound
	}
	return r.lastTick, nil
}

var errAway = errors.New("away")
