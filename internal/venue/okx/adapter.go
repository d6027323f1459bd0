package okx

import (
	"context"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// own are the venue's settings. It takes 480 subscriptions an hour on a
// connection: even if each of 50 symbols has to be asked for again alone, in all
// the channels of an endpoint, that is less. It takes three connections a second
// of one address, and 10 requests a second for old trades, of which we take half.
var own = venue.Config{
	Exchange:   "okx",
	WSURL:      "wss://ws.okx.com:8443",
	RESTURL:    "https://www.okx.com",
	Connection: venue.Care{DialInterval: 400 * time.Millisecond},
	MaxSymbols: 50,
	RESTWeight: 300,
}

// Adapter reads OKX spot and perpetual swaps. It is safe for concurrent use.
type Adapter struct {
	*venue.Public
	contracts Contracts
}

var _ venue.Adapter = (*Adapter)(nil)

// New makes an adapter; it connects to nothing yet. Defaults: exchange "okx", the
// hosts of the production system, 50 symbols a connection, 400 ms between two
// connections, a RESTWeight of 300 requests a minute. The error is a
// *domain.FieldError.
func New(cfg venue.Config) (*Adapter, error) {
	public, err := venue.NewPublic(cfg, venue.PublicConfig{
		Own: own, Path: publicPath, Spell: VenueSymbol, REST: venue.RESTConfig{Check: check},
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{Public: public}, nil
}

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that is neither spot nor a swap, or none at all.
// Swaps are subscribed once the sizes of their contracts are known, for which the
// venue is asked until it answers; that does not hold up spot symbols.
func (a *Adapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	return venue.FollowParts(ctx, wanted, sink,
		venue.Part{Public: a.Public, Has: func(symbol string) bool { return !isSwap(symbol) }, Endpoints: a.endpoints(nil)},
		venue.Part{
			Public: a.Public, Has: isSwap, Endpoints: a.endpoints(&a.contracts),
			Ready: func(ctx context.Context) bool { return a.Persist(ctx, "the sizes of contracts", a.learn) },
		},
	)
}

func isSwap(symbol string) bool { return strings.Contains(symbol, ":") }

// endpoints are those of symbols of one kind; sizes is nil for spot.
func (a *Adapter) endpoints(sizes *Contracts) []venue.Endpoint {
	at := func(e endpoint) venue.Endpoint {
		return venue.Endpoint{Path: e.path, Dialect: func(f *venue.Feed, names []string) venue.Dialect {
			return newDialect(f, e, names, sizes, a.Cfg.AckTimeout)
		}}
	}
	return []venue.Endpoint{at(publicEndpoint), at(businessEndpoint)}
}

// Symbols tells people which symbols the venue has.
const Symbols = "spot symbols like BTC/USDT, linear swaps like BTC/USDT:USDT, inverse swaps like BTC/USD:BTC"

const swapSuffix = "-SWAP"

// VenueSymbol is the venue's spelling of a unified symbol: BTC-USDT for BTC/USDT,
// BTC-USDT-SWAP for BTC/USDT:USDT, BTC-USD-SWAP for BTC/USD:BTC. The error is a
// *domain.FieldError.
func VenueSymbol(symbol string) (string, error) {
	base, quote, settle, err := domain.SplitSymbol(symbol)
	if err != nil {
		return "", err
	}
	name := base + "-" + quote
	switch {
	case !isAsset(base) || !isAsset(quote):
	case settle == "":
		return name, nil
	case quote == "USD" && settle == base, quote != "USD" && settle == quote:
		return name + swapSuffix, nil
	}
	return "", domain.Invalid("symbol", symbol, Symbols)
}

func isAsset(name string) bool {
	odd := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	return name != "" && !strings.ContainsFunc(name, odd)
}
