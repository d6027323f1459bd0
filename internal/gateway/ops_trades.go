package gateway

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

func tradeOperations() []operation {
	return []operation{
		define(operation{name: "get_trades", topic: topicTrades, area: market, about: "the newest trades of a market, oldest first; reading takes nothing away"}, getTrades),
		define(operation{name: "get_trade_status", topic: topicTrades, area: market, about: "what is kept of a market's trades"}, getTradeStatus),
		define(operation{name: "get_trade_analytics", area: market, about: "count, volume, VWAP, high and low of the trades of the last seconds"}, getAnalytics),
		define(operation{name: "get_gaps", area: market, about: "trades that are known to be missing"}, getGaps),
		define(operation{name: "push_trade", area: market, kind: writes, about: "stores a trade"}, pushTrade),
		defineStream(operation{name: "stream_trade_updates", aliases: []string{"stream_trades"}, topic: topicTrades, area: market,
			about: "every trade of some markets, each once and in order"},
			[]message{sent[Trade](tradeUpdate), sent[Missed](streamMissed)}, streamTrades),
		defineStream(operation{name: "stream_gaps", area: market, about: "trades of a market that turn out to be missing"},
			[]message{sent[Gap](gapUpdate)}, streamGaps),
	}
}

const (
	tradeUpdate  = "trade_update"
	gapUpdate    = "gap_update"
	streamMissed = "stream_missed"
)

// Trade is a public trade.
type Trade struct {
	Symbol    string `json:"symbol"`
	Exchange  string `json:"exchange"`
	Side      string `json:"side"`
	Volume    Number `json:"volume"`
	Price     Number `json:"price"`
	Timestamp Time   `json:"timestamp"`
	TradeID   string `json:"trade_id"`
	Received  *Time  `json:"received"`
	Sequence  uint64 `json:"sequence,omitempty"` // in streams the message has it
}

func viewTrade(t domain.Trade) Trade {
	return Trade{t.Symbol, t.Exchange, t.Side.String(), Number{t.Volume}, Number{t.Price}, Time{t.Time}, t.ID, knownTime(t.Received), t.Sequence}
}

const (
	defaultTrades = 100
	// defaultLast is how many of the newest trades come first.
	defaultLast = 20
	// recentTrades is how many of a market a feed keeps for those who come later.
	recentTrades = 1000
)

type tradesParams struct {
	marketParams
	Limit int  `json:"limit"`
	Since Time `json:"since"` // all from then on; limit does not matter then
}

// Trades are trades of a market, oldest first.
type Trades struct {
	Exchange string  `json:"exchange"`
	Symbol   string  `json:"symbol"`
	Complete bool    `json:"complete"` // with since: what is kept reaches back so far
	Trades   []Trade `json:"trades"`
}

func getTrades(ctx context.Context, r *request, p *tradesParams) (Trades, error) {
	var trades []domain.Trade
	var err error
	out := Trades{Exchange: p.Exchange, Symbol: p.Symbol, Complete: true}
	if p.Since.IsZero() {
		if p.Limit == 0 {
			p.Limit = defaultTrades
		}
		trades, err = r.client().Trades.List(ctx, p.Exchange, p.Symbol, p.Limit)
	} else {
		trades, out.Complete, err = r.client().Trades.Since(ctx, p.Exchange, p.Symbol, p.Since.Time)
	}
	out.Trades = make([]Trade, 0, len(trades))
	for _, t := range trades {
		out.Trades = append(out.Trades, viewTrade(t))
	}
	return out, err
}

// TradeStatus tells what is kept of a market's trades.
type TradeStatus struct {
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
	Count    int    `json:"count"`
	First    *Trade `json:"first"`
	Last     *Trade `json:"last"`
}

func getTradeStatus(ctx context.Context, r *request, p *marketParams) (TradeStatus, error) {
	status, err := r.client().Trades.Status(ctx, p.Exchange, p.Symbol)
	out := TradeStatus{Exchange: p.Exchange, Symbol: p.Symbol, Count: status.Count}
	if err == nil && status.Count > 0 {
		first, last := viewTrade(status.First), viewTrade(status.Last)
		out.First, out.Last = &first, &last
	}
	return out, notFound(err, "TRADES_NOT_FOUND")
}

