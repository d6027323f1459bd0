package replay_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/sim/clock"
)

// progress is what a replay has played, delivered and lost.
type progress [3]int

func passed(p replay.Progress) progress { return progress{p.Played, p.Delivered, p.Lost} }

func TestFilesAreMergedByTimeAndOnlyStreamsArePlayed(t *testing.T) {
	t.Parallel()
	a := write(t, true,
		record{At: 1, Dir: "open"},
		record{At: 2, Dir: "send", Raw: `{"method":"SUBSCRIBE"}`},
		record{At: 3, Dir: "recv", Raw: `{"result":null,"id":1}`},
		record{At: 4, Dir: "recv", Raw: `{"lastUpdateId":9,"bids":[],"asks":[]}`},
		record{At: 5, Dir: "rest", Raw: `{"symbols":[]}`},
		record{At: 10, Dir: "recv", Raw: trade(1)},
		record{At: 30, Dir: "recv", Raw: trade(2)})
	b := write(t, false,
		record{At: 10, Dir: "recv", Raw: book(1)},
		record{At: 20, Dir: "recv", Raw: book(2)},
		record{At: 40, Dir: "recv", Raw: "no JSON"})
	s := start(t, replay.Config{Files: []string{a, b}, Mode: replay.Hold})
	if got := s.Streams(); s.Frames() != 4 || !slices.Equal(got, []string{"aaausdt@trade", "bbbbtc@bookTicker"}) {
		t.Fatalf("%d frames of %v", s.Frames(), got)
	}
	c := s.dial("/stream?streams=aaausdt@trade/bbbbtc@bookTicker")
	c.want(trade(1), book(1), book(2), trade(2))
	if got := passed(s.wait()); got != (progress{4, 4, 0}) {
		t.Fatalf("%+v", got)
	}
}

func TestClientsGetTheStreamsTheyAskedFor(t *testing.T) {
	t.Parallel()
	file := write(t, false, record{At: 1, Dir: "recv", Raw: book(1)}, record{At: 2, Dir: "recv", Raw: trade(7)})
	payload := strings.TrimSuffix(strings.TrimPrefix(trade(7), `{"stream":"aaausdt@trade","data":`), "}")

	s := start(t, replay.Config{Files: []string{file}})
	c := s.dial("/ws")
	c.subscribe("aaausdt@trade")
	c.want(payload)
	if got := passed(s.wait()); got != (progress{2, 1, 0}) {
		t.Fatalf("%+v", got)
	}

	all := start(t, replay.Config{Files: []string{file}, Unfiltered: true})
	d := all.dial("/stream")
	d.subscribe("other@trade")
	d.want(book(1), trade(7))
}

func TestRawRecordingsAreWrappedForCombinedClients(t *testing.T) {
	t.Parallel()
	kline := `{"e":"kline","E":5,"s":"AAAUSDT","k":{"i":"5m","t":1}}`
	quote := `{"u":1,"s":"AAAUSDT","b":"1","B":"2","a":"3","A":"4"}`
	s := start(t, replay.Config{Files: []string{write(t, false,
		record{At: 1, Dir: "recv", Raw: kline}, record{At: 2, Dir: "recv", Raw: quote})}})
	c := s.dial("/stream?streams=aaausdt@kline_5m/aaausdt@bookTicker")
	c.want(`{"stream":"aaausdt@kline_5m","data":`+kline+`}`, `{"stream":"aaausdt@bookTicker","data":`+quote+`}`)
}

func TestAwaitHoldsTheFirstFrameBack(t *testing.T) {
	t.Parallel()
	file := write(t, false, record{At: 1, Dir: "recv", Raw: book(1)}, record{At: 2, Dir: "recv", Raw: trade(7)})
	s := start(t, replay.Config{Files: []string{file}, Await: []string{"aaausdt@trade", "bbbbtc@bookTicker"}})
	a, b := s.dial("/stream"), s.dial("/stream")
	a.subscribe("aaausdt@trade")
	b.subscribe("bbbbtc@bookTicker")
	b.want(book(1))
	a.want(trade(7))
}

