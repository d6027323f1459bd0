package console

import (
	"time"

	"github.com/fullon/fullon/domain"
)

// The JSON forms. Their names are stable; times are RFC 3339 in UTC, null when
// not known.

type tickView struct {
	Exchange string     `json:"exchange"`
	Symbol   string     `json:"symbol"`
	Price    string     `json:"price"`
	Bid      string     `json:"bid"`
	BidSize  string     `json:"bid_size"`
	Ask      string     `json:"ask"`
	AskSize  string     `json:"ask_size"`
	Last     string     `json:"last"`
	Volume   string     `json:"volume"`
	Time     *time.Time `json:"time"`
	Received *time.Time `json:"received"`
	Sequence uint64     `json:"sequence"`
	AgeMs    int64      `json:"age_ms"`
	Stale    bool       `json:"stale"`
}

func viewTick(t domain.Tick, now time.Time) tickView {
	return tickView{
		Exchange: t.Exchange, Symbol: t.Symbol, Price: t.Price().String(),
		Bid: t.Bid.String(), BidSize: t.BidSize.String(), Ask: t.Ask.String(), AskSize: t.AskSize.String(),
		Last: t.Last.String(), Volume: t.Volume.String(), Time: moment(t.Time), Received: moment(t.Received),
		Sequence: t.Sequence, AgeMs: t.Age(now).Milliseconds(), Stale: t.Stale,
	}
}

type tradeView struct {
	Exchange string     `json:"exchange"`
	Symbol   string     `json:"symbol"`
	TradeID  string     `json:"trade_id"`
	Side     string     `json:"side"`
	Price    string     `json:"price"`
	Volume   string     `json:"volume"`
	Cost     string     `json:"cost"`
	Time     *time.Time `json:"time"`
	Received *time.Time `json:"received"`
	Sequence uint64     `json:"sequence"`
}

func viewTrade(t domain.Trade) tradeView {
	return tradeView{
		Exchange: t.Exchange, Symbol: t.Symbol, TradeID: t.ID, Side: t.Side.String(), Price: t.Price.String(),
		Volume: t.Volume.String(), Cost: t.Cost().String(), Time: moment(t.Time), Received: moment(t.Received), Sequence: t.Sequence,
	}
}

type candleView struct {
	Exchange  string     `json:"exchange"`
	Symbol    string     `json:"symbol"`
	Timeframe string     `json:"timeframe"`
	Time      *time.Time `json:"time"`
	Open      string     `json:"open"`
	High      string     `json:"high"`
	Low       string     `json:"low"`
	Close     string     `json:"close"`
	Volume    string     `json:"volume"`
	Trades    uint64     `json:"trades"`
	Source    string     `json:"source"`
	Closed    bool       `json:"closed"`
	Sequence  uint64     `json:"sequence"`
}

func viewCandle(c domain.Candle) candleView {
	return candleView{
		Exchange: c.Exchange, Symbol: c.Symbol, Timeframe: string(c.Timeframe), Time: moment(c.Time),
		Open: c.Open.String(), High: c.High.String(), Low: c.Low.String(), Close: c.Close.String(), Volume: c.Volume.String(),
		Trades: c.Trades, Source: c.Source.String(), Closed: c.Closed, Sequence: c.Sequence,
	}
}

type streamView struct {
	Stream     string `json:"stream"`
	First      uint64 `json:"first"`
	Last       uint64 `json:"last"`
	Bytes      uint64 `json:"bytes"`
	Checkpoint uint64 `json:"checkpoint"`
	Lag        uint64 `json:"lag"`
	Epoch      uint64 `json:"epoch"`
	// Of what the log keeps, 0 to 1.
	RetentionUsed float64 `json:"retention_used"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
