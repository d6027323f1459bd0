package sim_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim"
)

func TestRESTRefusesAsTheVenueDoes(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	for path, code := range map[string]string{
		"trades":                                   `"code":-1102`,
		"trades?symbol=NOPE":                       `{"code":-1121,"msg":"Invalid symbol."}`,
		"trades?symbol=btcusdt":                    `"code":-1121`,
		"trades?symbol=BTCUSDT&limit=x":            `"code":-1100`,
		"trades?symbol=BTCUSDT&limit=0":            `"code":-1130`,
		"historicalTrades?symbol=BTCUSDT&fromId=a": `"code":-1100`,
		"aggTrades?symbol=BTCUSDT&startTime=-1":    `"code":-1100`,
		"klines?symbol=BTCUSDT":                    `"code":-1120`,
		"klines?symbol=BTCUSDT&interval=7m":        `"code":-1120`,
		"exchangeInfo?symbol=NOPE":                 `"code":-1121`,
		"exchangeInfo?symbols=BTCUSDT":             `"code":-1100`,
		`ticker/24hr?symbol=BTCUSDT&symbols=["X"]`: `"code":-1128`,
		"ticker/bookTicker?symbol=NOPE":            `"code":-1121`,
	} {
		status, body, _ := x.get("/api/v3/" + path)
		if status != http.StatusBadRequest || !strings.Contains(body, code) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, _ := x.get("/api/v3/nothing"); status != http.StatusNotFound {
		t.Errorf("unknown path: %d", status)
	}
}

func TestExchangeInfo(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	type info struct {
		Symbols []struct {
			Symbol, Status, BaseAsset, QuoteAsset string
			Filters                               []map[string]any
		}
	}
	if all := fetch[info](x, "/api/v3/exchangeInfo"); len(all.Symbols) != len(sim.DefaultSymbols()) {
		t.Fatalf("%d symbols", len(all.Symbols))
	}
	two := fetch[info](x, "/api/v3/exchangeInfo?symbols="+url.QueryEscape(`["ETHUSDT","ETHBTC"]`))
	if len(two.Symbols) != 2 || two.Symbols[1].BaseAsset != "ETH" || two.Symbols[1].QuoteAsset != "BTC" {
		t.Fatalf("%+v", two)
	}
	one := fetch[info](x, "/api/v3/exchangeInfo?symbol=BTCUSDT")
	want := map[string]string{"PRICE_FILTER": "0.01000000", "LOT_SIZE": "0.00001000", "NOTIONAL": "5.00000000"}
	for _, f := range one.Symbols[0].Filters {
		kind := f["filterType"].(string)
		key := map[string]string{"PRICE_FILTER": "tickSize", "LOT_SIZE": "stepSize", "NOTIONAL": "minNotional"}[kind]
		if f[key] != want[kind] {
			t.Errorf("%s: %v", kind, f)
		}
		delete(want, kind)
	}
	if len(want) > 0 {
		t.Errorf("filters missing: %v", want)
	}
}

func TestTickersAndTime(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	if got := fetch[map[string]int64](x, "/api/v3/time"); got["serverTime"] != noon.UnixMilli() {
		t.Errorf("%v", got)
	}
	if got := fetch[map[string]any](x, "/api/v3/ping"); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := fetch[[]map[string]any](x, "/api/v3/ticker/bookTicker"); len(got) != len(sim.DefaultSymbols()) {
		t.Errorf("%v", got)
	}
	day := fetch[map[string]any](x, "/api/v3/ticker/24hr?symbol=BTCUSDT")
	if len(day) != 21 || day["count"].(float64) <= 0 {
		t.Errorf("%v", day)
	}
	x.Trade("BTC/USDT", 3)
	type agg struct{ F, L int64 }
	if aggs := fetch[[]agg](x, "/api/v3/aggTrades?symbol=BTCUSDT&limit=2"); len(aggs) != 2 || aggs[1].F != aggs[0].L+1 {
		t.Errorf("%v", aggs)
	}
}

func TestTooMuchWeightIsRefusedUntilTheMinuteEnds(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{WeightLimit: 30})
	status, _, header := x.get("/api/v3/exchangeInfo")
	if status != http.StatusOK || header.Get("X-Mbx-Used-Weight-1m") != "20" {
		t.Fatalf("%d %v", status, header)
	}
	status, body, header := x.get("/api/v3/exchangeInfo")
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "30" || !strings.Contains(body, `"code":-1003`) {
		t.Fatalf("%d %s %v", status, body, header)
	}
	x.clock.Advance(30 * time.Second)
	if status, _, _ := x.get("/api/v3/exchangeInfo"); status != http.StatusOK {
		t.Fatal(status)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	symbol := func(change func(*sim.Symbol)) sim.Config {
		s := sim.DefaultSymbols()[0]
		change(&s)
		return sim.Config{Symbols: []sim.Symbol{s}}
	}
	for name, cfg := range map[string]sim.Config{
		"rate":           {Rate: -3},
		"reconnect":      {ReconnectEvery: -3},
		"queue":          {Queue: -3},
		"symbol twice":   {Symbols: append(sim.DefaultSymbols(), sim.DefaultSymbols()...)},
		"symbol name":    symbol(func(s *sim.Symbol) { s.Name = "BTCUSDT" }),
		"perpetual":      symbol(func(s *sim.Symbol) { s.Name = "BTC/USDT:USDT" }),
		"price":          symbol(func(s *sim.Symbol) { s.Price = "1e3" }),
		"zero tick":      symbol(func(s *sim.Symbol) { s.TickSize = "0" }),
		"too fine":       symbol(func(s *sim.Symbol) { s.TickSize, s.LotSize = "0.00001", "0.00001" }),
		"too few ticks":  symbol(func(s *sim.Symbol) { s.Price = "0.1" }),
		"negative share": symbol(func(s *sim.Symbol) { s.Weight = -1 }),
	} {
		x, err := sim.New(cfg)
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			x.Close()
		}
	}
}

func TestCloseReleasesAnExchangeThatNeverRan(t *testing.T) {
	t.Parallel()
	x, err := sim.New(sim.Config{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(x.Close(), x.Close()); err != nil {
		t.Fatal(err)
	}
	if err := x.Run(t.Context()); err == nil {
		t.Fatal("a closed exchange ran")
	}
}

func TestTradeOfAnUnknownSymbol(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	if err := x.Trade("NO/PE", 1); !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
}
