package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/venue"
)

// TickLog takes ticks and signs of life. Its methods do not block.
type TickLog interface {
	Publish(tick domain.Tick) error
	PublishFeed(feed domain.Feed) error
}

// EventLog stores trades, candles and gaps in the order given. Publish does not
// block; an error that matches domain.ErrFull means that the event was not taken.
type EventLog interface {
	Publish(event domain.Event) error
}

// History tells what the log has already. The error matches domain.ErrNotFound
// for a market without trades.
type History interface {
	LastTrade(ctx context.Context, exchange, symbol string) (domain.Trade, error)
}

// Config of a Feed.
type Config struct {
	// Symbols to follow, unified. At least one.
	Symbols []string
	// Interval of the signs of life. Default 1 s.
	Interval time.Duration
	// SilentAfter is how long the venue may send nothing before its ticks are
	// stale. Default 15 s.
	SilentAfter time.Duration
	// MaxFill is how many missing trades of one hole are fetched at most; what
	// is before them becomes a gap. Default 20,000.
	MaxFill int
	// MaxHeld is how many trades of one symbol wait while a hole before them is
	// filled. Later ones make the next hole. Default 50,000.
	MaxHeld int
	// FillTimeout is how long a hole is tried to be filled before it becomes a
	// gap. Default 2 min.
	FillTimeout time.Duration
	// Report is told what went wrong with the venue: every connection that was
	// lost, and of messages that could not be used the first of each kind. It
	// must not block. Default: nobody is told.
	Report func(text string)
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Interval, time.Second)
	set(&c.SilentAfter, 15*time.Second)
	set(&c.FillTimeout, 2*time.Minute)
	if c.MaxFill == 0 {
		c.MaxFill = 20_000
	}
	if c.MaxHeld == 0 {
		c.MaxHeld = 50_000
	}
	if c.Report == nil {
		c.Report = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Feed follows one venue. It is the venue.Sink of its adapter.
type Feed struct {
	cfg     Config
	log     *slog.Logger
	adapter venue.Adapter
	ticks   TickLog
	events  EventLog
	history History

	sequencers map[string]*sequencer
	heard      atomic.Int64 // unix ns of the venue's last message
	connected  atomic.Int64 // connections that are up
	stopping   atomic.Bool
	woken      chan struct{}

	counts  counts
	refused refusals
}

// New makes a feed. It does no input or output.
func New(cfg Config, adapter venue.Adapter, ticks TickLog, events EventLog, history History) *Feed {
	cfg = cfg.withDefaults()
	f := &Feed{
		cfg: cfg, adapter: adapter, ticks: ticks, events: events, history: history,
		log:        cfg.Log.With("exchange", adapter.Exchange()),
		sequencers: make(map[string]*sequencer),
		woken:      make(chan struct{}, 1),
	}
	for _, symbol := range cfg.Symbols {
		f.sequencers[symbol] = newSequencer(f, symbol)
	}
	return f
}

// Exchange is the name of the venue.
func (f *Feed) Exchange() string { return f.adapter.Exchange() }

// Run follows the venue until ctx ends, then says goodbye and returns nil. An
// error means that the adapter found something that no retry mends. It is to be
// called once.
func (f *Feed) Run(ctx context.Context) error {
	f.resume(ctx)
	defer context.AfterFunc(ctx, func() { f.stopping.Store(true) })()
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(ctx context.Context) error { return f.adapter.Stream(ctx, f.cfg.Symbols, f) })
	group.Go(f.beat)
	for _, s := range f.sequencers {
		group.Go(s.fillHoles)
	}
	err := group.Wait()
	f.signal(domain.FeedStopped)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// resume learns from the log where each symbol's trades ended, however long the
// log is away.
func (f *Feed) resume(ctx context.Context) {
	for symbol, s := range f.sequencers {
		for {
			last, err := f.history.LastTrade(ctx, f.Exchange(), symbol)
			if err == nil {
				s.resumeAt(last)
				break
			}
			if errors.Is(err, domain.ErrNotFound) {
				break
			}
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, domain.ErrUnreachable) {
				f.log.Warn("the log's last trade cannot be read; going on with the venue's next", "symbol", symbol, "error", err)
				break
			}
			f.log.Warn("waiting for the log", "error", err)
			pause.For(ctx, time.Second)
		}
	}
}