type analyticsParams struct {
	marketParams
	Window float64 `json:"window"` // seconds; 0: an hour
}

// Analytics sums up trades.
type Analytics struct {
	Exchange   string  `json:"exchange"`
	Symbol     string  `json:"symbol"`
	From       Time    `json:"from"`
	To         Time    `json:"to"`
	Count      int     `json:"count"`
	Volume     Number  `json:"volume"`
	Cost       Number  `json:"cost"`
	VWAP       *Number `json:"vwap"`
	Open       *Number `json:"open"`
	High       *Number `json:"high"`
	Low        *Number `json:"low"`
	Close      *Number `json:"close"`
	BuyVolume  Number  `json:"buy_volume"`
	SellVolume Number  `json:"sell_volume"`
	Complete   bool    `json:"complete"` // what is kept reaches back to from
}

func getAnalytics(ctx context.Context, r *request, p *analyticsParams) (Analytics, error) {
	if p.Window == 0 {
		p.Window = 3600
	}
	if p.Window < 0.001 || p.Window > 30*86400 {
		return Analytics{}, domain.Invalid("window", strconv.FormatFloat(p.Window, 'g', -1, 64), "seconds, 0.001 to 2592000")
	}
	a, err := r.client().Trades.Analytics(ctx, p.Exchange, p.Symbol, time.Duration(p.Window*float64(time.Second)))
	return Analytics{
		Exchange: p.Exchange, Symbol: p.Symbol, From: Time{a.From}, To: Time{a.To}, Count: a.Count, Volume: Number{a.Volume}, Cost: Number{a.Cost},
		VWAP: known(a.VWAP), Open: known(a.Open), High: known(a.High), Low: known(a.Low), Close: known(a.Close),
		BuyVolume: Number{a.BuyVolume}, SellVolume: Number{a.SellVolume}, Complete: a.Complete,
	}, err
}

// Gap says that trades are missing.
type Gap struct {
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol"`
	FromID    string `json:"from_id"` // the first one that is missing; empty: not known
	ToID      string `json:"to_id"`
	Missing   uint64 `json:"missing"` // how many; 0: not known
	Reason    string `json:"reason"`
	Timestamp Time   `json:"timestamp"`
	Sequence  uint64 `json:"sequence,omitempty"` // in streams the message has it
}

func viewGap(g domain.Gap) Gap {
	return Gap{g.Exchange, g.Symbol, g.FromID, g.ToID, g.Missing, g.Reason, Time{g.Time}, g.Sequence}
}

const defaultGaps = 100

type gapsParams struct {
	marketParams
	Limit int `json:"limit"`
}

// Gaps are the gaps of a market, oldest first.
type Gaps struct {
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
	Gaps     []Gap  `json:"gaps"`
}

func getGaps(ctx context.Context, r *request, p *gapsParams) (Gaps, error) {
	if p.Limit == 0 {
		p.Limit = defaultGaps
	}
	gaps, err := r.client().Trades.Gaps(ctx, p.Exchange, p.Symbol, p.Limit)
	out := Gaps{p.Exchange, p.Symbol, make([]Gap, 0, len(gaps))}
	for _, g := range gaps {
		out.Gaps = append(out.Gaps, viewGap(g))
	}
	return out, err
}

type tradeParams struct {
	marketParams
	TradeID   ID     `json:"trade_id" need:"yes"`
	Side      string `json:"side" need:"yes"`
	Price     Number `json:"price" need:"yes"`
	Volume    Number `json:"volume" need:"yes"`
	Time      Time   `json:"time"`
	Timestamp Time   `json:"timestamp"`
}

func pushTrade(ctx context.Context, r *request, p *tradeParams) (Stored, error) {
	side, err := domain.ParseSide(p.Side)
	if err != nil {
		return Stored{}, err
	}
	at := p.Time.Time
	if at.IsZero() {
		at = p.Timestamp.Time
	}
	return stored(r.client().Trades.Push(ctx, domain.Trade{
		Exchange: p.Exchange, Symbol: p.Symbol, ID: string(p.TradeID), Side: side, Price: p.Price.Decimal, Volume: p.Volume.Decimal, Time: at,
	}))
}

