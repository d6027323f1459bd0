package okx

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func newTestDialect(t *testing.T, sink venue.Sink, symbols ...string) *dialect {
	t.Helper()
	f := testFeed(t, sink, symbols...)
	return newDialect(f, publicEndpoint, f.Names(), nil, time.Minute)
}

// All that a connection may ask for in an hour, refused batches included, is less
// than the venue takes, and a request shorter than it takes.
func TestRequestsAreWithinTheLimits(t *testing.T) {
	t.Parallel()
	for _, e := range []endpoint{publicEndpoint, businessEndpoint} {
		var symbols []string
		for i := range own.MaxSymbols {
			symbols = append(symbols, fmt.Sprintf("LONGNAME%d/USDT:USDT", i))
		}
		f := testFeed(t, venuetest.NewSink(), symbols...)
		d := newDialect(f, e, f.Names(), testSizes(), time.Minute)
		asked := d.Opening()
		requests := len(asked)
		for _, frame := range asked {
			if len(frame) > 64<<10 {
				t.Errorf("a request of %d bytes", len(frame))
			}
		}
		for id := 1; ; id++ {
			before, _, _ := d.requests.Oldest()
			if before == 0 {
				break
			}
			requests += len(d.Handle([]byte(replace(errorFrame, `"id":"1"`, fmt.Sprintf(`"id":"%d"`, id))), now).Send)
		}
		if requests > 480 {
			t.Errorf("%s: %d requests, want at most 480", e.path, requests)
		}
	}
}

func TestEachChannelOfEachSymbolIsSettled(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	d := newTestDialect(t, sink, "BTC/USDT", "ETH/USDT")
	if frames := d.Opening(); len(frames) != 3 || string(frames[0]) !=
		`{"id":"1","op":"subscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"ETH-USDT"}]}` {
		t.Fatalf("asked %s", frames)
	}
	d.Handle([]byte(bestFrame), now)
	for i, frame := range []string{
		`{"id":"status","event":"subscribe","arg":{"channel":"status"}}`,
		ackFrame, replace(ackFrame, `"id":"1",`, ``), // as it was before there were ids
		replace(ackFrame, "BTC-USDT", "ETH-USDT"), replace(ackFrame, "bbo-tbt", "tickers"),
		replace(replace(ackFrame, "BTC-USDT", "ETH-USDT"), "bbo-tbt", "tickers"),
	} {
		if out := d.Handle([]byte(frame), now); out.Delivering != (i == 5) || out.Send != nil {
			t.Errorf("answer %d: %+v", i, out)
		}
	}
	if _, err := d.Keepalive(now.Add(time.Hour)); err != nil {
		t.Errorf("all was answered: %v", err)
	}
	for _, e := range sink.Events() {
		if e.Refused != "" {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
}

// A refused channel of one symbol does not take the others along, whether they were
// granted before or are granted after, and whether the venue says which request it
// refuses.
func TestARefusedSymbolIsAskedForAlone(t *testing.T) {
	t.Parallel()
	for _, refusal := range []string{errorFrame, replace(errorFrame, `"id":"1",`, ``)} {
		sink := venuetest.NewSink()
		d := newTestDialect(t, sink, "BTC/USDT", "ETH/USDT", "DOGE/USDT")
		d.Opening()
		granted := replace(ackFrame, "BTC-USDT", "ETH-USDT")
		d.Handle([]byte(granted), now)
		out := d.Handle([]byte(refusal), now)
		if len(out.Send) != 2 || !strings.Contains(string(out.Send[0]), "BTC-USDT") || !strings.Contains(string(out.Send[1]), "DOGE-USDT") {
			t.Fatalf("asked again: %s", out.Send)
		}
		d.Handle([]byte(replace(ackFrame, "BTC-USDT", "DOGE-USDT")), now) // of the first request
		d.Handle([]byte(replace(errorFrame, `"id":"1"`, `"id":"3"`)), now)
		e := sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSubscription))
		if !errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), "BTC/USDT") || !strings.Contains(e.Err.Error(), "60018") {
			t.Errorf("refused with %v", e.Err)
		}
		d.Handle([]byte(replace(ackFrame, "BTC-USDT", "DOGE-USDT")), now) // of its own
		if id, topic, names := d.requests.Oldest(); id != 2 || topic != "tickers" || len(names) != 3 || len(sink.Events()) != 1 {
			t.Errorf("left are %d %s %v; %+v", id, topic, names, sink.Events())
		}
	}
}

// A venue that has no time for a request did not refuse the symbol: the connection
// is made anew and asks again.
func TestABusyVenueDoesNotCostASymbol(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	d := newTestDialect(t, sink, "BTC/USDT")
	d.Opening()
	for _, code := range busy {
		if out := d.Handle([]byte(replace(errorFrame, "60018", code)), now); out.Send != nil {
			t.Errorf("%s: asked again: %s", code, out.Send)
		}
		e := sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSubscription))
		if errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), code) {
			t.Errorf("%s: refused with %v", code, e.Err)
		}
	}
	if _, err := d.Keepalive(time.Now().Add(time.Hour)); err == nil {
		t.Error("nothing ends the connection")
	}
}

func TestOddAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ frame, kind string }{
		{replace(errorFrame, `"id":"1"`, `"id":"99"`), "subscription"},
		{replace(errorFrame, `"id":"1"`, `"id":"status"`), "subscription"},
		{replace(errorFrame, `"code":"60018"`, `"code":60018`), "malformed"},
		{replace(errorFrame, `"msg"`, `"z"`), "malformed"},
		{replace(ackFrame, `"arg":{`, `"arg":1,"z":{`), "malformed"},
		{replace(ackFrame, `"instId"`, `"z"`), "malformed"},
		{`{"event":"notice","code":"64008"}`, "malformed"},
	} {
		sink := venuetest.NewSink()
		d := newTestDialect(t, sink, "BTC/USDT")
		d.Opening()
		if out := d.Handle([]byte(c.frame), now); out.Send != nil || out.Renew || out.Delivering {
			t.Errorf("%s: %+v", c.frame, out)
		}
		if e := sink.Events(); len(e) != 1 || e[0].Refused != c.kind {
			t.Errorf("%s: got %+v, want a refusal as %q", c.frame, e, c.kind)
		}
	}
}