// A client that subscribes in two steps misses nothing.
func TestThePositionMovesOnceSubscriptionsHaveSettled(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Unix(0, 0))
	file := write(t, false, record{At: 1, Dir: "recv", Raw: book(1)}, record{At: 2, Dir: "recv", Raw: trade(7)})
	var heard []replay.Heard
	s := start(t, replay.Config{Files: []string{file}, Clock: c, Settle: time.Second, Tap: func(h replay.Heard) { heard = append(heard, h) }})
	a := s.dial("/stream")
	a.subscribe("aaausdt@trade")
	c.Advance(time.Second / 2)
	for range 20 { // or the position may be slow to begin
		s.get("/api/v3/ping")
	}
	a.subscribe("bbbbtc@bookTicker")
	for done := false; !done; {
		c.Advance(time.Second)
		select {
		case <-s.Done():
			done = true
		case <-a.ctx.Done():
			t.Fatalf("not done: %+v", s.Progress())
		default:
			runtime.Gosched()
		}
	}
	a.want(book(1), trade(7))
	want := []replay.Heard{
		{Stream: "bbbbtc@bookTicker", Symbol: "BBB/BTC", Text: []byte(book(1))},
		{Stream: "aaausdt@trade", Symbol: "AAA/USDT", Trades: []string{"7"}, Text: []byte(trade(7))},
	}
	if !reflect.DeepEqual(heard, want) {
		t.Errorf("got %q\nwant %q", heard, want)
	}
}

// A cut at an exact position, frames lost, and the hole filled over REST.
func TestCutLosesExactlyWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]replay.FaultKind{"cut": replay.Cut, "close": replay.Close} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, replay.Config{
				Files: []string{trades(t, 9)}, Mode: replay.Hold,
				Faults: []replay.Fault{{After: 7, Kind: fault}, {After: 3, Kind: fault, Lose: 2}},
			})
			status := map[replay.FaultKind]websocket.StatusCode{replay.Cut: -1, replay.Close: websocket.StatusGoingAway}[fault]
			c := s.dial("/stream?streams=aaausdt@trade")
			c.want(trade(1), trade(2), trade(3))
			c.wantEnd(status)
			c = s.dial("/stream?streams=aaausdt@trade")
			c.want(trade(6), trade(7))
			if got := s.tradeIDs("/api/v3/historicalTrades?symbol=AAAUSDT&fromId=4&limit=2"); !slices.Equal(got, []int64{4, 5}) {
				t.Fatalf("REST has %v", got)
			}
			c.wantEnd(status)
			c = s.dial("/stream?streams=aaausdt@trade")
			c.want(trade(8), trade(9))
			if got := passed(s.wait()); got != (progress{9, 7, 2}) {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestLiveGoesOnWithoutListeners(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Unix(0, 0))
	s := start(t, replay.Config{
		Files: []string{trades(t, 5)}, Speed: 2, Clock: c,
		Faults: []replay.Fault{{After: 2, Kind: replay.Cut}},
	})
	a := s.dial("/stream?streams=aaausdt@trade")
	a.want(trade(1))
	c.Advance(time.Second / 2) // a second of the recording
	a.want(trade(2))
	a.wantEnd(-1)
	c.Advance(time.Minute)
	if got := passed(s.wait()); got != (progress{5, 2, 3}) {
		t.Fatalf("%+v", got)
	}
	if got := s.tradeIDs("/api/v3/historicalTrades?symbol=AAAUSDT&fromId=3"); !slices.Equal(got, []int64{3, 4, 5}) {
		t.Fatalf("REST has %v", got)
	}
}

func TestHoldDoesNotMakeUpForTheTimeOfWaiting(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Unix(0, 0))
	s := start(t, replay.Config{
		Files: []string{trades(t, 4)}, Speed: 1, Clock: c, Mode: replay.Hold,
		Faults: []replay.Fault{{After: 2, Kind: replay.Cut}},
	})
	a := s.dial("/stream?streams=aaausdt@trade")
	a.want(trade(1))
	c.Advance(time.Second)
	a.want(trade(2))
	a.wantEnd(-1)
	c.Advance(time.Hour)
	b := s.dial("/stream?streams=aaausdt@trade")
	b.want(trade(3))
	if got := s.Progress().Played; got > 3 {
		t.Fatalf("%d played before their time", got)
	}
	c.Advance(time.Second)
	b.want(trade(4))
}

