package venue

import (
	"context"
	"slices"

	"github.com/sourcegraph/conc"
)

// Follow is the Stream of an Adapter: it spreads the symbols over as many
// connections as they need and serves these until ctx ends. dialect makes the
// dialect of a connection for the given venue symbols.
//
// Symbols that are wanted later go to connections that have room, or to a new one;
// those that are no longer wanted are unsubscribed, and a connection without
// symbols is closed. The others are not disturbed, as far as the dialect is a
// Changer. A later symbol that the venue cannot have is refused alone.
func (p *Public) Follow(ctx context.Context, wanted *Wanted, sink Sink, dialect func(f *Feed, names []string) Dialect) error {
	symbols, changed := wanted.Get()
	f, err := NewFeed(p.Cfg.Exchange, symbols, p.own.Spell, sink)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	spread := spread{public: p, feed: f, dialect: dialect}
	defer spread.running.Wait()
	defer cancel()
	for names := f.Names(); ; names = f.want(symbols) {
		if err := spread.settle(ctx, names); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		symbols, changed = wanted.Get()
	}
}

// spread is how the venue symbols of a feed are spread over sessions. It is the
// business of one goroutine.
type spread struct {
	public  *Public
	feed    *Feed
	dialect func(*Feed, []string) Dialect
	shares  []*share
	running conc.WaitGroup // the sessions
}

// share is the part of one session.
type share struct {
	session *Session
	names   []string // guarded by the session's Change and making of dialects
	end     context.CancelFunc
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
		if len(keep)+len(add) == 0 {
			sh.end()
			sh.names = nil
		} else if len(add)+len(drop) > 0 {
			sh.session.Change(func() { sh.names = slices.Concat(keep, add) }, add, drop)
		}
	}
	s.shares = slices.DeleteFunc(s.shares, func(sh *share) bool { return len(sh.names) == 0 })
	for part := range slices.Chunk(fresh, most) {
		sh := &share{names: part}
		session, err := s.public.session(s.feed.sink, func() Dialect { return s.dialect(s.feed, slices.Clone(sh.names)) })
		if err != nil {
			return err
		}
		sh.session = session
		var its context.Context
		its, sh.end = context.WithCancel(ctx)
		s.shares = append(s.shares, sh)
		s.running.Go(func() { session.Run(its) })
	}
	return nil
}
