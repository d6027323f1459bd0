package coinbase

import (
	"context"
	"net/http"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// own are the venue's settings. It names no limit of products for a connection,
// and takes 8 messages a second of one address, over all its connections. REST
// takes 10 public requests a second of one address, of which we take half.
var own = venue.Config{
	Exchange:   "coinbase",
	WSURL:      "wss://advanced-trade-ws.coinbase.com",
	RESTURL:    "https://api.coinbase.com",
	Connection: venue.Care{MaxFrameBytes: maxFrame},
	MaxSymbols: 200,
	RESTWeight: 300,
}

// Adapter reads Coinbase spot. It is safe for concurrent use.
type Adapter struct{ *venue.Public }

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. Defaults: exchange
// "coinbase", the hosts of the production system, 200 symbols a connection, a
// RESTWeight of 300 requests a minute, frames of up to 4 MiB. The error is a
// *domain.FieldError.
func New(cfg venue.Config) (*Adapter, error) {
	public, err := venue.NewPublic(cfg, venue.PublicConfig{
		Own: own, Spell: VenueSymbol,
		// Public answers are cached for a second otherwise.
		REST: venue.RESTConfig{Header: http.Header{"Cache-Control": {"no-cache"}}},
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{public}, nil
}

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that is not spot, or none at all.
func (a *Adapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	return a.Follow(ctx, wanted, sink, func(f *venue.Feed, names []string) venue.Dialect {
		return newDialect(f, names, a.Cfg.AckTimeout)
	})
}

// Symbols tells people which symbols the venue has.
const Symbols = "spot symbols in capital letters, like BTC/USD, not in USDC"

// VenueSymbol is the venue's spelling of a unified spot symbol, BTC-USD for
// BTC/USD. The error is a *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	aliased := quote == "USDC" && base != "USDT" && base != "EURC"
	if settle != "" || aliased || !isAsset(base) || !isAsset(quote) {
		return "", domain.Invalid("symbol", symbol, Symbols)
	}
	return base + "-" + quote, nil
}

func isAsset(name string) bool {
	odd := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	return name != "" && !strings.ContainsFunc(name, odd)
}
