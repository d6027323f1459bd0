package kraken_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/kraken"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form.
func short(text string) string { return domain.MustDecimal(text).String() }

func body(t *testing.T, file string) string {
	t.Helper()
	return venuetest.RecordedBody(t, "kraken/nautilus/http.ndjson.gz", file)
}

// recordedTrades are the 1000 trades of a recorded REST answer, read in the
// plainest way.
func recordedTrades(t *testing.T) (list []venuetest.Trade) {
	t.Helper()
	var answer struct{ Result map[string]any }
	decoder := json.NewDecoder(strings.NewReader(body(t, "http_trades.json")))
	decoder.UseNumber()
	if err := decoder.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	for _, r := range answer.Result["XBTUSDT"].([]any) {
		v := r.([]any)
		seconds, _ := new(big.Rat).SetString(v[2].(json.Number).String())
		micros := new(big.Int).Quo(new(big.Int).Mul(seconds.Num(), big.NewInt(1_000_000)), seconds.Denom()).Int64()
		number, _ := v[6].(json.Number).Int64()
		list = append(list, venuetest.Trade{
			Number: uint64(number), Side: map[string]domain.Side{"b": domain.Buy, "s": domain.Sell}[v[3].(string)],
			Price: v[0].(string), Volume: v[1].(string), Time: time.UnixMicro(micros).UTC(),
		})
	}
	return list
}

func text(symbol string, t venuetest.Trade) string {
	return fmt.Sprintf("trade %s %d=%d %s %s of %s @%d", symbol, t.Number, t.Number, t.Side, short(t.Volume), short(t.Price), t.Time.UnixNano())
}

// Recorded trades come over a socket as version 2 sends them, of which there is no
// recording: they are those of a recorded REST answer.
func TestRecordedTradesOverASocket(t *testing.T) {
	t.Parallel()
	const symbol = "BTC/USDT"
	s := script()
	var frames, trades []string
	recorded := recordedTrades(t)
	for page := range slices.Chunk(recorded, 7) { // many in a frame, as in busy times
		frames = append(frames, s.Trades(symbol, page...)...)
	}
	for _, r := range recorded {
		trades = append(trades, text(symbol, r))
	}
	events := venuetest.Play(t, s, []string{symbol}, frames)
	venuetest.Same(t, "trades", venuetest.Described(events, "trade"), trades)
	// The last price of each distinct time of a trade.
	var lasts []string
	for i, r := range recorded {
		if i == 0 || r.Price != recorded[i-1].Price || !r.Time.Equal(recorded[i-1].Time) {
			lasts = append(lasts, fmt.Sprintf("tick %s %s 0/0 0/0 0 @%d", symbol, short(r.Price), r.Time.UnixNano()))
		}
	}
	venuetest.Same(t, "ticks of the trades", venuetest.Described(events, "tick "+symbol), lasts)
	wantNoneRefused(t, events)
	t.Logf("%d trades, %d ticks", len(trades), len(lasts))
	if len(trades) != 1000 {
		t.Errorf("%d trades were played", len(trades))
	}
}

func wantNoneRefused(t *testing.T, events []venuetest.Event) {
	t.Helper()
	for _, e := range events {
		if e.Refused != "" {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
}

// market merges in the plainest way.
type market struct {
	last, bid, bidSize, ask, askSize, volume string
	at, tradeAt                              int64 // ns
	trades                                   int
}

func (m *market) tick(symbol string) string {
	number := func(text string) string {
		if text == "" {
			return "0"
		}
		return short(text)
	}
	return fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", symbol, number(m.last), number(m.bid), number(m.bidSize), number(m.ask), number(m.askSize),
		number(m.volume), m.at)
}

// Recordings of version 1, which has neither numbers of trades nor times of tickers,
// are played in the form of version 2: trades are counted, tickers have the time at
// which they were recorded.
func TestRecordingsArePlayed(t *testing.T) {
	t.Parallel()
	var lines []venuetest.Line
	for _, name := range []string{"kraken/cryptofeed/kraken.ws.48.0.ndjson.gz", "kraken/cryptofeed/kraken.ws.49.0.ndjson.gz"} {
		venuetest.Each(t, venuetest.Recording(t, name), func(line venuetest.Line) { lines = append(lines, line) })
	}
	slices.SortStableFunc(lines, func(a, b venuetest.Line) int { return cmp.Compare(a.Received, b.Received) })
	var trades []string
	ticks, markets := map[string][]string{}, map[string]*market{}
	for _, line := range lines {
		var message []json.RawMessage
		if line.Dir != "recv" || json.Unmarshal([]byte(line.Raw), &message) != nil || len(message) != 4 {
			continue
		}
		var symbol string
		if err := json.Unmarshal(message[3], &symbol); err != nil {
			t.Fatal(err)
		}
		symbol = strings.Replace(symbol, "XBT", "BTC", 1)
		m := markets[symbol]
		if m == nil {
			m = &market{}
			markets[symbol] = m
		}
		tell := func(change func()) {
			before := m.tick(symbol)
			if change(); m.tick(symbol) != before {
				ticks[symbol] = append(ticks[symbol], m.tick(symbol))
			}
		}
		if string(message[2]) == `"ticker"` {
			var v struct{ A, B, C, V []any }
			if err := json.Unmarshal(message[1], &v); err != nil {
				t.Fatal(err)
			}
			at := line.Received / 1000 * 1000
			tell(func() {
				if m.last == "" || at > m.tradeAt {
					m.last = v.C[0].(string)
				}
				m.bid, m.bidSize, m.ask, m.askSize = v.B[0].(string), v.B[2].(string), v.A[0].(string), v.A[2].(string)
				m.volume, m.at = v.V[1].(string), max(m.at, at)
			})
			continue
		}
		var list [][]string
		if err := json.Unmarshal(message[1], &list); err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			m.trades++
			seconds, _ := new(big.Rat).SetString(v[2])
			at := new(big.Rat).Mul(seconds, big.NewRat(1_000_000_000, 1)).Num().Int64()
			side := map[string]string{"b": "buy", "s": "sell"}[v[3]]
			trades = append(trades, fmt.Sprintf("trade %s %d=%[2]d %s %s of %s @%d", symbol, m.trades, side, short(v[1]), short(v[0]), at))
			tell(func() {
				if m.at = max(m.at, at); at >= m.tradeAt {
					m.last, m.tradeAt = v[0], at
				}
			})
		}
	}
	quoted := 0
	for _, list := range ticks {
		quoted += len(list)
	}
	events := venuetest.Replay(t, script().New, replay.Config{Venue: "kraken", Files: venuetest.Recordings(t, "kraken")}, nil,
		venuetest.Count(map[string]int{"trade": len(trades), "tick": quoted}))
	venuetest.Same(t, "trades", venuetest.Described(events, "trade"), trades)
	for symbol := range ticks {
		venuetest.Same(t, "ticks of "+symbol, venuetest.Described(events, "tick "+symbol+" "), ticks[symbol])
	}
	wantNoneRefused(t, events)
	t.Logf("%d trades, %d ticks of %d symbols", len(trades), quoted, len(markets))
	if len(trades) != 10 || quoted < 18 {
		t.Errorf("%d trades and %d ticks were played", len(trades), quoted)
	}
}

