package binance

import (
	"context"
	"strings"
	"unicode"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Adapter reads Binance spot and USD-M perpetuals. It is safe for concurrent use.
type Adapter struct {
	spot       *category
	perpetuals *category // nil: there are none, see Config
}

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. The error is a
// *domain.FieldError.
func New(cfg Config) (*Adapter, error) {
	if cfg.Trades == "" {
		cfg.Trades = RawTrades
	}
	if cfg.Trades != RawTrades && cfg.Trades != AggregateTrades {
		return nil, domain.Invalid("trades", string(cfg.Trades), "trade or aggTrade")
	}
	var a Adapter
	var err error
	if a.spot, err = newSpot(cfg); err != nil {
		return nil, err
	}
	if !hasFutures(cfg.Config) {
		return &a, nil
	}
	if a.perpetuals, err = newPerpetuals(cfg.Config); err != nil {
		return nil, err
	}
	return &a, nil
}

// Exchange implements venue.Adapter.
func (a *Adapter) Exchange() string { return a.spot.Exchange() }

// Close frees the idle REST connections. The adapter stays usable.
func (a *Adapter) Close() {
	for _, c := range a.categories() {
		c.Close()
	}
}

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that the venue cannot have, or none at all.
//
// The sink is called with the symbol's lock held, so it must not call back
// into the adapter. Heard counts messages, not pings and pongs.
//
// While a connection is being replaced, the old and the new one both deliver:
// trades come twice, and one from the old connection may follow a later one
// from the new.
func (a *Adapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	parts := []venue.Part{a.spot.part()}
	if a.perpetuals != nil {
		parts = append(parts, a.perpetuals.part())
	}
	return venue.FollowParts(ctx, wanted, sink, parts...)
}

// categories are those there are, the one first whose catalogue costs less.
func (a *Adapter) categories() []*category {
	if a.perpetuals == nil {
		return []*category{a.spot}
	}
	return []*category{a.perpetuals, a.spot}
}

// find tells where a symbol is, and how it is called there. The error is a
// *domain.FieldError.
func (a *Adapter) find(symbol string) (c *category, name string, err error) {
	c = a.spot
	if a.perpetuals != nil && isPerpetual(symbol) {
		c = a.perpetuals
	}
	name, err = c.spell(symbol)
	return c, name, err
}

func isPerpetual(symbol string) bool { return strings.Contains(symbol, ":") }

// spotSymbol is VenueSymbol where there are no perpetuals.
func spotSymbol(symbol string) (string, error) {
	if isPerpetual(symbol) {
		return "", domain.Invalid("symbol", symbol, "spot symbols, while the host of spot is replaced and that of futures is not")
	}
	return VenueSymbol(symbol)
}

// Symbols tells people which symbols the venue has.
const Symbols = "spot symbols in capital letters, like BTC/USDT, or USD-M perpetuals, like BTC/USDT:USDT"

// VenueSymbol is the venue's spelling of a unified symbol, BTCUSDT for BTC/USDT
// and for BTC/USDT:USDT. The error is a *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	// Whatever else a name holds would end up in a stream name or a query.
	if settle != "" && settle != quote || !isAsset(base) || !isAsset(quote) {
		return "", domain.Invalid("symbol", symbol, Symbols)
	}
	return base + quote, nil
}

func isAsset(name string) bool {
	notAsset := func(r rune) bool {
		return !unicode.IsDigit(r) && (!unicode.IsLetter(r) || unicode.ToUpper(r) != r)
	}
	return name != "" && !strings.ContainsFunc(name, notAsset)
}
