package kraken

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form; 0 for none.
func short(n json.Number) string {
	if n == "" {
		return "0"
	}
	return domain.MustDecimal(n.String()).String()
}

type element struct {
	Symbol, Side           string
	Price, Qty             json.Number
	Bid, Ask, Last, Volume json.Number
	BidSize                json.Number `json:"bid_qty"`
	AskSize                json.Number `json:"ask_qty"`
	Open, High, Low, Close json.Number
	Trades, Interval       int
	TradeID                uint64 `json:"trade_id"`
	Timestamp              time.Time
	Begin                  time.Time `json:"interval_begin"`
}

// expected computes in the plainest way what one frame alone gives. The last bar
// of a frame is open. Of trades only these, not the ticks that they make.
func expected(raw string) (events []string) {
	var frame struct {
		Channel string
		Data    []element
	}
	if json.Unmarshal([]byte(raw), &frame) != nil {
		return nil // of another form, which is none of those below
	}
	for i, e := range frame.Data {
		switch frame.Channel {
		case "ticker":
			if short(e.Last) != "0" || short(e.Bid) != "0" || short(e.Ask) != "0" {
				events = append(events, fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", e.Symbol, short(e.Last),
					short(e.Bid), short(e.BidSize), short(e.Ask), short(e.AskSize), short(e.Volume), domain.UnixNano(e.Timestamp)))
			}
		case "trade":
			events = append(events, fmt.Sprintf("trade %s %d=%d %s %s of %s @%d", e.Symbol, e.TradeID, e.TradeID, e.Side,
				short(e.Qty), short(e.Price), e.Timestamp.UnixNano()))
		case "ohlc":
			if i < len(frame.Data)-1 {
				tf := map[int]string{1: "1m", 5: "5m", 60: "1h"}[e.Interval]
				events = append(events, fmt.Sprintf("bar %s %s @%d %s %s %s %s %s of %d", e.Symbol, tf, e.Begin.UnixNano(),
					short(e.Open), short(e.High), short(e.Low), short(e.Close), short(e.Volume), e.Trades))
			}
		}
	}
	return events
}

var recordedSymbols = []string{"BTC/USD", "ETH/USD", "AAPLx/USD", "ANETx/USD"}

// alone decodes a frame without what came before.
func alone(t *testing.T, raw string) (events []venuetest.Event) {
	t.Helper()
	sink := venuetest.NewSink()
	newTestDecoder(t, sink, recordedSymbols...).decode([]byte(raw), time.Now())
	return sink.Events()
}

// kept leaves out the ticks that trades make.
func kept(events []venuetest.Event, want []string) []string {
	texts := venuetest.Described(events, "")
	if len(want) > 0 && want[0][:5] == "trade" {
		return venuetest.Described(events, "trade")
	}
	return texts
}

func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	told := 0
	for _, name := range []string{"kraken/kraken-async-rs/v2_frames.ndjson", "kraken/nautilus/ws.ndjson"} {
		venuetest.Each(t, venuetest.Recording(t, name), func(line venuetest.Line) {
			want := expected(line.Raw)
			venuetest.Same(t, line.File+" "+line.Raw, kept(alone(t, line.Raw), want), want)
			told += len(want)
		})
	}
	if told < 8 {
		t.Errorf("the frames told %d events", told)
	}
}

// The results of another project for the same frames. The pairs of version 1
// are frames that this adapter never gets, and refuses.
func TestRecordedPairs(t *testing.T) {
	t.Parallel()
	compared := 0
	venuetest.Each(t, venuetest.Recording(t, "kraken/tardis-node/kraken.pairs.ndjson"), func(pair venuetest.Pair) {
		events := alone(t, pair.Raw)
		if pair.Raw[0] == '[' {
			if len(events) != 1 || events[0].Refused != "malformed" {
				t.Errorf("%s: got %+v", pair.Case, events)
			}
			return
		}
		var trades, ticks []string
		for _, e := range pair.Expected {
			compared++
			switch e.Type {
			case "trade":
				trades = append(trades, fmt.Sprintf("trade %s %s=%s %s %s of %s @%d", e.Symbol, e.ID, e.ID, e.Side, e.Amount, e.Price, e.Timestamp.UnixNano()))
			case "book_ticker":
				ticks = append(ticks, fmt.Sprintf("tick %s 0 %s/%s %s/%s 0 @%d", e.Symbol, e.BidPrice, e.BidAmount, e.AskPrice, e.AskAmount, e.Timestamp.UnixNano()))
			default: // books, which are not read here
				compared--
				if len(events) != 1 || events[0].Refused != "unknown kind" {
					t.Errorf("%s: got %+v", pair.Case, events)
				}
			}
		}
		got := venuetest.Described(events, "trade")
		if len(got) > 0 && len(trades) == 0 {
			// They drop snapshots; here the trades of one are handed on, and dropped
			// by their numbers if they are known already.
			trades = expected(pair.Raw)
		}
		venuetest.Same(t, pair.Case, got, trades)
		if len(trades) == 0 {
			venuetest.Same(t, pair.Case, venuetest.Described(events, "tick"), ticks)
		}
	})
	if compared < 2 {
		t.Errorf("%d results were compared", compared)
	}
}
