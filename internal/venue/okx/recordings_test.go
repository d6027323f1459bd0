package okx_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// The recorded answers of REST.
const (
	restOf2022 = "okx/cryptofeed/okx.0.ndjson.gz"
	restOf2025 = "okx/nautilus/http.ndjson"
)

// entry is one of a recorded catalogue, decoded in the plainest way.
type entry struct {
	InstID, InstType, BaseCcy, QuoteCcy, SettleCcy     string
	CtType, CtVal, CtMult, TickSz, LotSz, MinSz, State string
}

func rat(text string) *big.Rat {
	if text == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// short is a number in its shortest form, cut off after 19 digits; 0 for none.
func short(r *big.Rat) string {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)
	whole := new(big.Int).Quo(new(big.Int).Mul(r.Num(), scale), r.Denom())
	return domain.MustDecimal(new(big.Rat).SetFrac(whole, scale).FloatString(19)).String()
}

// contractOf is the worth of an instrument's contract: one base unit for spot.
func (e entry) contractOf() *big.Rat {
	if e.CtVal == "" {
		return big.NewRat(1, 1)
	}
	return new(big.Rat).Mul(rat(e.CtVal), rat(e.CtMult))
}

// base is a size in base units.
func (e entry) base(size, price string) string {
	worth := new(big.Rat).Mul(rat(size), e.contractOf())
	if e.CtType == "inverse" && worth.Sign() != 0 {
		worth.Quo(worth, rat(price))
	}
	return short(worth)
}

// catalogue2022 are the first recorded answers to the question for instruments of a
// kind, and their entries by name.
func catalogue2022(t *testing.T) (bodies map[string]string, entries map[string]entry) {
	t.Helper()
	bodies, entries = map[string]string{}, map[string]entry{}
	venuetest.Each(t, venuetest.Recording(t, restOf2022), func(line struct{ URL, Raw string }) {
		_, kind, _ := strings.Cut(line.URL, "instType=")
		if (kind == "SPOT" || kind == "SWAP") && bodies[kind] == "" {
			bodies[kind] = line.Raw
			for _, e := range decodeEntries(t, line.Raw) {
				entries[e.InstID] = e
			}
		}
	})
	return bodies, entries
}

func decodeEntries(t *testing.T, body string) []entry {
	t.Helper()
	var answer struct{ Data []entry }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

// instruments answers with a recorded catalogue.
func instruments(bodies map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(bodies[r.URL.Query().Get("instType")]))
	})
}

func TestRecordedCatalogues(t *testing.T) {
	t.Parallel()
	bodies2022, _ := catalogue2022(t)
	bodies2025 := map[string]string{
		"SPOT": venuetest.RecordedBody(t, restOf2025, "http_get_instruments_spot.json"),
		"SWAP": venuetest.RecordedBody(t, restOf2025, "http_get_instruments_swap.json"),
	}
	for year, bodies := range map[string]map[string]string{"2022": bodies2022, "2025": bodies2025} {
		symbols, err := newExchange(t, instruments(bodies)).adapter.Symbols(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", year, err)
		}
		got := map[string]domain.Symbol{}
		for _, s := range symbols {
			got[s.VenueSymbol] = s
		}
		entries := append(decodeEntries(t, bodies["SPOT"]), decodeEntries(t, bodies["SWAP"])...)
		for _, e := range entries {
			s := got[e.InstID]
			parts := strings.Split(e.InstID, "-")
			lot, least, notional := short(new(big.Rat).Mul(rat(e.LotSz), e.contractOf())), short(new(big.Rat).Mul(rat(e.MinSz), e.contractOf())), "0"
			if e.CtType == "inverse" {
				lot, least, notional = "0", "0", least
			}
			if s.Name != domain.SymbolName(parts[0], parts[1], e.SettleCcy) || s.Trading != (e.State == "live") || s.TickSize.String() != short(rat(e.TickSz)) ||
				s.LotSize.String() != lot || s.MinVolume.String() != least || s.MinNotional.String() != notional {
				t.Errorf("%s: got %+v, want %+v", year, s, e)
			}
		}
		if len(entries) != len(symbols) {
			t.Errorf("%s: %d symbols, want %d", year, len(symbols), len(entries))
		}
		t.Logf("%s: %d symbols", year, len(symbols))
	}
}

// message is a message of data, decoded in the plainest way.
type message struct {
	Event, Action string
	Arg           argument
	Data          []json.RawMessage
}

func decodeMessage(t *testing.T, raw string) (m message) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		m = message{} // of another form, which none of ours has
	}
	return m
}

