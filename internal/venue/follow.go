package venue

import (
	"context"
	"slices"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/domain"
)

// Endpoint is a WebSocket endpoint, which has all that the venue tells of a symbol,
// or a part of it.
type Endpoint struct {
	Path string // with its slash
	// Dialect makes the dialect of a connection for the given venue symbols.
	Dialect func(f *Feed, names []string) Dialect
}

// Part are symbols of a kind that is followed apart from others: at endpoints of
// its own, and with a Feed of its own, so that the venue may spell symbols of two
// kinds alike.
type Part struct {
	Public *Public // whose hosts and settings it has
	// Has tells whether a unified symbol is of the kind; nil: all are.
	Has func(symbol string) bool
	// Ready waits for what has to be known before any is followed, and reports
	// false when ctx ended before that; nil: nothing.
	Ready func(ctx context.Context) bool
	// Endpoints each get a connection for every share of the symbols. They share
	// the Feed, so that what they tell of a symbol becomes one tick.
	Endpoints []Endpoint
}

func (p Part) of(symbols []string) []string {
	if p.Has == nil {
		return symbols
	}
	return slices.DeleteFunc(slices.Clone(symbols), func(symbol string) bool { return !p.Has(symbol) })
}

// Follow is FollowParts for a venue with one kind of symbols and the one endpoint
// of PublicConfig.
func (p *Public) Follow(ctx context.Context, wanted *Wanted, sink Sink, dialect func(f *Feed, names []string) Dialect) error {
	return FollowParts(ctx, wanted, sink, Part{Public: p, Endpoints: []Endpoint{{p.own.Path, dialect}}})
}

// FollowParts is the Stream of an Adapter: it spreads the symbols over as many
// connections as they need and serves these until ctx ends. The error, if any,
// comes at once and is a *domain.FieldError: a symbol that the venue cannot have,
// or none at all.
//
// Symbols that are wanted later go to connections that have room, or to a new one;
// those that are no longer wanted are unsubscribed, and a connection without
// symbols is closed. The others are not disturbed, as far as the dialect is a
// Changer. A later symbol that the venue cannot have is refused alone.
func FollowParts(ctx context.Context, wanted *Wanted, sink Sink, parts ...Part) error {
	symbols, _ := wanted.Get()
	if len(symbols) == 0 {
		return domain.Invalid("symbols", "", "at least one")
	}
	follow := make([]func(context.Context) error, len(parts))
	for i, part := range parts {
		f, err := NewFeed(part.Public.Cfg.Exchange, part.of(symbols), part.Public.own.Spell, sink)
		if err != nil {
			return err
		}
		follow[i] = func(ctx context.Context) error { return part.follow(ctx, wanted, f) }
	}
	return Together(ctx, follow...)
}

func (p Part) follow(ctx context.Context, wanted *Wanted, f *Feed) error {
	ctx, cancel := context.WithCancel(ctx)
	spread := spread{public: p.Public, feed: f, endpoints: p.Endpoints}
	defer spread.running.Wait()
	defer cancel()
	for ready := p.Ready == nil; ; {
		symbols, changed := wanted.Get()
		names := f.want(p.of(symbols))
		if len(names) > 0 && !ready {
			if ready = p.Ready(ctx); !ready {
				return nil
			}
			continue // with what is wanted by now
		}
		if err := spread.settle(ctx, names); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// spread is how the venue symbols of a feed are spread over sessions. It is the
// business of one goroutine.
type spread struct {
	public    *Public
	feed      *Feed
	endpoints []Endpoint
	shares    []*share
	running   conc.WaitGroup // the sessions
}

// share is a part of the symbols that has connections of its own.
type share struct {
	names []string
	lines []line // one for each endpoint
	end   context.CancelFunc
}

// line is the session of a share at one endpoint.
type line struct {
	session *Session
	names   *[]string // guarded by the session's Change and making of dialects
}

// settle makes the sessions follow exactly these venue symbols.
func (s *spread) settle(ctx context.Context, names []string) error {
	most := s.public.Cfg.MaxSymbols
	var fresh []string // that no session has
	for _, name := range names {
		if !slices.ContainsFunc(s.shares, func(sh *share) bool { return slices.Contains(sh.names, name) }) {
			fresh = append(fresh, name)
		}
	}
	for _, sh := range s.shares {
		var drop, keep []string
		for _, name := range sh.names {
			if slices.Contains(names, name) {
				keep = append(keep, name)
			} else {
				drop = append(drop, name)
			}
		}
		room := min(most-len(keep), len(fresh))
		add := fresh[:room]
		fresh = fresh[room:]
		s.feed.leave(drop)
		if len(add)+len(drop) > 0 {
			sh.change(slices.Concat(keep, add), add, drop)
		}
	}
	s.shares = slices.DeleteFunc(s.shares, func(sh *share) bool { return len(sh.names) == 0 })
	for part := range slices.Chunk(fresh, most) {
		sh, err := s.share(ctx, part)
		if err != nil {
			return err
		}
		s.shares = append(s.shares, sh)
	}
	return nil
}

// change gives a share other symbols; one without any ends.
func (sh *share) change(names, add, drop []string) {
	sh.names = names
	if len(names) == 0 {
		sh.end()
		return
	}
	for _, l := range sh.lines {
		l.session.Change(func() { *l.names = names }, add, drop)
	}
}

// share begins to follow more symbols.
func (s *spread) share(ctx context.Context, names []string) (*share, error) {
	sh := &share{names: names}
	for _, e := range s.endpoints {
		its := names
		session, err := s.public.session(e.Path, s.feed.sink, func() Dialect { return e.Dialect(s.feed, slices.Clone(its)) })
		if err != nil {
			return nil, err
		}
		sh.lines = append(sh.lines, line{session, &its})
	}
	ctx, sh.end = context.WithCancel(ctx)
	for _, l := range sh.lines {
		s.running.Go(func() { l.session.Run(ctx) })
	}
	return sh, nil
}
