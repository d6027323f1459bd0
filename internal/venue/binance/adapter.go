package binance

import (
	"context"
	"net/http"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Adapter reads Binance spot. It is safe for concurrent use.
type Adapter struct {
	cfg  Config
	rest *venue.REST
}

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. The error is a
// *domain.FieldError.
func New(cfg Config) (*Adapter, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	header := http.Header{}
	if cfg.APIKey != "" {
		header.Set("X-MBX-APIKEY", string(cfg.APIKey))
	}
	rest, err := venue.NewREST(venue.RESTConfig{
		BaseURL:         cfg.RESTURL,
		Header:          header,
		Timeout:         cfg.RESTTimeout,
		WeightPerMinute: cfg.RESTWeight,
		BackoffInitial:  cfg.RESTBackoff,
		MaxWait:         cfg.RESTMaxWait,
		Logger:          cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	a := &Adapter{cfg: cfg, rest: rest}
	if _, err := a.session(nil, nil); err != nil { // the address and the timeouts
		return nil, err
	}
	return a, nil
}

// Exchange implements venue.Adapter.
func (a *Adapter) Exchange() string { return a.cfg.Exchange }

// Close frees the idle REST connections. The adapter stays usable.
func (a *Adapter) Close() { a.rest.CloseIdle() }

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that is not spot, or none at all.
//
// The sink is called with the symbol's lock held, so it must not call back
// into the adapter. Heard counts messages, not pings and pongs. The kinds that
// Refused is told are "malformed", "unknown kind", "unknown symbol",
// "subscription", "tick", "trade", "candle", "oversized" and "binary".
//
// While a connection is being replaced, the old and the new one both deliver:
// trades come twice, and one from the old connection may follow a later one
// from the new.
func (a *Adapter) Stream(ctx context.Context, symbols []string, sink venue.Sink) error {
	f, err := newFeed(a.cfg, symbols, sink)
	if err != nil {
		return err
	}
	var sessions []*venue.Session
	for _, share := range f.shares(a.cfg.MaxStreams / streamsPerSymbol) {
		s, err := a.session(sink, func() venue.Dialect { return newDialect(f, share, a.cfg.AckTimeout) })
		if err != nil {
			return err
		}
		sessions = append(sessions, s)
	}
	p := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, s := range sessions {
		p.Go(s.Run)
	}
	return p.Wait()
}

func (a *Adapter) session(w venue.Watcher, dialect func() venue.Dialect) (*venue.Session, error) {
	return venue.NewSession(venue.SessionConfig{
		URL:     a.cfg.WSURL + "/stream",
		Dialect: dialect,
		Watcher: w,
		Care:    a.cfg.Connection,
		Logger:  a.cfg.Logger.With("exchange", a.cfg.Exchange),
	})
}

// VenueSymbol is the venue's spelling of a unified spot symbol, BTCUSDT for
// BTC/USDT. The error is a *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	// Whatever else a name holds would end up in a stream name or a query.
	if settle != "" || !isAsset(base) || !isAsset(quote) {
		return "", domain.Invalid("symbol", symbol, "a spot symbol in capital letters and digits, as in BTC/USDT")
	}
	return base + quote, nil
}