type tradeStreamParams struct {
	Exchange string   `json:"exchange" need:"yes"`
	Symbol   string   `json:"symbol"`
	Symbols  []string `json:"symbols"`
	// Last is how many of the newest trades of each market come first. Default 20.
	Last *int `json:"last"`
	// Resume is the sequence of the last trade that was seen; of one market only.
	Resume uint64 `json:"resume"`
}

func (p *tradeStreamParams) check() error {
	if p.Symbol != "" {
		p.Symbols = append(p.Symbols, p.Symbol)
	}
	switch {
	case len(p.Symbols) == 0:
		return domain.Invalid("symbol", "", "a symbol, or several as symbols")
	case p.Last != nil && (*p.Last < 0 || *p.Last > recentTrades):
		return domain.Invalid("last", strconv.Itoa(*p.Last), "0 to "+strconv.Itoa(recentTrades))
	case p.Resume > 0 && len(p.Symbols) > 1:
		return domain.Invalid("resume", strconv.FormatUint(p.Resume, 10), "one symbol only")
	}
	return nil
}

// Missed says what a stream that is resumed cannot deliver.
type Missed struct {
	After  uint64 `json:"after"`  // the sequence that was resumed from
	Before uint64 `json:"before"` // the first one that is kept
}

func streamTrades(ctx context.Context, r *request, p *tradeStreamParams) (*opening, error) {
	o := &opening{last: defaultLast, after: p.Resume}
	if p.Last != nil {
		o.last = *p.Last
	}
	for _, symbol := range p.Symbols {
		o.sources = append(o.sources, tradeSource(r.client(), p.Exchange, symbol))
	}
	if p.Resume == 0 {
		return o, nil
	}
	// What the feed does not keep Redis may.
	o.last = recentTrades
	trades, err := r.client().Trades.List(ctx, p.Exchange, p.Symbols[0], client.MaxTrades)
	if err != nil {
		return nil, err
	}
	if len(trades) > 0 && trades[0].Sequence > p.Resume {
		o.missed = append(o.missed, &update{name: streamMissed, view: Missed{p.Resume, trades[0].Sequence}})
	}
	for _, t := range trades {
		if t.Sequence > p.Resume {
			o.missed = append(o.missed, tradeUpdateOf(t))
			o.after = t.Sequence
		}
	}
	return o, nil
}

func tradeUpdateOf(t domain.Trade) *update {
	view := viewTrade(t)
	view.Sequence = 0
	return &update{name: tradeUpdate, seq: t.Sequence, view: view}
}

func tradeSource(c *client.Client, exchange, symbol string) source {
	return source{
		key: fmt.Sprintf("trades %s %s", exchange, symbol), keep: recentTrades,
		read: func(ctx context.Context, _ func(string) *update) ([]*update, error) {
			trades, err := c.Trades.List(ctx, exchange, symbol, recentTrades)
			updates := make([]*update, len(trades))
			for i, t := range trades {
				updates[i] = tradeUpdateOf(t)
			}
			return updates, err
		},
		watch: func(ctx context.Context) iter.Seq2[*update, error] {
			return func(yield func(*update, error) bool) {
				for t, err := range c.Trades.Watch(ctx, exchange, symbol, recentTrades) {
					if !yield(tradeUpdateOf(t), err) {
						return
					}
				}
			}
		},
	}
}

func streamGaps(_ context.Context, r *request, p *marketParams) (*opening, error) {
	c := r.client()
	return &opening{sources: []source{{
		key:   fmt.Sprintf("gaps %s %s", p.Exchange, p.Symbol),
		moves: func(ctx context.Context) iter.Seq[error] { return c.Trades.Moves(ctx, p.Exchange, p.Symbol) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			gaps, err := c.Trades.Gaps(ctx, p.Exchange, p.Symbol, defaultGaps)
			return updatesOf(gaps, known,
				func(g *domain.Gap) (string, uint64, any) { return strconv.FormatUint(g.Sequence, 10), g.Sequence, nil },
				func(g domain.Gap) *update {
					view := viewGap(g)
					view.Sequence = 0
					return &update{name: gapUpdate, view: view}
				}), err
		},
	}}}, nil
}
