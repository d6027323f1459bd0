package binance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// journal writes events down as text, numbers without superfluous zeros.
type journal struct {
	ticks, trades []string
	refused       map[string]int
	last          domain.Tick
}

func (j *journal) Tick(t domain.Tick) {
	if t.Order().OlderThan(j.last.Order()) {
		panic("a tick is older than the one before")
	}
	j.last = t
	ms := int64(0)
	if !t.Time.IsZero() {
		ms = t.Time.UnixMilli()
	}
	j.ticks = append(j.ticks, fmt.Sprintf("%s: %s %s/%s %s/%s @%d #%d, received %d",
		t.Symbol, t.Last, t.Bid, t.BidSize, t.Ask, t.AskSize, ms, t.VenueSeq, t.Received.UnixNano()))
}

func (j *journal) Trade(t venue.NumberedTrade) {
	j.trades = append(j.trades, fmt.Sprintf("%s: %d=%s %s %s of %s @%d, received %d",
		t.Symbol, t.Number, t.ID, t.Side, t.Volume, t.Price, t.Time.UnixMilli(), t.Received.UnixNano()))
}

func (j *journal) Candle(domain.Candle)         {}
func (j *journal) Heard(time.Time)              {}
func (j *journal) Connected(bool, string)       {}
func (j *journal) Refused(kind string, _ error) { j.refused[kind]++ }

// reference computes the same from the same frames in the plainest way.
type reference struct {
	symbol, last, bid, bidSize, ask, askSize string
	seq, latest, tradeAt, tradeNo            int64
	journal
}

type plainMessage struct {
	Event    string          `json:"e"`
	Sent     int64           `json:"E"`
	TradeID  int64           `json:"t"`
	TradedAt int64           `json:"T"`
	Update   int64           `json:"u"`
	Bid      json.RawMessage `json:"b"` // text, or a list in depth updates
	BidSize  string          `json:"B"`
	Ask      json.RawMessage `json:"a"`
	AskSize  string          `json:"A"`
	Price    string          `json:"p"`
	Size     string          `json:"q"`
	Maker    bool            `json:"m"`
	Best     bool            `json:"M"` // or it would be taken for "m"
	First    int64           `json:"U"` // likewise
	Query    json.RawMessage `json:"Q"`
	Percent  json.RawMessage `json:"P"`
}

func plainNumber(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func (r *reference) take(t *testing.T, raw string, received int64) {
	var wrapped struct{ Data json.RawMessage }
	var m plainMessage
	if err := json.Unmarshal([]byte(raw), &wrapped); err != nil {
		t.Fatal(err)
	}
	if wrapped.Data == nil {
		r.refused["unknown kind"]++ // a book snapshot
		return
	}
	if err := json.Unmarshal(wrapped.Data, &m); err != nil {
		t.Fatal(err)
	}
	quoted := func(b json.RawMessage) string { return plainNumber(strings.Trim(string(b), `"`)) }
	switch {
	case m.Event == "trade":
		side := map[bool]string{true: "sell", false: "buy"}[m.Maker]
		r.trades = append(r.trades, fmt.Sprintf("%s: %d=%d %s %s of %s @%d, received %d",
			r.symbol, m.TradeID, m.TradeID, side, plainNumber(m.Size), plainNumber(m.Price), m.TradedAt, received))
		r.latest = max(r.latest, m.Sent, m.TradedAt)
		if m.TradedAt > r.tradeAt || m.TradedAt == r.tradeAt && m.TradeID >= r.tradeNo {
			r.last, r.tradeAt, r.tradeNo = plainNumber(m.Price), m.TradedAt, m.TradeID
			r.tick(received)
		}
	case m.Event == "" && m.Update > r.seq:
		r.bid, r.bidSize, r.ask, r.askSize = quoted(m.Bid), plainNumber(m.BidSize), quoted(m.Ask), plainNumber(m.AskSize)
		r.seq = m.Update
		r.tick(received)
	case m.Event == "":
	default:
		r.refused["unknown kind"]++
	}
}

func (r *reference) tick(received int64) {
	text := fmt.Sprintf("%s: %s %s/%s %s/%s @%d #%d", r.symbol, r.last, r.bid, r.bidSize, r.ask, r.askSize, r.latest, r.seq)
	if n := len(r.ticks); n > 0 && strings.HasPrefix(r.ticks[n-1], text+",") {
		return // nothing changed
	}
	r.ticks = append(r.ticks, fmt.Sprintf("%s, received %d", text, received))
}

func TestRecordedFeeds(t *testing.T) {
	t.Parallel()
	for symbol, name := range map[string]string{
		"BTC/USDT": "hftbacktest/spot_btcusdt_20240808.ndjson.gz",
		"ETH/USDT": "hftbacktest/spot_ethusdt_20240808.ndjson.gz",
	} {
		t.Run(symbol, func(t *testing.T) {
			t.Parallel()
			lines := venuetest.Recording(t, "binance/"+name)
			got := &journal{refused: map[string]int{}}
			want := &reference{
				symbol: symbol, last: "0", bid: "0", bidSize: "0", ask: "0", askSize: "0",
				journal: journal{refused: map[string]int{}},
			}
			d := newDecoder(t, Config{}, got, symbol)
			for {
				var line struct {
					Received int64  `json:"t_ns"`
					Dir      string `json:"dir"`
					Raw      string `json:"raw"`
				}
				if err := lines.Decode(&line); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if line.Dir == "recv" {
					d.decode([]byte(line.Raw), time.Unix(0, line.Received))
					want.take(t, line.Raw, line.Received)
				}
			}
			compare(t, "trades", got.trades, want.trades)
			compare(t, "ticks", got.ticks, want.ticks)
			if fmt.Sprint(got.refused) != fmt.Sprint(want.refused) {
				t.Errorf("refused %v, want %v", got.refused, want.refused)
			}
			t.Logf("%d trades, %d ticks, refused %v", len(got.trades), len(got.ticks), got.refused)
		})
	}
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) || len(want) < 1000 {
		t.Errorf("%d %s, want %d, and many", len(got), what, len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s %d:\n got %s\nwant %s", what, i, got[i], want[i])
		}
	}
}

