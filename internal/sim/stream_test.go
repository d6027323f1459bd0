package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/internal/sim"
	"github.com/fullon/fullon/internal/sim/streamproto"
)

func TestFramesHaveTheVenuesFields(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/stream", nil)
	c.ask(`{"method":"SUBSCRIBE","params":["btcusdt@trade","btcusdt@aggTrade","btcusdt@bookTicker","btcusdt@ticker","btcusdt@kline_1m"],"id":1}`,
		`{"result":null,"id":1}`)
	if err := x.Trade("BTC/USDT", 1); err != nil {
		t.Fatal(err)
	}
	x.clock.Advance(2 * time.Second)
	want := map[string]string{
		"btcusdt@trade":      "E M T e m p q s t",
		"btcusdt@aggTrade":   "E M T a e f l m p q s",
		"btcusdt@bookTicker": "A B a b s u",
		"btcusdt@ticker":     "A B C E F L O P Q a b c e h l n o p q s v w x",
		"btcusdt@kline_1m":   "E e k s",
	}
	for len(want) > 0 {
		f := decode[struct {
			Stream string
			Data   map[string]any
		}](t, c.read())
		keys := strings.Join(slices.Sorted(maps.Keys(f.Data)), " ")
		fields, open := want[f.Stream]
		if !open {
			continue
		}
		if keys != fields {
			t.Errorf("%s has %q, want %q", f.Stream, keys, fields)
		}
		delete(want, f.Stream)
		for name, v := range f.Data {
			if text, ok := v.(string); ok && strings.Contains(text, ".") && name != "P" && len(text)-strings.Index(text, ".") != 9 {
				t.Errorf("%s %s is %q: want eight digits after the point", f.Stream, name, text)
			}
		}
		if k, ok := f.Data["k"].(map[string]any); ok {
			if keys := strings.Join(slices.Sorted(maps.Keys(k)), " "); keys != "B L Q T V c f h i l n o q s t v x" {
				t.Errorf("kline has %q", keys)
			}
		}
	}
}

func TestRawStreamsComeUnwrapped(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/ws/btcusdt@trade/ethusdt@trade", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":["btcusdt@trade","ethusdt@trade"],"id":1}`)
	x.Trade("ETH/USDT", 1)
	if got := decode[tradeEvent](t, c.read()); got.Event != "trade" {
		t.Fatalf("%+v", got)
	}
}

func TestControlMessages(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{MessageBurst: 100})
	c := x.dial("/ws", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":[],"id":1}`)
	c.ask(`{"method":"SUBSCRIBE","params":["xxxyyy@trade","btcusdt@depth@100ms"],"id":2}`, `{"result":null,"id":2}`)
	c.ask(`{"method":"UNSUBSCRIBE","params":["xxxyyy@trade"],"id":3}`, `{"result":null,"id":3}`)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":"x"}`, `{"result":["btcusdt@depth@100ms"],"id":"x"}`)
	c.ask(`{"method":"GET_PROPERTY","params":["combined"],"id":4}`, `{"result":false,"id":4}`)
	c.ask(`{"method":"SET_PROPERTY","params":["combined",true],"id":5}`, `{"result":null,"id":5}`)
	c.ask(`{"method":"GET_PROPERTY","params":["combined"],"id":6}`, `{"result":true,"id":6}`)
	c.ask(`{"method":"SUBSCRIBE","params":["rubbish"],"id":7}`, `{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":7}`)

	var names []string
	for i := range streamproto.MaxStreams {
		names = append(names, fmt.Sprintf(`"s%d@trade"`, i))
	}
	c.ask(`{"method":"SUBSCRIBE","params":[`+strings.Join(names, ",")+`],"id":8}`,
		`{"error":{"code":4,"msg":"Too many subscriptions"},"id":8}`)
}

func TestTooManyMessagesCloseTheConnection(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/ws", nil)
	for i := range sim.DefaultMessageBurst + 1 {
		c.send(fmt.Sprintf(`{"method":"LIST_SUBSCRIPTIONS","id":%d}`, i))
	}
	answers, err := c.closed()
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || answers != sim.DefaultMessageBurst {
		t.Fatalf("%d answers, then %v", answers, err)
	}
}

func TestMessagesAreAllowedAgainWithTime(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/ws", nil)
	for i := range 5 * sim.DefaultMessageBurst {
		c.ask(fmt.Sprintf(`{"method":"LIST_SUBSCRIPTIONS","id":%d}`, i), fmt.Sprintf(`{"result":[],"id":%d}`, i))
		x.clock.Advance(time.Second / sim.DefaultMessageRate)
	}
}

func TestSlowClientIsCutOffAndStallsNobody(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{Queue: 16})
	slow := x.dial("/ws/btcusdt@trade", nil)
	slow.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":["btcusdt@trade"],"id":1}`)
	quick := x.dial("/ws/ethusdt@trade", nil)
	quick.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":["ethusdt@trade"],"id":1}`)
	for range 20 { // returns, though nobody reads what it makes
		if err := x.Trade("BTC/USDT", 5000); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Trade("ETH/USDT", 1); err != nil {
		t.Fatal(err)
	}
	if got := decode[tradeEvent](t, quick.read()); got.Event != "trade" {
		t.Fatalf("%+v", got)
	}
	messages, err := slow.closed()
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("still connected after %d messages", messages)
	}
	if kept := fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT&limit=1"); len(kept) != 1 {
		t.Fatalf("%v", kept)
	}
}

func TestConnectionsEndWithACloseFrame(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{ReconnectEvery: time.Minute})
	c := x.dial("/ws", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":[],"id":1}`)
	x.clock.Advance(2 * time.Minute)
	if _, err := c.closed(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Fatal(err)
	}
}

func TestDroppedConnectionsEndWithoutACloseFrame(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/ws", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":[],"id":1}`)
	if n := x.Drop(); n != 1 {
		t.Fatalf("%d connections", n)
	}
	if _, err := c.closed(); err == nil || websocket.CloseStatus(err) != -1 || errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestStopDeliversWhatIsQueuedThenSaysGoodbye(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	c := x.dial("/ws/btcusdt@bookTicker", nil)
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":["btcusdt@bookTicker"],"id":1}`)
	x.Trade("BTC/USDT", 500)
	stopped := make(chan struct{})
	go func() { defer close(stopped); x.stop() }()
	messages, err := c.closed()
	<-stopped
	if messages != 500 || websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Fatalf("%d messages, then %v", messages, err)
	}
}

func TestPings(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{})
	pinged := make(chan struct{}, 1)
	c := x.dial("/ws", &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
		select {
		case pinged <- struct{}{}:
		default:
		}
		return true
	}})
	c.ask(`{"method":"LIST_SUBSCRIPTIONS","id":1}`, `{"result":[],"id":1}`)
	x.clock.Advance(sim.DefaultPingInterval)
	go c.closed() // reads, so that pings are seen
	select {
	case <-pinged:
	case <-c.ctx.Done():
		t.Fatal("no ping")
	}
	c.ws.CloseNow()
}

func TestDuplicateOnConnectReplaysTheLastTrades(t *testing.T) {
	t.Parallel()
	x := start(t, sim.Config{DuplicateOnConnect: true})
	x.Trade("BTC/USDT", 20)
	last := fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT&limit=5")
	c := x.dial("/ws", nil)
	c.ask(`{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}`, `{"result":null,"id":1}`)
	for _, want := range last {
		if got := decode[tradeEvent](t, c.read()); got.ID != want.ID || got.Price != want.Price {
			t.Fatalf("got %+v want %+v", got, want)
		}
	}
}
