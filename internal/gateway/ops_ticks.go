package gateway

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const codeNoTicker = "TICKER_NOT_FOUND"

func tickOperations() []operation {
	return []operation{
		define(operation{name: "get_ticker", topic: topicTickers, area: market, about: "the newest tick of a market"}, getTicker),
		define(operation{name: "get_price", area: market, about: "the price of a market; STALE rather than an old one"}, getPrice),
		define(operation{name: "get_any_ticker", area: market, about: "the newest tick of a symbol over all exchanges"}, getAnyTicker),
		define(operation{name: "get_all_tickers", topic: topicTickers, area: market, about: "the ticks of an exchange"}, getAllTickers),
		define(operation{name: "set_ticker", aliases: []string{"update_ticker"}, area: market, kind: writes, about: "stores a tick"}, setTicker),
		define(operation{name: "delete_ticker", area: market, kind: writes, about: "forgets a tick"}, deleteTicker),
		defineStream(operation{name: "stream_tickers", topic: topicTickers, area: market,
			about: "the ticks of an exchange, or of some of its symbols; of each the newest, at most max_rate messages a second"},
			[]message{sent[Ticker](tickerUpdate), sent[marketKey]("ticker_deleted")}, streamTickers),
	}
}

const tickerUpdate = "ticker_update"

// Ticker is a tick. What is not known is null.
type Ticker struct {
	Symbol    string  `json:"symbol"`
	Exchange  string  `json:"exchange"`
	Price     *Number `json:"price"`
	Volume    *Number `json:"volume"`    // of the last 24 h, base units
	Timestamp *Time   `json:"timestamp"` // the venue's, else when it was received
	Bid       *Number `json:"bid"`
	Ask       *Number `json:"ask"`
	BidSize   *Number `json:"bid_size"`
	AskSize   *Number `json:"ask_size"`
	Last      *Number `json:"last"`
	Change24h Number  `json:"change_24h"` // of the protocol; ticks do not have it: 0
	Received  *Time   `json:"received"`
	Stale     bool    `json:"stale"` // its feed is silent, stopped or late
	VenueSeq  uint64  `json:"venue_seq"`
	Sequence  uint64  `json:"sequence,omitempty"` // in streams the message has it
}

func viewTick(t domain.Tick) Ticker {
	received := Time{t.Received}
	at := received
	if !t.Time.IsZero() {
		at = Time{t.Time}
	}
	return Ticker{
		Symbol: t.Symbol, Exchange: t.Exchange, Price: known(t.Price()), Volume: known(t.Volume), Timestamp: &at, Bid: known(t.Bid),
		Ask: known(t.Ask), BidSize: known(t.BidSize), AskSize: known(t.AskSize), Last: known(t.Last), Received: &received, Stale: t.Stale,
		VenueSeq: t.VenueSeq, Sequence: t.Sequence,
	}
}

// getTicker answers with nulls for a market without a tick where the dialect has
// it so.
func getTicker(ctx context.Context, r *request, p *marketParams) (Ticker, error) {
	tick, err := r.client().Ticks.Get(ctx, p.Exchange, p.Symbol)
	if errors.Is(err, domain.ErrNotFound) && r.dialect.lenient() {
		return Ticker{Symbol: p.Symbol, Exchange: p.Exchange}, nil
	}
	return viewTick(tick), notFound(err, codeNoTicker)
}

// Price is what a market is worth.
type Price struct {
	Symbol   string `json:"symbol"`
	Exchange string `json:"exchange"`
	Price    Number `json:"price"`
}

func getPrice(ctx context.Context, r *request, p *marketParams) (Price, error) {
	price, err := r.client().Ticks.Price(ctx, p.Exchange, p.Symbol)
	return Price{p.Symbol, p.Exchange, Number{price}}, notFound(err, codeNoTicker)
}

type symbolParams struct {
	Symbol string `json:"symbol" need:"yes"`
}

func getAnyTicker(ctx context.Context, r *request, p *symbolParams) (Ticker, error) {
	tick, err := r.client().Ticks.Any(ctx, p.Symbol)
	return viewTick(tick), notFound(err, codeNoTicker)
}

