package kraken_test

import (
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

// Recorded trades and tickers come over a socket as version 2 sends them. The
// recordings have none of that version beyond single frames: the trades are
// those of a recorded REST answer, the tickers those of a recording of version
// 1, which has no times, so that they get the time at which they were recorded.
func TestRecordingsOverASocket(t *testing.T) {
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
	symbols := []string{symbol}
	ticks := map[string][]string{}
	venuetest.Each(t, venuetest.Recording(t, "kraken/cryptofeed/kraken.ws.49.0.ndjson.gz"), func(line venuetest.Line) {
		var message []json.RawMessage
		if line.Dir != "recv" || json.Unmarshal([]byte(line.Raw), &message) != nil || len(message) != 4 {
			return
		}
		var v struct{ A, B, C, V []any }
		var name string
		if err := json.Unmarshal(message[1], &v); err != nil || json.Unmarshal(message[3], &name) != nil {
			t.Fatal(line.Raw)
		}
		name = strings.Replace(name, "XBT", "BTC", 1)
		if !slices.Contains(symbols, name) {
			symbols = append(symbols, name)
		}
		at := time.Unix(0, line.Received).UTC().Truncate(time.Microsecond)
		frames = append(frames, update("ticker", fmt.Sprintf(`{"symbol":%q,"bid":%s,"bid_qty":%s,"ask":%s,"ask_qty":%s,"last":%s,"volume":%s,"timestamp":%q}`,
			name, v.B[0], v.B[2], v.A[0], v.A[2], v.C[0], v.V[1], rfc3339(at))))
		tick := fmt.Sprintf("tick %s %s %s/%s %s/%s %s", name, short(v.C[0].(string)), short(v.B[0].(string)), short(v.B[2].(string)),
			short(v.A[0].(string)), short(v.A[2].(string)), short(v.V[1].(string)))
		ticks[name] = append(ticks[name], fmt.Sprintf("%s @%d", tick, at.UnixNano())) // a new time, if nothing else
	})
	events := venuetest.Play(t, s, symbols, frames)
	venuetest.Same(t, "trades", venuetest.Described(events, "trade"), trades)
	quoted := 0
	for _, name := range symbols[1:] {
		venuetest.Same(t, "ticks of "+name, venuetest.Described(events, "tick "+name), ticks[name])
		quoted += len(ticks[name])
	}
	// The last price of each distinct time of a trade.
	var lasts []string
	for i, r := range recorded {
		if i == 0 || r.Price != recorded[i-1].Price || !r.Time.Equal(recorded[i-1].Time) {
			lasts = append(lasts, fmt.Sprintf("tick %s %s 0/0 0/0 0 @%d", symbol, short(r.Price), r.Time.UnixNano()))
		}
	}
	venuetest.Same(t, "ticks of the trades", venuetest.Described(events, "tick "+symbol), lasts)
	for _, e := range events {
		if e.Refused != "" {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
	t.Logf("%d trades, %d ticks of %d symbols", len(trades), quoted+len(lasts), len(symbols))
	if len(trades) != 1000 || quoted < 15 {
		t.Errorf("%d trades and %d tickers were played", len(trades), quoted)
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