// The results of another project for the same frames.
func TestRecordedPairs(t *testing.T) {
	t.Parallel()
	pairs := venuetest.Recording(t, "binance/tardis-node/binance.pairs.ndjson")
	symbols := map[string]string{
		"BNBBTC": "BNB/BTC", "BTCUSDT": "BTC/USDT", "DOGEBNB": "DOGE/BNB", "BTCUSDC": "BTC/USDC", "GNTBTC": "GNT/BTC",
	}
	var names []string
	for _, name := range symbols {
		names = append(names, name)
	}
	trades, quotes := 0, 0
	for {
		var pair struct {
			Case     string
			Raw      string
			Expected []struct {
				Type, Symbol, ID, Side                   string
				Price, Amount                            json.Number
				AskPrice, AskAmount, BidPrice, BidAmount json.Number
				Timestamp                                time.Time
			}
		}
		if err := pairs.Decode(&pair); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got := &lastEvents{}
		newDecoder(t, Config{}, got, names...).decode([]byte(pair.Raw), time.Now())
		for _, e := range pair.Expected {
			switch e.Type {
			case "trade":
				trades++
				x := got.trade
				if x.Symbol != symbols[e.Symbol] || x.ID != e.ID || x.Side.String() != e.Side || !x.Time.Equal(e.Timestamp) ||
					x.Price.String() != e.Price.String() || x.Volume.String() != e.Amount.String() {
					t.Errorf("%s: got %+v, want %+v", pair.Case, x, e)
				}
			case "book_ticker":
				quotes++
				x := got.tick
				if x.Symbol != symbols[e.Symbol] || x.Bid.String() != e.BidPrice.String() || x.BidSize.String() != e.BidAmount.String() ||
					x.Ask.String() != e.AskPrice.String() || x.AskSize.String() != e.AskAmount.String() {
					t.Errorf("%s: got %+v, want %+v", pair.Case, x, e)
				}
			default: // books, which are not read here
				if got.refused != "unknown kind" {
					t.Errorf("%s: refused as %q", pair.Case, got.refused)
				}
			}
		}
	}
	if trades == 0 || quotes == 0 {
		t.Errorf("%d trades and %d quotes in the pairs", trades, quotes)
	}
}

// lastEvents keeps the last of each kind.
type lastEvents struct {
	journal
	tick    domain.Tick
	trade   venue.NumberedTrade
	refused string
}

func (l *lastEvents) Tick(t domain.Tick)           { l.tick = t }
func (l *lastEvents) Trade(t venue.NumberedTrade)  { l.trade = t }
func (l *lastEvents) Refused(kind string, _ error) { l.refused = kind }
