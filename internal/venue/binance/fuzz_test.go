package binance

import (
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func FuzzDecode(f *testing.F) {
	for _, frame := range []string{
		bookFrame, tradeFrame, aggFrame, dayFrame, klineFrame,
		combined("btcusdt@bookTicker", bookFrame), combined("btcusdt@trade", tradeFrame),
		timedBookFrame, futuresDayFrame,
		`{"result":null,"id":1}`, `{"error":{"code":2,"msg":"no"},"id":1}`, `{"code":2,"msg":"no"}`,
		`{"e":"serverShutdown","E":1700000000000}`, `{"e":"depthUpdate"}`, `[[[[`, `{"e":NaN}`, ``,
	} {
		f.Add([]byte(frame), []byte(bookFrame))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		feed, err := venue.NewFeed("binance", []string{"BTC/USDT"}, VenueSymbol, venuetest.Checking{TB: t})
		if err != nil {
			t.Fatal(err)
		}
		d := newDialect(feed, RawTrades, []string{"trade"}, feed.Names(), time.Minute)
		d.Opening()
		d.Handle(first, now)
		d.Handle(second, now)
	})
}

// The frames differ in their numbers, so that no update is ignored as old.
func BenchmarkDecode(b *testing.B) {
	for name, c := range map[string]struct{ frame, number string }{
		"bookTicker":       {combined("btcusdt@bookTicker", `{"u":50000000000,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}`), "50000000000"},
		"trade":            {combined("btcusdt@trade", `{"e":"trade","E":1700000000009,"s":"BTCUSDT","t":3000000000,"p":"61837.63000000","q":"0.02000000","T":1700000000007,"m":true,"M":true}`), "3000000000"},
		"timed bookTicker": {combined("btcusdt@bookTicker", `{"e":"bookTicker","u":50000000000,"s":"BTCUSDT","b":"61837.60","B":"3.788","a":"61837.70","A":"1.546","T":1700000000007,"E":1700000000009}`), "50000000000"},
		"unknownKind":      {combined("btcusdt@depth", `{"e":"depthUpdate","E":1700000000009,"s":"BTCUSDT","U":3000000000,"u":3000000000,"b":[],"a":[]}`), "3000000000"},
	} {
		b.Run(name, func(b *testing.B) {
			d, frame := newDecoder(b, Config{}, venuetest.Nothing{}, "BTC/USDT"), []byte(c.frame)
			last := strings.Index(c.frame, c.number) + len(c.number) - 1
			b.ReportAllocs()
			b.SetBytes(int64(len(frame)))
			for n := 0; b.Loop(); n++ {
				for i, v := last, n; v > 0; i-- {
					frame[i], v = byte('0'+v%10), v/10
				}
				d.decode(frame, now)
			}
		})
	}
}