// Tickers are the ticks of an exchange.
type Tickers struct {
	Exchange string   `json:"exchange"`
	Tickers  []Ticker `json:"tickers"`
}

func getAllTickers(ctx context.Context, r *request, p *exchangeParams) (Tickers, error) {
	ticks, err := r.client().Ticks.All(ctx, p.Exchange)
	out := Tickers{p.Exchange, make([]Ticker, 0, len(ticks))}
	for _, t := range ticks {
		out.Tickers = append(out.Tickers, viewTick(t))
	}
	return out, err
}

type tickParams struct {
	marketParams
	Price     *Number `json:"price"` // the last one
	Last      *Number `json:"last"`
	Bid       *Number `json:"bid"`
	BidSize   *Number `json:"bid_size"`
	Ask       *Number `json:"ask"`
	AskSize   *Number `json:"ask_size"`
	Volume    *Number `json:"volume"`
	Time      Time    `json:"time"`
	Timestamp Time    `json:"timestamp"`
	VenueSeq  uint64  `json:"venue_seq"`
}

func setTicker(ctx context.Context, r *request, p *tickParams) (Stored, error) {
	tick := domain.Tick{Exchange: p.Exchange, Symbol: p.Symbol, Time: p.Time.Time, VenueSeq: p.VenueSeq,
		Last: told(p.Last, p.Price), Bid: told(p.Bid), BidSize: told(p.BidSize), Ask: told(p.Ask), AskSize: told(p.AskSize), Volume: told(p.Volume)}
	if tick.Time.IsZero() {
		tick.Time = p.Timestamp.Time
	}
	return stored(r.client().Ticks.Set(ctx, tick))
}

// stored is where the log has what was written.
func stored(pos domain.LogPosition, err error) (Stored, error) {
	return Stored{pos.Stream, pos.Seq}, err
}

func deleteTicker(ctx context.Context, r *request, p *marketParams) (Stored, error) {
	return stored(r.client().Ticks.Delete(ctx, p.Exchange, p.Symbol))
}

type tickersParams struct {
	Exchange string   `json:"exchange" need:"yes"`
	Symbols  []string `json:"symbols"`
	Symbol   string   `json:"symbol"`
	MaxRate  float64  `json:"max_rate"`
}

func (p *tickersParams) check() error {
	if p.Symbol != "" {
		p.Symbols = append(p.Symbols, p.Symbol)
	}
	for _, symbol := range p.Symbols {
		if err := domain.CheckSymbol(symbol); err != nil {
			return err
		}
	}
	return checkRate(p.MaxRate)
}

// checkRate tells what is wrong with a greatest rate, messages a second.
func checkRate(rate float64) error {
	if rate != 0 && (rate < 0.01 || rate > 10_000) {
		return domain.Invalid("max_rate", strconv.FormatFloat(rate, 'g', -1, 64), "messages a second, 0.01 to 10000, or 0 for no limit")
	}
	return nil
}

// marketKey names a market.
type marketKey struct {
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
}

// staleCheck is how often ticks are looked at that became stale because nothing
// came.
const staleCheck = time.Second

func streamTickers(_ context.Context, r *request, p *tickersParams) (*opening, error) {
	return &opening{sources: []source{tickSource(r.client(), p.Exchange)}, topics: p.Symbols, maxRate: p.MaxRate}, nil
}

func tickSource(c *client.Client, exchange string) source {
	return source{
		key: "ticks " + exchange, conflated: true, again: staleCheck,
		moves: func(ctx context.Context) iter.Seq[error] { return c.Ticks.Moves(ctx) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			ticks, err := c.Ticks.All(ctx, exchange)
			return updatesOf(ticks, known,
				func(t *domain.Tick) (string, uint64, any) { return t.Symbol, t.Sequence, t.Stale },
				func(t domain.Tick) *update {
					view := viewTick(t)
					view.Sequence = 0
					return &update{name: tickerUpdate, topic: t.Symbol, view: view, key: marketKey{t.Exchange, t.Symbol}}
				}), err
		},
	}
}
