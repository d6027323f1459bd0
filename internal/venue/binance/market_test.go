package binance

import (
	"fmt"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func book(u int, bid, ask string) string {
	return fmt.Sprintf(`{"u":%d,"s":"BTCUSDT","b":"%s","B":"1","a":"%s","A":"2"}`, u, bid, ask)
}

func trade(id, at int, price string) string {
	return fmt.Sprintf(`{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"%s","q":"1","T":%d,"m":true}`, epoch+at, id, price, epoch+at)
}

func day(at int, last, volume, bid, ask string) string {
	return fmt.Sprintf(`{"e":"24hrTicker","E":%d,"s":"BTCUSDT","c":"%s","v":"%s","b":"%s","B":"3","a":"%s","A":"4"}`,
		epoch+at, last, volume, bid, ask)
}

// timedBook and futuresDay are of futures.
func timedBook(u, at int, bid, ask string) string {
	return fmt.Sprintf(`{"e":"bookTicker","u":%d,"E":%d,"T":%d,"s":"BTCUSDT","b":"%s","B":"1","a":"%s","A":"2"}`, u, epoch+at+2, epoch+at, bid, ask)
}

func futuresDay(at int, last, volume string) string {
	return fmt.Sprintf(`{"e":"24hrTicker","E":%d,"s":"BTCUSDT","c":"%s","v":"%s"}`, epoch+at, last, volume)
}

func openBar(at int) string {
	return fmt.Sprintf(`{"e":"kline","E":%d,"s":"BTCUSDT","k":{"x":false,"i":"1m"}}`, epoch+at)
}

// epoch is time 0 of these tests, unix ms.
const epoch = 1_700_000_000_000

func TestTickMerging(t *testing.T) {
	t.Parallel()
	// want is "last bid/size ask/size volume @time #seq" of each tick, in order.
	for name, c := range map[string]struct {
		frames []string
		want   []string
	}{
		"a book ticker alone has no time": {
			[]string{book(5, "10", "11")},
			[]string{"0 10/1 11/2 0 @- #5"},
		},
		"a book ticker of futures has the time when it was sent": {
			[]string{timedBook(5, 1, "10", "11"), timedBook(6, 1, "12", "13"), trade(1, 2, "12"), timedBook(7, 2, "12", "14")},
			[]string{"0 10/1 11/2 0 @3 #5", "0 12/1 13/2 0 @3 #6", "12 12/1 13/2 0 @3 #6", "12 12/1 14/2 0 @4 #7"},
		},
		"an old book ticker of futures is ignored": {
			[]string{timedBook(5, 9, "10", "11"), timedBook(5, 9, "1", "2"), timedBook(4, 10, "1", "2"), timedBook(6, 9, "12", "13")},
			[]string{"0 10/1 11/2 0 @11 #5", "0 12/1 13/2 0 @12 #6"},
		},
		"the day ticker of futures has no quote": {
			[]string{futuresDay(1, "9", "100"), timedBook(5, 2, "8", "10"), futuresDay(2, "9.5", "101")},
			[]string{"9 0/0 0/0 100 @1 #0", "9 8/1 10/2 100 @4 #5", "9.5 8/1 10/2 101 @4 #5"},
		},
		"an old or repeated book ticker is ignored": {
			[]string{book(5, "10", "11"), book(5, "1", "2"), book(4, "1", "2"), book(6, "12", "13")},
			[]string{"0 10/1 11/2 0 @- #5", "0 12/1 13/2 0 @- #6"},
		},
		"an empty side is not known": {
			[]string{book(5, "10", "0.00")},
			[]string{"0 10/1 0/2 0 @- #5"},
		},
		"an empty market tells nothing": {
			[]string{book(5, "0", "0"), day(1, "0", "0", "0", "0"), book(6, "10", "0")},
			[]string{"0 10/1 0/2 0 @1 #6"},
		},
		"the day ticker quotes until a book ticker came": {
			[]string{day(1, "9", "100", "8", "10"), book(5, "8.5", "9.5"), day(2, "9", "101", "1", "99")},
			[]string{"9 8/3 10/4 100 @1 #0", "9 8.5/1 9.5/2 100 @1 #5", "9 8.5/1 9.5/2 101 @2 #5"},
		},
		"a repeated or older day ticker is ignored": {
			[]string{day(2, "9", "100", "8", "10"), day(2, "9", "100", "8", "10"), day(1, "5", "50", "4", "6")},
			[]string{"9 8/3 10/4 100 @2 #0"},
		},
		"a trade sets last and time": {
			[]string{trade(1, 5, "10")},
			[]string{"10 0/0 0/0 0 @5 #0"},
		},
		"an older trade does not set last": {
			[]string{trade(2, 5, "10"), trade(1, 4, "9")},
			[]string{"10 0/0 0/0 0 @5 #0"},
		},
		"trades of one millisecond go by number": {
			[]string{trade(1, 5, "9"), trade(2, 5, "10"), trade(1, 5, "9")},
			[]string{"9 0/0 0/0 0 @5 #0", "10 0/0 0/0 0 @5 #0"},
		},
		"a day ticker no newer than the last trade leaves last": {
			[]string{trade(1, 5, "10"), day(5, "9", "100", "8", "11"), day(6, "12", "100", "8", "11")},
			[]string{"10 0/0 0/0 0 @5 #0", "10 8/3 11/4 100 @5 #0", "12 8/3 11/4 100 @6 #0"},
		},
		"a trade after a newer day ticker sets last but not time": {
			[]string{trade(1, 5, "10"), day(9, "12", "100", "8", "11"), trade(2, 7, "11")},
			[]string{"10 0/0 0/0 0 @5 #0", "12 8/3 11/4 100 @9 #0", "11 8/3 11/4 100 @9 #0"},
		},
		"the time of any message counts": {
			[]string{book(1, "10", "11"), openBar(7), book(2, "10", "12")},
			[]string{"0 10/1 11/2 0 @- #1", "0 10/1 12/2 0 @7 #2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, sink := newTestDecoder(t, Config{})
			for i, frame := range c.frames {
				if got := d.decode([]byte(frame), now.Add(time.Duration(i))); got != messageData {
					t.Fatalf("%s: decode = %d", frame, got)
				}
			}
			var got []string
			var before domain.TickOrder
			for _, e := range sink.Events() {
				if e.Refused != "" {
					t.Errorf("refused: %v", e.Err)
				}
				if e.Tick == nil {
					continue
				}
				got = append(got, describe(*e.Tick))
				if e.Tick.Order().OlderThan(before) {
					t.Errorf("tick %s is older than the one before", describe(*e.Tick))
				}
				before = e.Tick.Order()
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func describe(t domain.Tick) string {
	at := "-"
	if !t.Time.IsZero() {
		at = fmt.Sprint(t.Time.UnixMilli() - epoch)
	}
	return fmt.Sprintf("%s %s/%s %s/%s %s @%s #%d", t.Last, t.Bid, t.BidSize, t.Ask, t.AskSize, t.Volume, at, t.VenueSeq)
}

func TestTickTellsWhenItWasReceived(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{Config: venue.Config{Exchange: "binance-2"}})
	d.decode([]byte(bookFrame), now)
	e := sink.Await(t, "tick", venuetest.IsTick)
	if !e.Tick.Received.Equal(now) || e.Tick.Exchange != "binance-2" || e.Tick.Symbol != "BTC/USDT" {
		t.Errorf("got %+v", *e.Tick)
	}
}
