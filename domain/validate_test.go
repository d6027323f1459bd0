package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// invalid is a change to a valid event and the field that the error must name;
// an empty field says that the event stays valid.
type invalid[T any] struct {
	field  string
	change func(*T)
}

func check[T domain.Event](t *testing.T, valid T, cases []invalid[T]) {
	t.Helper()
	wantField(t, valid.Validate(), "")
	for _, c := range cases {
		ev := valid
		c.change(&ev)
		wantField(t, ev.Validate(), c.field)
	}
}

func TestTickValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := domain.Tick{Exchange: "binance", Symbol: "BTC/USDT", Last: dec("1"), Time: noon, Received: noon}
	check(t, valid, []invalid[domain.Tick]{
		{"exchange", func(v *domain.Tick) { v.Exchange = "" }},
		{"exchange", func(v *domain.Tick) { v.Exchange = "Binance" }},
		{"exchange", func(v *domain.Tick) { v.Exchange = "a.b" }},
		{"exchange", func(v *domain.Tick) { v.Exchange = strings.Repeat("a", 65) }},
		{"symbol", func(v *domain.Tick) { v.Symbol = "" }},
		{"symbol", func(v *domain.Tick) { v.Symbol = "BTCUSDT" }},
		{"symbol", func(v *domain.Tick) { v.Symbol = "BTC/US DT" }},
		{"last", func(v *domain.Tick) { v.Last = dec("-1") }},
		{"bid", func(v *domain.Tick) { v.Bid = dec("-1") }},
		{"bid_size", func(v *domain.Tick) { v.BidSize = dec("-1") }},
		{"ask", func(v *domain.Tick) { v.Ask = dec("-1") }},
		{"ask_size", func(v *domain.Tick) { v.AskSize = dec("-1") }},
		{"volume", func(v *domain.Tick) { v.Volume = dec("-1") }},
		{"volume", func(v *domain.Tick) { v.Volume = dec("9999999999999999999").Add64(1) }},
		{"tick", func(v *domain.Tick) { v.Last = domain.Decimal{} }},
		{"time", func(v *domain.Tick) { v.Time = time.Unix(-1, 0) }},
		{"time", func(v *domain.Tick) { v.Time = noon.AddDate(500, 0, 0) }},
		{"received", func(v *domain.Tick) { v.Received = time.Unix(-1, 0) }},
		{"", func(v *domain.Tick) { v.Time, v.Received = time.Time{}, time.Time{} }},
		{"", func(v *domain.Tick) { v.Last, v.Ask = domain.Decimal{}, dec("1") }},
	})
}

func TestTradeValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := domain.Trade{
		Exchange: "kraken", Symbol: "BTC/USDT:USDT", ID: "17", Side: domain.Sell, Price: dec("1"), Volume: dec("2"), Time: noon,
	}
	check(t, valid, []invalid[domain.Trade]{
		{"exchange", func(v *domain.Trade) { v.Exchange = "no spaces" }},
		{"symbol", func(v *domain.Trade) { v.Symbol = "BTC/" }},
		{"trade_id", func(v *domain.Trade) { v.ID = "" }},
		{"trade_id", func(v *domain.Trade) { v.ID = "a b" }},
		{"trade_id", func(v *domain.Trade) { v.ID = strings.Repeat("1", 65) }},
		{"side", func(v *domain.Trade) { v.Side = 0 }},
		{"side", func(v *domain.Trade) { v.Side = 3 }},
		{"price", func(v *domain.Trade) { v.Price = dec("0") }},
		{"price", func(v *domain.Trade) { v.Price = dec("-1") }},
		{"volume", func(v *domain.Trade) { v.Volume = dec("0") }},
		{"time", func(v *domain.Trade) { v.Time = time.Time{} }},
		{"time", func(v *domain.Trade) { v.Time = time.UnixMilli(0) }}, // a venue's zero
		{"time", func(v *domain.Trade) { v.Time = time.Unix(-5, 0) }},
		{"received", func(v *domain.Trade) { v.Received = time.Unix(-5, 0) }},
	})
}

func TestCandleValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "4h", Time: noon, Open: dec("2"), High: dec("3"), Low: dec("1"),
		Close: dec("2.5"), Source: domain.FromVenue,
	}
	check(t, valid, []invalid[domain.Candle]{
		{"exchange", func(v *domain.Candle) { v.Exchange = "" }},
		{"symbol", func(v *domain.Candle) { v.Symbol = "BTC" }},
		{"timeframe", func(v *domain.Candle) { v.Timeframe = "2m" }},
		{"time", func(v *domain.Candle) { v.Time = noon.Add(time.Hour) }},
		{"time", func(v *domain.Candle) { v.Time = time.Time{} }},
		{"time", func(v *domain.Candle) { v.Time = time.Unix(0, 0) }},
		{"open", func(v *domain.Candle) { v.Open = dec("0") }},
		{"high", func(v *domain.Candle) { v.High = dec("0") }},
		{"low", func(v *domain.Candle) { v.Low = dec("-1") }},
		{"close", func(v *domain.Candle) { v.Close = dec("0") }},
		{"volume", func(v *domain.Candle) { v.Volume = dec("-1") }},
		{"high", func(v *domain.Candle) { v.High = dec("2.4") }},
		{"high", func(v *domain.Candle) { v.Low = dec("2.1") }},
		{"high", func(v *domain.Candle) { v.High, v.Low = dec("1"), dec("3") }},
		{"source", func(v *domain.Candle) { v.Source = 0 }},
		{"", func(v *domain.Candle) { v.High, v.Low, v.Close = v.Open, v.Open, v.Open }},
	})
}

func TestFeedValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: noon, Interval: time.Second}
	check(t, valid, []invalid[domain.Feed]{
		{"exchange", func(v *domain.Feed) { v.Exchange = "*" }},
		{"state", func(v *domain.Feed) { v.State = 0 }},
		{"state", func(v *domain.Feed) { v.State = 4 }},
		{"interval", func(v *domain.Feed) { v.Interval = 0 }},
		{"interval", func(v *domain.Feed) { v.Interval = time.Hour + 1 }},
		{"time", func(v *domain.Feed) { v.Time = time.Time{} }},
		{"heard", func(v *domain.Feed) { v.Heard = time.Unix(-1, 0) }},
	})
}

func TestGapValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := domain.Gap{Exchange: "binance", Symbol: "BTC/USDT", FromID: "5", ToID: "9", Missing: 5, Reason: "away", Time: noon}
	check(t, valid, []invalid[domain.Gap]{
		{"exchange", func(v *domain.Gap) { v.Exchange = "" }},
		{"symbol", func(v *domain.Gap) { v.Symbol = "/USDT" }},
		{"from_id", func(v *domain.Gap) { v.FromID = "a\tb" }},
		{"to_id", func(v *domain.Gap) { v.ToID = strings.Repeat("9", 65) }},
		{"reason", func(v *domain.Gap) { v.Reason = strings.Repeat("x", 513) }},
		{"time", func(v *domain.Gap) { v.Time = time.Time{} }},
		{"", func(v *domain.Gap) { v.FromID, v.ToID, v.Reason = "", "", "" }},
	})
}

func TestTickDeletedValidateNamesTheField(t *testing.T) {
	t.Parallel()
	check(t, domain.TickDeleted{Exchange: "binance", Symbol: "BTC/USDT"}, []invalid[domain.TickDeleted]{
		{"exchange", func(v *domain.TickDeleted) { v.Exchange = "" }},
		{"symbol", func(v *domain.TickDeleted) { v.Symbol = "BTC" }},
	})
}
