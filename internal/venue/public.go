package venue

import (
	"context"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
)

// PublicConfig is what sets one venue's public market data apart from another's.
type PublicConfig struct {
	// Own are the venue's settings where they differ from the usual. MaxSymbols
	// is what a connection of the venue can bear.
	Own Config
	// Path of the WebSocket endpoint, with its slash.
	Path string
	// Spell is the venue's spelling of a unified symbol. The error is a
	// *domain.FieldError.
	Spell func(symbol string) (string, error)
	// Heaviest is the weight of the REST request that costs most. Default 1.
	Heaviest int
	// REST are settings of REST calls that Config does not have: Header, Check.
	REST RESTConfig
}

// Public is what adapters have in common; they embed it. It is safe for
// concurrent use.
type Public struct {
	Cfg  Config // filled in
	REST *REST
	own  PublicConfig
}

// NewPublic makes the common part; it connects to nothing yet. The error is a
// *domain.FieldError.
func NewPublic(cfg Config, own PublicConfig) (*Public, error) {
	cfg = cfg.WithDefaults(own.Own)
	own.Heaviest = max(1, own.Heaviest)
	if err := cfg.validate(own.Own.MaxSymbols, own.Heaviest); err != nil {
		return nil, err
	}
	rest := own.REST
	rest.BaseURL, rest.Logger, rest.Timeout, rest.MaxWait = cfg.RESTURL, cfg.Logger, cfg.RESTTimeout, cfg.RESTMaxWait
	rest.WeightPerMinute, rest.BackoffInitial = cfg.RESTWeight, cfg.RESTBackoff
	client, err := NewREST(rest)
	if err != nil {
		return nil, err
	}
	p := &Public{Cfg: cfg, REST: client, own: own}
	if _, err := p.session(nil, nil); err != nil { // the address and the timeouts
		return nil, err
	}
	return p, nil
}

// Exchange implements Adapter.
func (p *Public) Exchange() string { return p.Cfg.Exchange }

// Close frees the idle REST connections. The adapter stays usable.
func (p *Public) Close() { p.REST.CloseIdle() }

// Follow is the Stream of an Adapter: it spreads the symbols over as many
// connections as they need and serves these until ctx ends. dialect makes the
// dialect of a connection for the given venue symbols.
func (p *Public) Follow(ctx context.Context, symbols []string, sink Sink, dialect func(f *Feed, names []string) Dialect) error {
	return FollowAll(ctx, sink, Part{p, symbols, dialect})
}

// Part is the share of a Stream that one Public serves.
type Part struct {
	Public  *Public
	Symbols []string // none: the part is left out
	Dialect func(f *Feed, names []string) Dialect
}

// FollowAll is Follow for a venue whose markets are at several endpoints. It
// connects to nothing unless all parts can be served.
func FollowAll(ctx context.Context, sink Sink, parts ...Part) error {
	var sessions []*Session
	for _, part := range parts {
		if len(part.Symbols) == 0 {
			continue
		}
		f, err := NewFeed(part.Public.Cfg.Exchange, part.Symbols, part.Public.own.Spell, sink)
		if err != nil {
			return err
		}
		for _, share := range f.shares(part.Public.Cfg.MaxSymbols) {
			s, err := part.Public.session(sink, func() Dialect { return part.Dialect(f, share) })
			if err != nil {
				return err
			}
			sessions = append(sessions, s)
		}
	}
	if len(sessions) == 0 {
		return domain.Invalid("symbols", "", "at least one")
	}
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, s := range sessions {
		group.Go(s.Run)
	}
	return group.Wait()
}

func (p *Public) session(w Watcher, dialect func() Dialect) (*Session, error) {
	return NewSession(SessionConfig{
		URL:     p.Cfg.WSURL + p.own.Path,
		Dialect: dialect,
		Watcher: w,
		Care:    p.Cfg.Connection,
		Logger:  p.Cfg.Logger.With("exchange", p.Cfg.Exchange),
	})
}

// InOrder checks trades that a venue returned over REST: valid, numbers rising.
// It returns at most limit of those from the number from on. The error matches
// domain.ErrInvalid.
func InOrder(trades []NumberedTrade, from uint64, limit int) ([]NumberedTrade, error) {
	last := uint64(0)
	kept := make([]NumberedTrade, 0, min(len(trades), limit))
	for _, t := range trades {
		if err := t.Validate(); err != nil {
			return nil, err
		}
		if t.Number <= last {
			return nil, domain.Invalid("trade_id", t.ID, "more than the one before")
		}
		last = t.Number
		if t.Number >= from && len(kept) < limit {
			kept = append(kept, t)
		}
	}
	return kept, nil
}
