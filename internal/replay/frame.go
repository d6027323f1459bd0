package replay

import (
	"encoding/json"
	"strings"

	"github.com/fullon/fullon/internal/sim/streamproto"
)

// frame is one message of a stream.
type frame struct {
	at      int64  // unix nanoseconds when it was recorded
	stream  string // "btcusdt@trade"
	text    []byte // as recorded, for combined connections
	payload []byte // for raw connections
	event   event
}

// event is the fields of a payload that the server itself needs. Names that
// differ in case only are both listed, because encoding/json would otherwise
// take one for the other.
type event struct {
	Kind   string          `json:"e"`
	Sent   json.RawMessage `json:"E"`
	Symbol string          `json:"s"`
	ID     json.RawMessage `json:"t"`
	Time   json.RawMessage `json:"T"`
	Price  json.RawMessage `json:"p"`
	Change json.RawMessage `json:"P"`
	Qty    json.RawMessage `json:"q"`
	QtyBig json.RawMessage `json:"Q"`
	Maker  json.RawMessage `json:"m"`
	Best   json.RawMessage `json:"M"`
	Update json.RawMessage `json:"u"`
	First  json.RawMessage `json:"U"`
	Bid    json.RawMessage `json:"b"`
	BidQty json.RawMessage `json:"B"`
	Ask    json.RawMessage `json:"a"`
	AskQty json.RawMessage `json:"A"`
	Kline  json.RawMessage `json:"k"`
}

// parseFrame reads a recorded text; ok is false when it is no frame of a stream.
func parseFrame(at int64, raw string) (f frame, ok bool) {
	f = frame{at: at, text: []byte(raw), payload: []byte(raw)}
	var outer struct {
		Stream string          `json:"stream"`
		Data   json.RawMessage `json:"data"`
	}
	if json.Unmarshal(f.text, &outer) != nil {
		return f, false
	}
	combined := outer.Stream != "" && len(outer.Data) > 0
	if combined {
		f.stream, f.payload = outer.Stream, outer.Data
	}
	if err := json.Unmarshal(f.payload, &f.event); err != nil {
		// Streams of all symbols carry lists; they are played, not looked into.
		f.event = event{}
	}
	if combined {
		return f, true
	}
	f.stream = f.event.stream()
	f.text = streamproto.Wrap(f.stream, f.payload)
	return f, f.stream != ""
}

// stream is the name that a raw payload's stream must have had, empty for none.
func (e *event) stream() string {
	if e.Symbol == "" {
		return ""
	}
	lower := strings.ToLower(e.Symbol)
	switch e.Kind {
	case "":
		if e.Update != nil && e.Bid != nil && e.Ask != nil {
			return lower + "@bookTicker"
		}
		return ""
	case "24hrTicker":
		return lower + "@ticker"
	case "24hrMiniTicker":
		return lower + "@miniTicker"
	case "depthUpdate":
		return lower + "@depth"
	case "kline":
		var k struct {
			Interval string `json:"i"`
		}
		if json.Unmarshal(e.Kline, &k) != nil || k.Interval == "" {
			return ""
		}
		return lower + "@kline_" + k.Interval
	}
	return lower + "@" + e.Kind
}
