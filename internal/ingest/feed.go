package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// TickLog takes ticks and signs of life. Its methods do not block.
type TickLog interface {
	Publish(tick domain.Tick) error
	// Delete removes a market's tick.
	Delete(exchange, symbol string) error
	PublishFeed(feed domain.Feed) error
}

// EventLog stores trades, candles and gaps in the order given, if nobody else has
// stored a trade of the market since the one that was resumed at. Publish does not
// block; an error that matches domain.ErrFull means that the event was not taken,
// domain.ErrConflict that somebody else stores the market's trades.
type EventLog interface {
	Publish(event domain.Event) error
	// Resume says up to which of the log's trades of a market, by its sequence, the
	// caller knows them; what waits of the market is dropped.
	Resume(exchange, symbol string, last uint64) error
}

// Turn tells when this process is the one that follows the venue.
type Turn interface {
	// Await blocks until it is and returns a context that ends when it no longer is.
	// The error is that of ctx.
	Await(ctx context.Context) (context.Context, error)
	// Doubt makes somebody look whether it still is.
	Doubt()
}

// always is the Turn of a process that has nobody to take turns with.
type always struct{}

func (always) Await(ctx context.Context) (context.Context, error) { return ctx, ctx.Err() }
func (always) Doubt()                                             {}

// History tells what the log has already. The error matches domain.ErrNotFound
// for a market without trades, or without a tick.
type History interface {
	LastTrade(ctx context.Context, exchange, symbol string) (domain.Trade, error)
	// TradesAt reads the trades of a market's last one's time, itself included.
	TradesAt(ctx context.Context, last domain.Trade) ([]domain.Trade, error)
	// LastTick reads the newest tick; one without a Symbol was deleted.
	LastTick(ctx context.Context, exchange, symbol string) (domain.Tick, error)
}

// Config of a Feed.
type Config struct {
	// Symbols to follow at first, unified. At least one. See Feed.Want.
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
	// Turn tells when the venue is to be followed. Default: always.
	Turn Turn
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
	if c.Turn == nil {
		c.Turn = always{}
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

	wanted     *venue.Wanted
	sequencers sync.Map     // symbol to *sequencer: of the symbols that are followed, or were in this turn
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
	return &Feed{
		cfg: cfg, adapter: adapter, ticks: ticks, events: events, history: history,
		log:    cfg.Log.With("exchange", adapter.Exchange()),
		wanted: venue.NewWanted(cfg.Symbols...),
		woken:  make(chan struct{}, 1),
	}
}

// Want sets the symbols to follow from now on; the others are not disturbed. The
// tick of one that is followed no longer is removed: nobody would renew it, and
// the feed would vouch for it. It is safe for concurrent use.
func (f *Feed) Want(symbols []string) { f.wanted.Set(symbols) }

// Symbols are those that are to be followed.
func (f *Feed) Symbols() []string {
	symbols, _ := f.wanted.Get()
	return symbols
}

// Exchange is the name of the venue.
func (f *Feed) Exchange() string { return f.adapter.Exchange() }

// Run follows the venue whenever it is this process's turn until ctx ends, then
// says goodbye and returns nil. An error means that the adapter found something
// that no retry mends. It is to be called once.
func (f *Feed) Run(ctx context.Context) error {
	for {
		f.counts.standby.Store(true)
		turn, err := f.cfg.Turn.Await(ctx)
		if err != nil {
			return nil
		}
		f.counts.standby.Store(false)
		err = f.follow(turn)
		if ctx.Err() != nil || err != nil {
			f.signal(domain.FeedStopped)
			return err
		}
		// It is another's turn, whose word it is now how the feed is.
		f.counts.state.Store(0)
	}
}

// follow follows the venue until ctx ends.
func (f *Feed) follow(ctx context.Context) error {
	f.stopping.Store(false)
	defer context.AfterFunc(ctx, func() { f.stopping.Store(true) })()
	f.heard.Store(0)
	f.connected.Store(0)
	f.sequencers.Clear()
	symbols, changed := f.wanted.Get()
	open := venue.NewWanted() // whose trades can be taken
	ends := make(map[string]context.CancelFunc)
	var filling conc.WaitGroup
	settle := func(ctx context.Context) {
		for _, symbol := range symbols {
			if ends[symbol] != nil {
				continue
			}
			s := newSequencer(f, symbol)
			s.resume(ctx)
			s.tick.resume(ctx, f, symbol)
			f.sequencers.Store(symbol, s)
			var its context.Context
			its, ends[symbol] = context.WithCancel(ctx)
			filling.Go(func() { s.fillHoles(its) })
		}
		open.Set(symbols)
		for symbol, end := range ends {
			if !slices.Contains(symbols, symbol) {
				end()
				delete(ends, symbol)
				f.sequencer(symbol).leave()
			}
		}
	}
	ready := make(chan struct{})
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(f.beat)
	group.Go(func(ctx context.Context) error {
		<-ready
		return f.adapter.Stream(ctx, open, f)
	})
	group.Go(func(ctx context.Context) error {
		defer filling.Wait()
		settle(ctx)
		close(ready)
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			symbols, changed = f.wanted.Get()
			f.log.Info("other symbols are followed", "symbols", symbols)
			settle(ctx)
		}
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil
	}
	return err
}

// Conflict notes that somebody else has stored trades of a symbol: the log is read
// again where they end. It does not block.
func (f *Feed) Conflict(symbol string) {
	f.cfg.Turn.Doubt()
	if s := f.sequencer(symbol); s != nil {
		s.conflict()
	}
}

// sequencer is the one of a symbol; nil for one that is not followed.
func (f *Feed) sequencer(symbol string) *sequencer {
	s, _ := f.sequencers.Load(symbol)
	known, _ := s.(*sequencer)
	return known
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
	s := f.sequencer(tick.Symbol)
	if s == nil {
		f.refuseSymbol(tick.Symbol)
		return
	}
	s.presence.RLock()
	defer s.presence.RUnlock()
	if s.left || !s.tick.complete(&tick) {
		return
	}
	if err := f.ticks.Publish(tick); err != nil {
		f.Refused("tick", err)
		return
	}
	f.counts.ticks.Add(1)
}

// Trade implements venue.Sink.
func (f *Feed) Trade(trade venue.NumberedTrade) {
	if s := f.sequencer(trade.Symbol); s != nil {
		s.take(trade)
		return
	}
	f.refuseSymbol(trade.Symbol)
}

func (f *Feed) refuseSymbol(symbol string) {
	f.Refused("unknown symbol", domain.Invalid("symbol", symbol, "a symbol that was asked for"))
}

// Candle implements venue.Sink.
func (f *Feed) Candle(candle domain.Candle) {
	err := f.events.Publish(candle)
	switch {
	case errors.Is(err, domain.ErrFull), errors.Is(err, domain.ErrConflict):
		f.counts.dropped.Add(1) // the bar built from the trades stands, or who else stores them has it
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