func decodeInto[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type ticker struct{ Last, AskPx, AskSz, BidPx, BidSz, Vol24h, VolCcy24h, TS string }

type best struct {
	Asks, Bids [][]string
	TS         string
}

type fill struct{ TradeID, Px, Sz, Side, TS string }

// nanos is unix milliseconds as nanoseconds.
func nanos(ms string) string { return ms + "000000" }

// expected computes what one frame alone gives. Of trades only these, not the ticks
// that they make.
func expected(t *testing.T, raw string) (events []string) {
	t.Helper()
	m := decodeMessage(t, raw)
	if m.Event != "" {
		return nil
	}
	for _, data := range m.Data {
		spot := entry{InstID: m.Arg.InstID}
		switch m.Arg.Channel {
		case "tickers":
			v := decodeInto[ticker](t, data)
			events = append(events, fmt.Sprintf("tick %s %s %s/%s %s/%s %s @0", unified(m.Arg.InstID), short(rat(v.Last)),
				short(rat(v.BidPx)), spot.base(v.BidSz, v.BidPx), short(rat(v.AskPx)), spot.base(v.AskSz, v.AskPx), short(rat(v.Vol24h))))
		case "bbo-tbt":
			v := decodeInto[best](t, data)
			events = append(events, fmt.Sprintf("tick %s 0 %s/%s %s/%s 0 @%s", unified(m.Arg.InstID), short(rat(v.Bids[0][0])), short(rat(v.Bids[0][1])),
				short(rat(v.Asks[0][0])), short(rat(v.Asks[0][1])), nanos(v.TS)))
		case "trades-all":
			v := decodeInto[fill](t, data)
			events = append(events, fmt.Sprintf("trade %s %s=%s %s %s of %s @%s", unified(m.Arg.InstID), v.TradeID, v.TradeID, v.Side,
				spot.base(v.Sz, v.Px), short(rat(v.Px)), nanos(v.TS)))
		case "candle1Dutc":
			v := decodeInto[[]string](t, data)
			if v[8] == "1" {
				events = append(events, fmt.Sprintf("bar %s 1d @%s %s %s %s %s %s of 0", unified(m.Arg.InstID), nanos(v[0]),
					short(rat(v[1])), short(rat(v[2])), short(rat(v[3])), short(rat(v[4])), short(rat(v[5]))))
			}
		}
	}
	return events
}

// Single recorded frames, each over sockets of its own. Two are of channels that
// this adapter does not ask for, beside those of its own: trades that are joined,
// whose ids have holes, and the bar of a day in Hong Kong, which begins at a time
// when no bar does.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	told := 0
	play := func(file, raw string) {
		want := expected(t, raw)
		events := venuetest.Play(t, script(), []string{"BTC/USDT", "BTC/USD"}, []string{raw})
		kind := ""
		if len(want) > 0 {
			kind = want[0][:4] // of trades not the ticks that they make
		}
		venuetest.Same(t, file, venuetest.Described(events, kind), want)
		told += len(want)
		refused := venue.RefusedKind
		if raw[0] == '[' { // an answer of REST among the frames
			refused = venue.RefusedMalformed
		}
		for _, e := range events {
			if e.Refused != "" && (len(want) > 0 || e.Refused != refused) {
				t.Errorf("%s: refused as %s: %v", file, e.Refused, e.Err)
			}
		}
	}
	venuetest.Each(t, venuetest.Recording(t, "okx/nautilus/ws.ndjson"), func(line venuetest.Line) {
		play(line.File, line.Raw)
		switch line.File {
		case "ws_trades.json":
			play("single trade", strings.NewReplacer(`"trades"`, `"trades-all"`, `"count": "3"`, `"source": "0"`).Replace(line.Raw))
		case "ws_candle.json":
			const day = 24 * time.Hour
			begin := time.UnixMilli(1597026383085).Truncate(day).UnixMilli()
			play("day in UTC", strings.NewReplacer(`candle1D`, `candle1Dutc`, "1597026383085", fmt.Sprint(begin)).Replace(line.Raw))
		}
	})
	if told != 4 {
		t.Errorf("the frames told %d events, want 4", told)
	}
}

func TestRecordedTradesOverREST(t *testing.T) {
	t.Parallel()
	body := venuetest.RecordedBody(t, restOf2025, "http_get_trades.json")
	var answer struct{ Data []fill }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	x := newExchange(t, says(http.StatusOK, body))
	got, err := x.adapter.TradesFrom(t.Context(), "BTC/USDT", 734864332, start, 10)
	if err != nil || len(got) != 2 || len(answer.Data) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	for i, g := range got {
		v := answer.Data[1-i] // the newest is the first there
		want := fmt.Sprintf("trade BTC/USDT %s=%s %s %s of %s @%s", v.TradeID, v.TradeID, v.Side, short(rat(v.Sz)), short(rat(v.Px)), nanos(v.TS))
		if described := venuetest.Describe(venuetest.Event{Trade: &g}); described != want {
			t.Errorf("got %s, want %s", described, want)
		}
	}
}