// served is an adapter on a server with one answer.
func served(t *testing.T, answer string) (venue.Adapter, *string) {
	t.Helper()
	uri := new(string)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*uri = r.URL.RequestURI()
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(web.Close)
	a, err := kraken.New(venue.Config{RESTURL: web.URL, RESTBackoff: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, uri
}

func TestRecordedTradesOverREST(t *testing.T) {
	t.Parallel()
	a, uri := served(t, body(t, "http_trades.json"))
	want := recordedTrades(t)
	got, err := a.TradesFrom(t.Context(), "BTC/USDT", want[10].Number, want[9].Time, 500)
	if err != nil || len(got) != 500 {
		t.Fatalf("%d trades, %v", len(got), err)
	}
	for i, g := range got {
		if described := venuetest.Describe(venuetest.Event{Trade: &g}); described != text("BTC/USDT", want[10+i]) {
			t.Fatalf("trade %d:\n got %s\nwant %s", i, described, text("BTC/USDT", want[10+i]))
		}
	}
	if want := fmt.Sprintf("/0/public/Trades?count=1000&pair=XBTUSDT&since=%d", want[9].Time.UnixNano()-1_000_000); *uri != want {
		t.Errorf("asked %s, want %s", *uri, want)
	}
}

// The recorded catalogues, of 2025 with tick sizes and of 2021 without.
func TestRecordedCatalogues(t *testing.T) {
	t.Parallel()
	old := ""
	venuetest.Each(t, venuetest.Recording(t, "kraken/cryptofeed/kraken.0.ndjson.gz"), func(line venuetest.Line) { old = line.Raw })
	for name, recorded := range map[string]string{"2025": body(t, "http_asset_pairs.json"), "2021": old, "tokenised": body(t, "http_asset_pairs_tokenized.json")} {
		var plain struct {
			Result map[string]struct {
				WSName, Status, OrderMin string
				TickSize                 string `json:"tick_size"`
				Pair                     int    `json:"pair_decimals"`
				Lot                      int    `json:"lot_decimals"`
			}
		}
		if err := json.Unmarshal([]byte(recorded), &plain); err != nil {
			t.Fatal(err)
		}
		a, _ := served(t, recorded)
		symbols, err := a.Symbols(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]domain.Symbol{}
		for _, s := range symbols {
			got[s.Name] = s
		}
		count := 0
		for _, p := range plain.Result {
			if p.WSName == "" {
				continue
			}
			count++
			want := strings.NewReplacer("XBT", "BTC", "XDG", "DOGE").Replace(p.WSName)
			tick := p.TickSize
			if tick == "" {
				tick = fmt.Sprintf("%.*f", p.Pair, 1/pow10(p.Pair))
			}
			s := got[want]
			if s.VenueSymbol != want || s.TickSize.String() != short(tick) || s.LotSize.String() != short(fmt.Sprintf("%.*f", p.Lot, 1/pow10(p.Lot))) ||
				p.OrderMin != "" && s.MinVolume.String() != short(p.OrderMin) || s.Trading != (p.Status == "online") {
				t.Errorf("%s: got %+v, want %+v", name, s, p)
			}
		}
		if count != len(symbols) {
			t.Errorf("%s: %d symbols, want %d", name, len(symbols), count)
		}
		t.Logf("%s: %d symbols", name, count)
	}
}

func pow10(n int) float64 {
	f := 1.0
	for range n {
		f *= 10
	}
	return f
}
