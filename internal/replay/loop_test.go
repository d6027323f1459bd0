package replay_test

import (
	"fmt"
	"testing"

	"github.com/fullon/fullon/internal/replay"
)

// Each lap goes on where the last one ended: ids without holes, update ids that
// rise, bars at whole minutes.
func TestALoopGoesOnWhereTheLastLapEnded(t *testing.T) {
	t.Parallel()
	const minute = int64(60_000)
	const begin = int64(1_700_000_040_000) // a whole minute, ms
	tradeAt := func(id, ms int64) string {
		return fmt.Sprintf(`{"stream":"aaausdt@trade","data":{"e":"trade","E":%d,"s":"AAAUSDT","t":%d,"p":"2.5","q":"1","T":%[1]d,"m":true,"M":true}}`, ms, id)
	}
	klineAt := func(ms int64) string {
		return fmt.Sprintf(`{"stream":"aaausdt@kline_1m","data":{"e":"kline","E":%d,"s":"AAAUSDT","k":{"t":%[1]d,"T":%d,"s":"AAAUSDT","i":"1m","f":0,"L":0,"o":"1"}}}`, ms, ms+minute-1)
	}
	file := write(t, false,
		record{At: begin * 1e6, Dir: "recv", Raw: tradeAt(70, begin)},
		record{At: begin*1e6 + 1, Dir: "recv", Raw: book(5)},
		record{At: begin*1e6 + 2, Dir: "recv", Raw: tradeAt(71, begin+3)},
		record{At: begin*1e6 + 3, Dir: "recv", Raw: klineAt(begin)},
		record{At: begin*1e6 + 4, Dir: "recv", Raw: book(9)})
	s := start(t, replay.Config{Files: []string{file}, Loop: true, Mode: replay.Hold})
	c := s.dial("/stream?streams=aaausdt@trade/bbbbtc@bookTicker/aaausdt@kline_1m")
	for lap := range int64(4) {
		shift := lap * minute // all of it is within one
		got := []string{c.read(), c.read(), c.read(), c.read(), c.read()}
		want := []string{
			tradeAt(70+2*lap, begin+shift), book(int(5 + 5*lap)), tradeAt(71+2*lap, begin+shift+3), klineAt(begin + shift), book(int(9 + 5*lap)),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("lap %d:\n%q\nwant\n%q", lap, got, want)
		}
	}
	if ids := s.tradeIDs("/api/v3/historicalTrades?symbol=AAAUSDT&fromId=70&limit=8"); fmt.Sprint(ids) != "[70 71 72 73 74 75 76 77]" {
		t.Fatal(ids)
	}
	if got := fmt.Sprint(s.Symbols()); got != "[AAA/USDT BBB/BTC]" {
		t.Fatal(got)
	}
}
