package binance

import (
	"context"
	"net/http"
	"strings"
	"unicode"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Adapter reads Binance spot. It is safe for concurrent use.
type Adapter struct {
	*venue.Public
	trades TradeKind
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
	header := http.Header{}
	if cfg.APIKey != "" {
		header.Set("X-MBX-APIKEY", string(cfg.APIKey))
	}
	public, err := venue.NewPublic(cfg.Config, venue.PublicConfig{
		Own: own, Path: "/stream", Spell: VenueSymbol, Heaviest: weightHistoricalTrades, REST: venue.RESTConfig{Header: header},
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{public, cfg.Trades}, nil
}

// Stream implements venue.Adapter. The error, if any, comes at once and is a
// *domain.FieldError: a symbol that is not spot, or none at all.
//
// The sink is called with the symbol's lock held, so it must not call back
// into the adapter. Heard counts messages, not pings and pongs.
//
// While a connection is being replaced, the old and the new one both deliver:
// trades come twice, and one from the old connection may follow a later one
// from the new.
func (a *Adapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	return a.Follow(ctx, wanted, sink, func(f *venue.Feed, names []string) venue.Dialect {
		return newDialect(f, a.trades, names, a.Cfg.AckTimeout)
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
		return "", domain.Invalid("symbol", symbol, Symbols)
	}
	return base + quote, nil
}

// Symbols tells people which symbols the venue has.
const Symbols = "spot symbols in capital letters, like BTC/USDT"

func isAsset(name string) bool {
	notAsset := func(r rune) bool {
		return !unicode.IsDigit(r) && (!unicode.IsLetter(r) || unicode.ToUpper(r) != r)
	}
	return name != "" && !strings.ContainsFunc(name, notAsset)
}
