package kraken

import (
	"context"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// own are the venue's settings. It names no limit of subscriptions for a
// connection; 200 symbols are 1,800 of them. REST takes about one public request
// a second of one address.
var own = venue.Config{
	Exchange:   "kraken",
	WSURL:      "wss://ws.kraken.com",
	RESTURL:    "https://api.kraken.com",
	MaxSymbols: 200,
	RESTWeight: 60,
}

// Adapter reads Kraken spot. It is safe for concurrent use.
type Adapter struct{ *venue.Public }

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. Defaults: exchange "kraken",
// the hosts of the production system, 200 symbols a connection, a RESTWeight of
// 60 requests a minute. The error is a *domain.FieldError.
func New(cfg venue.Config) (*Adapter, error) {
	public, err := venue.NewPublic(cfg, venue.PublicConfig{
		Own: own, Path: "/v2", Spell: VenueSymbol, REST: venue.RESTConfig{Check: check},
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
const Symbols = "spot symbols as the venue has them, like BTC/USD"

// VenueSymbol is the venue's spelling of a unified spot symbol: the same. The
// error is a *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	if settle != "" || !isAsset(base) || !isAsset(quote) {
		return "", domain.Invalid("symbol", symbol, Symbols)
	}
	return symbol, nil
}

// isAsset takes BTC, 1INCH, ETH2.S and AAPLx.
func isAsset(name string) bool {
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '.'
	}
	return name != "" && (name[0] < 'a' || name[0] > 'z') && !strings.ContainsFunc(name, odd)
}

// oldNames are the assets that REST names otherwise.
var oldNames = map[string]string{"BTC": "XBT", "DOGE": "XDG"}

// RESTAsset is the name that REST has for an asset.
func RESTAsset(asset string) string {
	if old, ok := oldNames[asset]; ok {
		return old
	}
	return asset
}

// Asset is the inverse of RESTAsset.
func Asset(name string) string {
	for unified, old := range oldNames {
		if name == old {
			return unified
		}
	}
	return name
}