// A client that leaves by itself, between two frames, misses none either.
func TestHoldWaitsForAClientThatLeft(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(time.Unix(0, 0))
	s := start(t, replay.Config{Files: []string{trades(t, 3)}, Speed: 1, Clock: c, Mode: replay.Hold})
	a := s.dial("/stream?streams=aaausdt@trade")
	a.want(trade(1))
	if err := a.ws.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	for s.Progress().Clients > 0 {
		if a.ctx.Err() != nil {
			t.Fatal("the client is still counted")
		}
		runtime.Gosched()
	}
	c.Advance(time.Minute)
	b := s.dial("/stream?streams=aaausdt@trade")
	b.want(trade(2))
	c.Advance(time.Second)
	b.want(trade(3))
}

func TestInjectedFrames(t *testing.T) {
	t.Parallel()
	s := start(t, replay.Config{Files: []string{trades(t, 2)}, Faults: []replay.Fault{
		{After: 0, Kind: replay.Text, Data: []byte("{rubbish")},
		{After: 1, Kind: replay.Binary, Data: []byte{0xff, 0}},
		{After: 2, Kind: replay.Text, Data: []byte("last")},
	}})
	c := s.dial("/stream?streams=aaausdt@trade")
	c.want("{rubbish", trade(1))
	kind, data, err := c.ws.Read(c.ctx)
	if err != nil || kind != websocket.MessageBinary || string(data) != "\xff\x00" {
		t.Fatal(kind, data, err)
	}
	c.want(trade(2), "last")
}

func TestRESTKnowsOnlyWhatWasPlayed(t *testing.T) {
	t.Parallel()
	s := start(t, replay.Config{
		Files: []string{trades(t, 6)}, Mode: replay.Hold,
		Faults: []replay.Fault{{After: 4, Kind: replay.Cut}},
	})
	if got := s.tradeIDs("/api/v3/historicalTrades?symbol=AAAUSDT"); len(got) > 0 {
		t.Fatalf("REST has %v before anybody subscribed", got)
	}
	c := s.dial("/stream?streams=aaausdt@trade")
	c.want(trade(1), trade(2), trade(3), trade(4))
	c.wantEnd(-1)
	if got := s.tradeIDs("/api/v3/historicalTrades?symbol=AAAUSDT&fromId=3&limit=2"); !slices.Equal(got, []int64{3, 4}) {
		t.Fatalf("REST has %v", got)
	}
	for path, want := range map[string]string{
		"historicalTrades":                         `"code":-1102`,
		"historicalTrades?symbol=NOPE":             `"code":-1121`,
		"historicalTrades?symbol=AAAUSDT&fromId=x": `"code":-1100`,
		"exchangeInfo?symbol=NOPE":                 `"code":-1121`,
	} {
		if status, body := s.get("/api/v3/" + path); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	_, body := s.get("/api/v3/exchangeInfo")
	for _, want := range []string{`"symbol":"AAAUSDT"`, `"baseAsset":"AAA"`, `"quoteAsset":"USDT"`, `"tickSize":"0.10000000"`, `"stepSize":"0.00100000"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not in %s", want, body)
		}
	}
	if status, body := s.get("/api/v3/ping"); status != http.StatusOK || body != "{}" {
		t.Error(status, body)
	}
	if status, body := s.get("/api/v3/time"); status != http.StatusOK || !strings.Contains(body, "serverTime") {
		t.Error(status, body)
	}
}

func TestNewTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "broken.ndjson")
	if err := os.WriteFile(broken, []byte("{\"t_ns\":1,\"dir\":\"open\"}\n{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.New(replay.Config{Files: []string{broken}}); err == nil || !strings.Contains(err.Error(), "broken.ndjson:2") {
		t.Errorf("broken file: %v", err)
	}
	if _, err := replay.New(replay.Config{Files: []string{broken + "x"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	for name, cfg := range map[string]replay.Config{
		"no files": {},
		"speed":    {Files: []string{broken}, Speed: -1},
		"mode":     {Files: []string{broken}, Mode: 9},
		"fault":    {Files: []string{broken}, Faults: []replay.Fault{{After: 1}}},
	} {
		if _, err := replay.New(cfg); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStopEndsAReplayThatWaits(t *testing.T) {
	t.Parallel()
	s := start(t, replay.Config{Files: []string{trades(t, 2)}, Mode: replay.Hold, Faults: []replay.Fault{{After: 1, Kind: replay.Cut}}})
	c := s.dial("/stream?streams=aaausdt@trade")
	c.want(trade(1))
	c.wantEnd(-1)
	s.stop()
	select {
	case <-s.Done():
		t.Fatal("done before the last frame")
	default:
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
