package domain

import (
	"slices"
	"strings"
	"time"
)

// Timeframe is the length of a candle: one of Timeframes.
type Timeframe string

// Timeframes are the supported lengths, shortest first.
var Timeframes = []Timeframe{"1m", "5m", "15m", "30m", "1h", "4h", "1d"}

var timeframeLengths = map[Timeframe]time.Duration{
	"1m": time.Minute, "5m": 5 * time.Minute, "15m": 15 * time.Minute, "30m": 30 * time.Minute,
	"1h": time.Hour, "4h": 4 * time.Hour, "1d": 24 * time.Hour,
}

// ParseTimeframe takes one of Timeframes; the error is a *FieldError.
func ParseTimeframe(text string) (Timeframe, error) {
	if tf := Timeframe(text); slices.Contains(Timeframes, tf) {
		return tf, nil
	}
	names := make([]string, len(Timeframes))
	for i, tf := range Timeframes {
		names[i] = string(tf)
	}
	return "", Invalid("timeframe", text, "one of "+strings.Join(names, ", "))
}

// Duration is the timeframe's length, zero for an unsupported one.
func (tf Timeframe) Duration() time.Duration { return timeframeLengths[tf] }

// Start is when the bar that holds t begins, aligned to midnight UTC.
func (tf Timeframe) Start(t time.Time) time.Time { return t.UTC().Truncate(tf.Duration()) }

// CandleSource tells where a bar came from.
type CandleSource uint8

// The sources. A venue's bar wins over one built from its trades.
const (
	FromTrades CandleSource = 1
	FromVenue  CandleSource = 2
)

func (s CandleSource) String() string {
	switch s {
	case FromTrades:
		return "trades"
	case FromVenue:
		return "venue"
	}
	return "unknown"
}

// Candle is one OHLCV bar.
type Candle struct {
	Exchange  string
	Symbol    string
	Timeframe Timeframe
	Time      time.Time // when the bar begins, UTC
	Open      Decimal
	High      Decimal
	Low       Decimal
	Close     Decimal
	Volume    Decimal // base units
	Trades    uint64  // trades in the bar; zero: not known
	Source    CandleSource
	Closed    bool // the venue says that the bar is final

	Sequence uint64 // position in the log of what last changed it; set by readers
}

// Validate tells what is wrong with the candle. The error is a *FieldError.
func (c Candle) Validate() error {
	if err := checkMarket(c.Exchange, c.Symbol); err != nil {
		return err
	}
	if _, err := ParseTimeframe(string(c.Timeframe)); err != nil {
		return err
	}
	if c.Time.Unix() <= 0 || c.Time.Unix() >= lastTime || !c.Timeframe.Start(c.Time).Equal(c.Time) {
		return Invalid("time", c.Time.UTC().Format(time.RFC3339Nano), "the beginning of a "+string(c.Timeframe)+" bar")
	}
	for _, f := range [...]struct {
		name  string
		value Decimal
	}{{"open", c.Open}, {"high", c.High}, {"low", c.Low}, {"close", c.Close}} {
		if err := positive(f.name, f.value); err != nil {
			return err
		}
	}
	if err := nonNegative("volume", c.Volume); err != nil {
		return err
	}
	if c.High.LessThan(c.Low) || c.High.LessThan(c.Open) || c.High.LessThan(c.Close) ||
		c.Low.GreaterThan(c.Open) || c.Low.GreaterThan(c.Close) {
		return Invalid("high", c.High.String(), "no less than low, open and close, and low no more than them")
	}
	if c.Source != FromTrades && c.Source != FromVenue {
		return Invalid("source", c.Source.String(), "trades or venue")
	}
	return nil
}
