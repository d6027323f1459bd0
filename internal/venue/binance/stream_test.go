package binance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func bookOf(symbol string, u int) string {
	return fmt.Sprintf(`{"stream":"x","data":{"u":%d,"s":"%s","b":"10","B":"1","a":"11","A":"2"}}`, u, symbol)
}

func tradeOf(symbol string, id int) string {
	return fmt.Sprintf(`{"stream":"x","data":{"e":"trade","E":1700000000000,"s":"%s","t":%d,"p":"10","q":"1","T":%d,"m":false}}`,
		symbol, id, 1_700_000_000_000+id)
}

// stream runs Stream on a test server until the end of the test.
func stream(t *testing.T, cfg binance.Config, symbols ...string) (*venuetest.Server, *venuetest.Sink) {
	t.Helper()
	server, sink := venuetest.NewServer(t), venuetest.NewSink()
	cfg.WSURL = server.URL
	cfg.Connection.SendInterval = time.Microsecond
	cfg.Connection.BackoffInitial, cfg.Connection.BackoffMax = time.Millisecond, time.Millisecond
	adapter, err := binance.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- adapter.Stream(ctx, venue.NewWanted(symbols...), sink) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Stream: %v", err)
			}
		case <-time.After(venuetest.Patience):
			t.Error("Stream does not end with its context")
		}
	})
	return server, sink
}

type request struct {
	Method string   `json:"method"`
	Params []string `json:"params"`
	ID     int      `json:"id"`
}

func readRequest(t *testing.T, c *venuetest.Conn) request {
	t.Helper()
	var r request
	text := c.Read()
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.Method != "SUBSCRIBE" {
		t.Fatalf("the client sent %q: %v", text, err)
	}
	return r
}

func ack(c *venuetest.Conn, id int) { c.Text(fmt.Sprintf(`{"result":null,"id":%d}`, id)) }

// accept takes a connection and its only request, and grants it.
func accept(t *testing.T, s *venuetest.Server) *venuetest.Conn {
	t.Helper()
	c := s.Accept(t)
	ack(c, readRequest(t, c).ID)
	return c
}

func TestStreamSubscribes(t *testing.T) {
	t.Parallel()
	for kind, name := range map[binance.TradeKind]string{"": "trade", binance.RawTrades: "trade", binance.AggregateTrades: "aggTrade"} {
		server, _ := stream(t, binance.Config{Trades: kind}, "BTC/USDT", "ETH/BTC", "BTC/USDT")
		c := server.Accept(t)
		if c.Path != "/stream" {
			t.Errorf("connected to %s", c.Path)
		}
		var want []string
		for _, s := range []string{"btcusdt", "ethbtc"} {
			for _, stream := range []string{
				"bookTicker", "ticker", name,
				"kline_1m", "kline_5m", "kline_15m", "kline_30m", "kline_1h", "kline_4h", "kline_1d",
			} {
				want = append(want, s+"@"+stream)
			}
		}
		if got := readRequest(t, c).Params; !slices.Equal(got, want) {
			t.Errorf("subscribed\n%q, want\n%q", got, want)
		}
	}
}

// A refused batch is asked for again symbol by symbol, and only the symbol
// that is refused alone is given up.
func TestStreamRetriesRefusedBatches(t *testing.T) {
	t.Parallel()
	for form, refusal := range map[string]string{
		"wrapped":    `{"error":{"code":2,"msg":"Invalid request"},"id":%d}`,
		"flat":       `{"code":2,"msg":"Invalid request","id":%d}`,
		"without id": `{"code":2,"msg":"Invalid request%.0d"}`,
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			server, sink := stream(t, binance.Config{}, "BTC/USDT", "BAD/USDT", "ETH/USDT")
			c := server.Accept(t)
			batch := readRequest(t, c)
			c.Text(fmt.Sprintf(refusal, batch.ID))
			for range 3 {
				r := readRequest(t, c)
				if len(r.Params) != len(batch.Params)/3 {
					t.Fatalf("asked for %q", r.Params)
				}
				if strings.HasPrefix(r.Params[0], "badusdt@") {
					c.Text(fmt.Sprintf(refusal, r.ID))
				} else {
					ack(c, r.ID)
				}
			}
			e := sink.Await(t, "refusal", venuetest.IsRefused("subscription"))
			if !errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), "BAD/USDT") ||
				!strings.Contains(e.Err.Error(), "code 2: Invalid request") {
				t.Errorf("refused with %v", e.Err)
			}
			c.Text(tradeOf("ETHUSDT", 1))
			sink.Await(t, "trade", venuetest.IsTrade)
		})
	}
}

