package bybit

import (
	"context"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// own are the venue's settings. The topics of a connection may have 21,000
// characters together, which are 50 symbols of 30 characters each. It names no
// limit of messages; a tenth of a second has them all asked for in five. REST
// takes 7,200 requests a minute of one address, of which we take a sixth.
var own = venue.Config{
	Exchange:   "bybit",
	WSURL:      "wss://stream.bybit.com",
	RESTURL:    "https://api.bybit.com",
	Connection: venue.Care{SendInterval: 100 * time.Millisecond},
	MaxSymbols: 50,
	RESTWeight: 1200,
}

// category is one of the venue's kinds of markets.
type category string

// The categories that are read.
const (
	spot   category = "spot"
	linear category = "linear"
)

// path is that of its WebSocket endpoint.
func (c category) path() string { return "/v5/public/" + string(c) }

// Adapter reads Bybit spot and linear perpetuals. It is safe for concurrent use.
type Adapter struct{ *venue.Public }

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. Defaults: exchange "bybit",
// the hosts of the production system, 50 symbols a connection, a RESTWeight of
// 1200 requests a minute. The error is a *domain.FieldError.
func New(cfg venue.Config) (*Adapter, error) {
	public, err := venue.NewPublic(cfg, venue.PublicConfig{
		Own: own, Path: spot.path(), Spell: VenueSymbol, REST: venue.RESTConfig{Check: check},
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{public}, nil
}

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that the venue cannot have, or none at all.
func (a *Adapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	part := func(c category) venue.Part {
		return venue.Part{
			Public: a.Public,
			Has:    func(symbol string) bool { return categoryOf(symbol) == c },
			Endpoints: []venue.Endpoint{{Path: c.path(), Dialect: func(f *venue.Feed, names []string) venue.Dialect {
				return newDialect(f, names, a.Cfg.AckTimeout)
			}}},
		}
	}
	return venue.FollowParts(ctx, wanted, sink, part(spot), part(linear))
}

// Symbols tells people which symbols the venue has.
const Symbols = "spot symbols in capital letters, like BTC/USDT, or perpetuals in USDT or USDC, like BTC/USDT:USDT"

// VenueSymbol is the venue's spelling of a unified symbol: BTCUSDT for BTC/USDT
// and for BTC/USDT:USDT, BTCPERP for BTC/USDC:USDC. The error is a
// *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	if isAsset(base) && isAsset(quote) {
		switch settle {
		case "":
			return base + quote, nil
		case quote:
			if quote == "USDT" {
				return base + quote, nil
			}
			if quote == "USDC" {
				return base + "PERP", nil
			}
		}
	}
	return "", domain.Invalid("symbol", symbol, Symbols)
}

// categoryOf is where a symbol that VenueSymbol takes is found.
func categoryOf(symbol string) category {
	if strings.Contains(symbol, ":") {
		return linear
	}
	return spot
}

// isAsset takes BTC, 1INCH and 1000PEPE.
func isAsset(name string) bool {
	odd := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	return name != "" && !strings.ContainsFunc(name, odd)
}
