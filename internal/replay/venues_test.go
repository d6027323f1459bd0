package replay_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// recordedTrades are how many each venue's recordings have. Those of Binance are
// long, and played elsewhere.
var recordedTrades = map[string]int{"binance": 1500, "bybit": 5, "coinbase": 107, "kraken": 10, "okx": 70}

// Of every venue a looped recording is heard by its adapter lap after lap: the same
// trades, later, with ids that go on; none is missing, none comes twice.
func TestAdaptersHearTwoLaps(t *testing.T) {
	t.Parallel()
	for _, name := range replay.Venues() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := venues.Find(name)
			n, files := recordedTrades[name], recordingsOf(t, name)
			once := perSymbol(venuetest.Replay(t, found.New, replay.Config{Venue: name, Files: files}, unheard, venuetest.Count(map[string]int{"trade": n})))
			twice := perSymbol(venuetest.Replay(t, found.New, replay.Config{Venue: name, Files: files, Loop: true}, unheard, venuetest.Count(map[string]int{"trade": 2 * n})))
			count := 0
			for symbol, first := range once {
				count += len(first)
				compareLaps(t, symbol, first, twice[symbol])
			}
			if count != n {
				t.Errorf("%d trades in one lap, want %d", count, n)
			}
		})
	}
}

// Over REST the adapters find the recorded symbols, and the trades that were played.
func TestAdaptersFetchWhatWasPlayed(t *testing.T) {
	t.Parallel()
	pages := func(t *testing.T) []string { // more than OKX gives at once
		var lines []venuetest.Line
		for id := 1; id <= 250; id++ {
			raw := fmt.Sprintf(`{"arg":{"channel":"trades-all","instId":"A-USDT"},"data":[{"instId":"A-USDT","tradeId":"%d","px":"0.5","sz":"1","side":"buy","ts":"%[1]d"}]}`, id)
			lines = append(lines, venuetest.Line{Received: int64(id), Dir: "recv", Raw: raw})
		}
		return []string{venuetest.WriteRecording(t, "wss://ws.okx.com:8443/ws/v5/business", lines)}
	}
	for name, c := range map[string]struct {
		venue  string
		files  func(*testing.T) []string // nil: recordings
		trades int
	}{
		"binance":   {"binance", nil, recordedTrades["binance"]},
		"bybit":     {"bybit", nil, recordedTrades["bybit"]},
		"coinbase":  {"coinbase", nil, recordedTrades["coinbase"]},
		"kraken":    {"kraken", nil, recordedTrades["kraken"]},
		"okx":       {"okx", nil, recordedTrades["okx"]},
		"okx pages": {"okx", pages, 250},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := venues.Find(c.venue)
			var files []string
			if c.files == nil {
				files = recordingsOf(t, c.venue)
			} else {
				files = c.files(t)
			}
			heard := perSymbol(venuetest.Replay(t, found.New, replay.Config{Venue: c.venue, Files: files}, unheard, venuetest.Count(map[string]int{"trade": c.trades})))
			s := start(t, replay.Config{Venue: c.venue, Files: files})
			adapter, err := found.New(venue.Config{WSURL: s.WSURL(), RESTURL: s.RESTURL(), RESTWeight: 1_000_000})
			if err != nil {
				t.Fatal(err)
			}
			defer adapter.(interface{ Close() }).Close()
			ctx, cancel := context.WithCancel(t.Context())
			streamed := make(chan error, 1)
			go func() { streamed <- adapter.Stream(ctx, venue.NewWanted(s.Symbols()...), venuetest.Nothing{}) }()
			s.wait()
			cancel()
			if err := <-streamed; err != nil {
				t.Error(err)
			}
			listed, err := adapter.Symbols(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, symbol := range s.Symbols() {
				if !slices.ContainsFunc(listed, func(l domain.Symbol) bool { return l.Name == symbol && l.Trading && l.TickSize.IsPos() }) {
					t.Errorf("%s is not listed", symbol)
				}
				want := heard[symbol]
				if len(want) == 0 {
					continue
				}
				want = want[:min(len(want), 1000)]
				got, err := adapter.TradesFrom(t.Context(), symbol, want[0].Trade.Number, want[0].Trade.Time, 1000)
				if err != nil {
					t.Fatal(err)
				}
				var texts []string
				for _, g := range got {
					texts = append(texts, venuetest.Describe(venuetest.Event{Trade: &g}))
				}
				venuetest.Same(t, "trades of "+symbol, texts, venuetest.Described(want, "trade"))
			}
		})
	}
}

func recordingsOf(t *testing.T, name string) []string {
	t.Helper()
	if name != "binance" {
		return venuetest.Recordings(t, name)
	}
	var lines []venuetest.Line
	for i := range recordedTrades[name] {
		at := 1_767_225_600_000 + 20*i
		lines = append(lines, venuetest.Line{Received: int64(at) * 1e6, Dir: "recv", Raw: fmt.Sprintf(
			`{"stream":"aaausdt@trade","data":{"e":"trade","E":%d,"s":"AAAUSDT","t":%d,"p":"2.5","q":"0.1","T":%[1]d,"m":true,"M":true}}`, at, 100+i)})
	}
	return []string{venuetest.WriteRecording(t, "wss://stream.binance.com:9443/stream", lines)}
}

// unheard are the streams that the adapters do not follow.
func unheard(stream string) bool {
	return strings.Contains(stream, "@depth") || strings.HasSuffix(stream, "-220527")
}

func perSymbol(events []venuetest.Event) map[string][]venuetest.Event {
	bySymbol := map[string][]venuetest.Event{}
	for _, e := range events {
		if e.Trade != nil {
			bySymbol[e.Trade.Symbol] = append(bySymbol[e.Trade.Symbol], e)
		}
	}
	return bySymbol
}

func compareLaps(t *testing.T, symbol string, first, both []venuetest.Event) {
	t.Helper()
	n := len(first)
	if len(both) < 2*n {
		t.Errorf("%s: %d trades in two laps of %d", symbol, len(both), n)
		return
	}
	ids := map[string]bool{}
	var ahead uint64
	if first[0].Trade.Number > 0 {
		low := slices.MinFunc(first, byNumber).Trade.Number
		ahead = slices.MaxFunc(first, byNumber).Trade.Number - low + 1
	}
	later := both[n].Trade.Time.Sub(first[0].Trade.Time)
	if later < first[n-1].Trade.Time.Sub(first[0].Trade.Time) || later%60e9 != 0 {
		t.Errorf("%s: the second lap begins %s after the first", symbol, later)
	}
	for i, e := range both[:2*n] {
		got, want := *e.Trade, *first[i%n].Trade
		if ids[got.ID] {
			t.Errorf("%s: %s came twice", symbol, got.ID)
		}
		ids[got.ID] = true
		if i >= n {
			want.Time = want.Time.Add(later)
			want.Number += ahead
			want.ID = got.ID
			if ahead > 0 {
				want.ID = strconv.FormatUint(want.Number, 10)
			}
		}
		want.Received, want.Line = got.Received, got.Line
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s, trade %d:\n got %+v\nwant %+v", symbol, i, got, want)
		}
	}
}

func byNumber(a, b venuetest.Event) int { return int(a.Trade.Number) - int(b.Trade.Number) }
