package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/fullon/fullon/domain"
)

func candleOperations() []operation {
	return []operation{
		define(operation{name: "get_latest_ohlcv_bars", aliases: []string{"get_candles"}, topic: topicOHLCV, area: market,
			about: "the newest bars of a market, oldest first, or those between two times"}, getBars),
		define(operation{name: "put_candle", aliases: []string{"update_ohlcv_bars"}, area: market, kind: writes, about: "stores a bar, in place of the one of its time"}, putCandle),
		defineStream(operation{name: "stream_ohlcv_updates", aliases: []string{"stream_ohlcv", "stream_candles"}, topic: topicOHLCV, area: market,
			about: "the newest bars of a market whenever they change, the forming one too"}, []message{sent[BarUpdate](barUpdate)}, streamBars),
	}
}

const barUpdate = "ohlcv_update"

// Bar is [time, open, high, low, close, volume].
type Bar struct {
	Time                           Time
	Open, High, Low, Close, Volume Number
}

func viewBar(c domain.Candle) Bar {
	return Bar{Time{c.Time}, Number{c.Open}, Number{c.High}, Number{c.Low}, Number{c.Close}, Number{c.Volume}}
}

// MarshalJSON implements json.Marshaler.
func (b Bar) MarshalJSON() ([]byte, error) {
	return json.Marshal([...]any{b.Time, b.Open, b.High, b.Low, b.Close, b.Volume})
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (b Bar) EncodeMsgpack(e *msgpack.Encoder) error {
	return e.Encode([]any{b.Time, b.Open, b.High, b.Low, b.Close, b.Volume})
}

type barsParams struct {
	// Exchange may be left out where only one has the symbol.
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol" need:"yes"`
	Timeframe string `json:"timeframe" need:"yes"`
	Count     int    `json:"count"`
	From      Time   `json:"from"`
	To        Time   `json:"to"`
}

// Bars are bars of a market, oldest first.
type Bars struct {
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol"`
	Timeframe string `json:"timeframe"`
	Bars      []Bar  `json:"bars"`
	// Details are of each bar what it has no place for.
	Details []BarDetail `json:"details"`
}

// BarDetail is what else is known of a bar.
type BarDetail struct {
	Trades   uint64 `json:"trades"`             // in the bar; 0: not known
	Closed   bool   `json:"closed"`             // the venue says that it is final
	Source   string `json:"source"`             // venue or trades
	Sequence uint64 `json:"sequence,omitempty"` // in streams the message has it
}

func viewDetail(c domain.Candle) BarDetail {
	return BarDetail{c.Trades, c.Closed, c.Source.String(), c.Sequence}
}

// defaultBars is how many the protocol says.
const defaultBars = 10

func getBars(ctx context.Context, r *request, p *barsParams) (Bars, error) {
	exchange, err := exchangeOf(ctx, r, p.Exchange, p.Symbol)
	if err != nil {
		return Bars{}, err
	}
	var bars []domain.Candle
	if p.From.IsZero() != p.To.IsZero() {
		return Bars{}, domain.Invalid("to", "", "from and to, both or neither")
	}
	if p.Count == 0 {
		p.Count = defaultBars
	}
	if p.From.IsZero() {
		bars, err = r.client().Candles.Latest(ctx, exchange, p.Symbol, domain.Timeframe(p.Timeframe), p.Count)
	} else {
		bars, err = r.client().Candles.Between(ctx, exchange, p.Symbol, domain.Timeframe(p.Timeframe), p.From.Time, p.To.Time)
	}
	out := Bars{exchange, p.Symbol, p.Timeframe, make([]Bar, 0, len(bars)), make([]BarDetail, 0, len(bars))}
	for _, c := range bars {
		out.Bars, out.Details = append(out.Bars, viewBar(c)), append(out.Details, viewDetail(c))
	}
	if err == nil && len(bars) == 0 && !r.dialect.lenient() {
		err = fail("OHLCV_NOT_FOUND", fmt.Sprintf("no bars of %s %s %s", exchange, p.Symbol, p.Timeframe))
	}
	return out, notFound(err, "OHLCV_NOT_FOUND")
}

// exchangeOf is the exchange that a request is about. Those of the Python server
// do not say it.
func exchangeOf(ctx context.Context, r *request, exchange, symbol string) (string, error) {
	if exchange != "" {
		return exchange, domain.CheckExchange(exchange)
	}
	tick, err := r.client().Ticks.Any(ctx, symbol)
	if err != nil {
		return "", notFound(err, "OHLCV_NOT_FOUND")
	}
	return tick.Exchange, nil
}

type candleParams struct {
	marketParams
	Timeframe string `json:"timeframe" need:"yes"`
	Time      Time   `json:"time" need:"yes"` // when the bar begins
	Open      Number `json:"open" need:"yes"`
	High      Number `json:"high" need:"yes"`
	Low       Number `json:"low" need:"yes"`
	Close     Number `json:"close" need:"yes"`
	Volume    Number `json:"volume"`
	Trades    uint64 `json:"trades"`
	Closed    bool   `json:"closed"`
}

func putCandle(ctx context.Context, r *request, p *candleParams) (Stored, error) {
	return stored(r.client().Candles.Put(ctx, domain.Candle{
		Exchange: p.Exchange, Symbol: p.Symbol, Timeframe: domain.Timeframe(p.Timeframe), Time: p.Time.Time, Open: p.Open.Decimal, High: p.High.Decimal,
		Low: p.Low.Decimal, Close: p.Close.Decimal, Volume: p.Volume.Decimal, Trades: p.Trades, Closed: p.Closed, Source: domain.FromVenue,
	}))
}

type barStreamParams struct {
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol" need:"yes"`
	Timeframe string `json:"timeframe" need:"yes"`
}

// BarUpdate is a bar that changed.
type BarUpdate struct {
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol"`
	Timeframe string `json:"timeframe"`
	Bar       Bar    `json:"bar"`
	BarDetail
}

// watchedBars is how many of the newest bars are watched: those that trades can
// still change.
const watchedBars = 16

func streamBars(ctx context.Context, r *request, p *barStreamParams) (*opening, error) {
	exchange, err := exchangeOf(ctx, r, p.Exchange, p.Symbol)
	if err != nil {
		return nil, err
	}
	c := r.client()
	return &opening{sources: []source{{
		key: fmt.Sprintf("candles %s %s %s", exchange, p.Symbol, p.Timeframe), conflated: true,
		moves: func(ctx context.Context) iter.Seq[error] { return c.Trades.Moves(ctx, exchange, p.Symbol) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			bars, err := c.Candles.Latest(ctx, exchange, p.Symbol, domain.Timeframe(p.Timeframe), watchedBars)
			return updatesOf(bars, known,
				func(c *domain.Candle) (string, uint64, any) {
					return strconv.FormatInt(c.Time.Unix(), 10), c.Sequence, c.Closed
				},
				func(c domain.Candle) *update {
					detail := viewDetail(c)
					detail.Sequence = 0
					return &update{name: barUpdate, view: BarUpdate{c.Exchange, c.Symbol, string(c.Timeframe), viewBar(c), detail}}
				}), err
		},
	}}}, nil
}
