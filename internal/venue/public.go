package venue

import (
	"context"
	"time"

	"golang.org/x/time/rate"

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

	dials *rate.Limiter // of connections, all sessions together
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
	p := &Public{Cfg: cfg, REST: client, own: own, dials: rate.NewLimiter(rate.Every(cfg.Connection.DialInterval), 1)}
	if _, err := p.session(own.Path, nil, nil); err != nil { // the address and the timeouts
		return nil, err
	}
	return p, nil
}

// Exchange implements Adapter.
func (p *Public) Exchange() string { return p.Cfg.Exchange }

// Close frees the idle REST connections. The adapter stays usable.
func (p *Public) Close() { p.REST.CloseIdle() }

// Persist calls do, what a Stream cannot begin without, until it succeeds, with
// the waits of a reconnect in between. It reports false when ctx ended before that.
func (p *Public) Persist(ctx context.Context, what string, do func(context.Context) error) bool {
	waits := exponential(p.Cfg.Connection.BackoffInitial, p.Cfg.Connection.BackoffMax)
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return err == nil
		}
		wait := waits.NextBackOff()
		p.Cfg.Logger.WarnContext(ctx, "cannot begin to follow", "exchange", p.Cfg.Exchange, "lacking", what, "error", err, "wait", wait.Round(time.Millisecond))
		_ = sleep(ctx, wait) // the next attempt looks at ctx
	}
}

func (p *Public) session(path string, w Watcher, dialect func() Dialect) (*Session, error) {
	return NewSession(SessionConfig{
		URL:     p.Cfg.WSURL + path,
		Dialect: dialect,
		Watcher: w,
		Care:    p.Cfg.Connection,
		Dials:   p.dials,
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
