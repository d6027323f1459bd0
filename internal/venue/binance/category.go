package binance

import (
	"net/http"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// category is one of the venue's kinds of markets, with hosts of its own.
type category struct {
	*venue.Public
	trades    TradeKind // that are read
	contract  string    // the type of what it lists; empty for spot
	has       func(symbol string) bool
	spell     func(symbol string) (string, error)
	endpoints []endpoint // which a symbol's streams are spread over
	history   request    // of old trades
	catalogue request
}

// endpoint is a path for WebSockets.
type endpoint struct {
	path    string
	streams []string // of a symbol, without its name
}

// request is what the venue charges for a path of REST.
type request struct {
	path   string
	weight int
}

// barStreams are those of the timeframes, which the venue names as we do.
var barStreams = func() (streams []string) {
	for _, tf := range domain.Timeframes {
		streams = append(streams, "kline_"+string(tf))
	}
	return streams
}()

func newSpot(cfg Config) (*category, error) {
	c := &category{
		trades:    cfg.Trades,
		endpoints: []endpoint{{"/stream", append([]string{"bookTicker", "ticker", string(cfg.Trades)}, barStreams...)}},
		history:   request{"/api/v3/historicalTrades", 25},
		catalogue: request{"/api/v3/exchangeInfo", 20},
		has:       func(symbol string) bool { return !isPerpetual(symbol) },
		spell:     VenueSymbol,
	}
	if !hasFutures(cfg.Config) { // it is asked for all symbols, and says which it cannot have
		c.has, c.spell = nil, spotSymbol
	}
	if cfg.Trades == AggregateTrades {
		c.history = request{"/api/v3/aggTrades", 4}
	}
	header := http.Header{}
	if cfg.APIKey != "" {
		header.Set("X-MBX-APIKEY", string(cfg.APIKey))
	}
	return c.public(cfg.Config, own, header)
}

// hasFutures tells whether there are any: not where a host of spot was replaced and
// that of futures was not. Who follows a local venue does not want a part of it
// from the real one.
func hasFutures(cfg venue.Config) bool {
	return (cfg.WSURL == "" || cfg.FuturesWSURL != "") && (cfg.RESTURL == "" || cfg.FuturesRESTURL != "")
}

func newPerpetuals(cfg venue.Config) (*category, error) {
	cfg.WSURL, cfg.RESTURL = cfg.FuturesWSURL, cfg.FuturesRESTURL
	cfg.MaxSymbols = min(cfg.MaxSymbols, ownFutures.MaxSymbols)
	c := &category{
		trades:   AggregateTrades,
		contract: "PERPETUAL",
		has:      isPerpetual,
		spell:    VenueSymbol,
		// A stream that is asked for at the wrong one is granted and stays silent.
		endpoints: []endpoint{
			{"/public/stream", []string{"bookTicker"}},
			{"/market/stream", append([]string{"ticker", string(AggregateTrades)}, barStreams...)},
		},
		history:   request{"/fapi/v1/aggTrades", 20},
		catalogue: request{"/fapi/v1/exchangeInfo", 1},
	}
	return c.public(cfg, ownFutures, nil)
}

// public adds what venues have in common.
func (c *category) public(cfg, own venue.Config, header http.Header) (*category, error) {
	var err error
	c.Public, err = venue.NewPublic(cfg, venue.PublicConfig{
		Own: own, Path: c.endpoints[0].path, Spell: c.spell, Heaviest: max(c.history.weight, c.catalogue.weight),
		REST: venue.RESTConfig{Header: header},
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// part is how the symbols of the category are followed.
func (c *category) part() venue.Part {
	part := venue.Part{Public: c.Public, Has: c.has}
	for _, e := range c.endpoints {
		part.Endpoints = append(part.Endpoints, venue.Endpoint{Path: e.path, Dialect: func(f *venue.Feed, names []string) venue.Dialect {
			return newDialect(f, c.trades, e.streams, names, c.Cfg.AckTimeout)
		}})
	}
	return part
}