// beat sends the signs of life.
func (f *Feed) beat(ctx context.Context) error {
	ticker := time.NewTicker(f.cfg.Interval)
	defer ticker.Stop()
	last := domain.FeedState(0)
	for {
		state := f.state(time.Now())
		if last == domain.FeedLive && state != last && ctx.Err() == nil {
			f.log.Warn("ticks are stale: nothing comes from the venue", "connections", f.connected.Load(),
				"silent_for", time.Since(time.Unix(0, f.heard.Load())).Round(time.Millisecond))
		}
		last = state
		f.signal(state)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-f.woken:
		}
	}
}

func (f *Feed) state(now time.Time) domain.FeedState {
	heard := f.heard.Load()
	if heard == 0 || f.connected.Load() <= 0 || now.Sub(time.Unix(0, heard)) > f.cfg.SilentAfter {
		return domain.FeedSilent
	}
	return domain.FeedLive
}

func (f *Feed) signal(state domain.FeedState) {
	err := f.ticks.PublishFeed(domain.Feed{
		Exchange: f.Exchange(), State: state, Time: time.Now(), Interval: f.cfg.Interval,
		Heard: domain.FromUnixNano(f.heard.Load()),
	})
	if err != nil {
		f.log.Error("sign of life refused", "error", err)
	}
	f.counts.state.Store(uint32(state))
}

// Tick implements venue.Sink.
func (f *Feed) Tick(tick domain.Tick) {
	if err := f.ticks.Publish(tick); err != nil {
		f.Refused("tick", err)
		return
	}
	f.counts.ticks.Add(1)
}

// Trade implements venue.Sink.
func (f *Feed) Trade(trade venue.NumberedTrade) {
	s := f.sequencers[trade.Symbol]
	if s == nil {
		f.Refused("unknown symbol", domain.Invalid("symbol", trade.Symbol, "a symbol that was asked for"))
		return
	}
	s.take(trade)
}

// Candle implements venue.Sink.
func (f *Feed) Candle(candle domain.Candle) {
	err := f.events.Publish(candle)
	switch {
	case errors.Is(err, domain.ErrFull):
		f.counts.dropped.Add(1) // the bar built from the trades stands
	case err != nil:
		f.Refused("candle", err)
	default:
		f.counts.candles.Add(1)
	}
}

// Heard implements venue.Sink.
func (f *Feed) Heard(at time.Time) {
	before := f.heard.Swap(at.UnixNano())
	if at.Sub(time.Unix(0, before)) > f.cfg.SilentAfter {
		f.wake()
	}
}

// Connected implements venue.Sink.
func (f *Feed) Connected(up bool, reason string) {
	if up {
		f.connected.Add(1)
		f.counts.connects.Add(1)
		f.log.Info("connected to the venue")
	} else {
		f.connected.Add(-1)
		level := slog.LevelWarn
		if f.stopping.Load() {
			level = slog.LevelDebug
		} else {
			f.cfg.Report("connection lost: " + reason)
		}
		f.log.Log(context.Background(), level, "connection to the venue lost", "reason", reason)
	}
	f.wake()
}

func (f *Feed) wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// Refused implements venue.Sink: every message is counted, the first of each
// kind is logged.
func (f *Feed) Refused(kind string, err error) {
	if f.refused.add(kind) {
		f.log.Warn("message of the venue refused; more of this kind are only counted", "kind", kind, "error", err)
		f.cfg.Report("message refused: " + kind + ": " + err.Error())
	}
}

// refusals counts by kind.
type refusals struct {
	mu     sync.Mutex
	byKind map[string]uint64
}

func (r *refusals) add(kind string) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKind == nil {
		r.byKind = make(map[string]uint64)
	}
	r.byKind[kind]++
	return r.byKind[kind] == 1
}

// describe names a hole for people.
func describe(from, to uint64) string { return fmt.Sprintf("%d…%d", from, to) }