func TestStreamRefusesOddAnswers(t *testing.T) {
	t.Parallel()
	server, sink := stream(t, binance.Config{}, "BTC/USDT")
	c := accept(t, server)
	for _, odd := range []struct{ frame, kind string }{
		{`{"result":null,"id":99}`, "subscription"},
		{`{"result":null}`, "malformed"},
		{`{"result":null,"id":"1"}`, "malformed"},
		{`{"result":[],"id":1}`, "malformed"},
		{`{"error":"no","id":1}`, "malformed"},
		{`{"error":{"msg":"no"},"id":1}`, "malformed"},
		{`{"code":1,"msg":"no"}`, "subscription"},
	} {
		c.Text(odd.frame)
		sink.Await(t, odd.frame, venuetest.IsRefused(odd.kind))
	}
}

// State outlives the connection: what is older than before is still ignored.
func TestStreamResubscribesAfterLoss(t *testing.T) {
	t.Parallel()
	server, sink := stream(t, binance.Config{}, "BTC/USDT")
	c := accept(t, server)
	c.Text(bookOf("BTCUSDT", 5))
	sink.Await(t, "tick", venuetest.IsTick)
	c.Close(1001, "going away")
	sink.Await(t, "down", venuetest.IsDown)
	c = accept(t, server)
	c.Text(bookOf("BTCUSDT", 4))
	c.Text(tradeOf("BTCUSDT", 1))
	e := sink.Await(t, "tick", venuetest.IsTick)
	if e.Tick.VenueSeq != 5 || e.Tick.Last.IsZero() || e.Tick.Bid.IsZero() {
		t.Errorf("after the reconnect: %+v", *e.Tick)
	}
}

func TestStreamChecksSymbols(t *testing.T) {
	t.Parallel()
	adapter, err := binance.New(binance.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, symbols := range [][]string{
		nil, {"BTC/USD:BTC"}, {"BTCUSDT"}, {"btc/usdt"}, {"BTC/USDT@trade"}, {"BTC/"}, {"B TC/USDT"},
		{"AB/CD", "ABC/D"}, {"BTC/USDT", "AB/CD:CD", "A/BCD:BCD"},
	} {
		err := adapter.Stream(t.Context(), venue.NewWanted(symbols...), venuetest.NewSink())
		if _, ok := errors.AsType[*domain.FieldError](err); !ok {
			t.Errorf("%q: error %v, want a field error", symbols, err)
		}
	}
}

func TestNewChecksItsSettings(t *testing.T) {
	t.Parallel()
	for i, cfg := range []binance.Config{
		{Trades: "fills"},
		{Config: venue.Config{MaxSymbols: 103}},
		{Config: venue.Config{RESTWeight: 100}},
	} {
		_, err := binance.New(cfg)
		if _, ok := errors.AsType[*domain.FieldError](err); !ok {
			t.Errorf("case %d: error %v, want a field error", i, err)
		}
	}
	adapter, err := binance.New(binance.Config{Config: venue.Config{Connection: venue.Care{Lifetime: -1}}})
	if err != nil || adapter.Exchange() != "binance" {
		t.Errorf("got %v, %v", adapter, err)
	}
}
