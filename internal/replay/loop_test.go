package replay_test

import (
	"fmt"
	"testing"

	"github.com/coder/websocket"

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

// Ids, numbers and times go on in each venue's form; an id that is a UUID becomes
// another one.
func TestALoopGoesOnInEveryForm(t *testing.T) {
	t.Parallel()
	const begin = int64(1_700_000_040_000_000_000) // a whole minute
	for name, c := range map[string]struct{ venue, path, request, first, second string }{
		"kraken": {
			"kraken", "/v2", `{"method":"subscribe","params":{"channel":"trade","symbol":["A/USD"]}}`,
			`{"channel":"trade","type":"update","data":[{"symbol":"A/USD","price":1,"trade_id":8,"timestamp":"2023-11-14T22:14:00.050000Z"},{"symbol":"A/USD","price":8,"trade_id":9,"timestamp":"2023-11-14T22:14:01.000000Z"}]}`,
			`{"channel":"trade","type":"update","data":[{"symbol":"A/USD","price":1,"trade_id":10,"timestamp":"2023-11-14T22:15:00.050000Z"},{"symbol":"A/USD","price":8,"trade_id":11,"timestamp":"2023-11-14T22:15:01.000000Z"}]}`,
		},
		"coinbase": {
			"coinbase", "/", `{"type":"subscribe","channel":"market_trades","product_ids":["A-USD"]}`,
			`{"channel":"market_trades","timestamp":"2023-11-14T22:14:00.1Z","events":[{"type":"update","trades":[{"trade_id":"99","product_id":"A-USD","time":"2023-11-14T22:14:00Z"}]}]}`,
			`{"channel":"market_trades","timestamp":"2023-11-14T22:15:00.1Z","events":[{"type":"update","trades":[{"trade_id":"100","product_id":"A-USD","time":"2023-11-14T22:15:00Z"}]}]}`,
		},
		"okx bars": {
			"okx", "/ws/v5/business", `{"op":"subscribe","args":[{"channel":"candle1m","instId":"A-USDT"}]}`,
			`{"arg":{"channel":"candle1m","instId":"A-USDT"},"data":[["1700000040000","1","2","3","4","5","6","7","1"]]}`,
			`{"arg":{"channel":"candle1m","instId":"A-USDT"},"data":[["1700000100000","1","2","3","4","5","6","7","1"]]}`,
		},
		"okx quotes": {
			"okx", "/ws/v5/public", `{"op":"subscribe","args":[{"channel":"bbo-tbt","instId":"A-USDT"}]}`,
			`{"arg":{"channel":"bbo-tbt","instId":"A-USDT"},"data":[{"asks":[["1700000040000","1"]],"bids":[],"ts":"1700000040000","seqId":7}]}`,
			`{"arg":{"channel":"bbo-tbt","instId":"A-USDT"},"data":[{"asks":[["1700000040000","1"]],"bids":[],"ts":"1700000100000","seqId":8}]}`,
		},
		"bybit UUID": {
			"bybit", "/v5/public/linear", `{"op":"subscribe","args":["publicTrade.AUSDT"]}`,
			`{"topic":"publicTrade.AUSDT","ts":1700000040000,"data":[{"i":"9d5c9c21-5b0f-5f25-8d7e-0000000000ff","T":1700000040001},{"i":"9d5c9c21-5b0f-5f25-8d7e-ffffffffffff","T":1700000040001}]}`,
			`{"topic":"publicTrade.AUSDT","ts":1700000100000,"data":[{"i":"9d5c9c21-5b0f-5f25-8d7e-000000000101","T":1700000100001},{"i":"9d5c9c21-5b0f-5f25-8d7e-000000000001","T":1700000100001}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, false, record{At: begin, Dir: "recv", Raw: c.first})
			s := start(t, replay.Config{Venue: c.venue, Files: []string{file}, Loop: true, Mode: replay.Hold})
			client := s.dial(c.path)
			if err := client.ws.Write(client.ctx, websocket.MessageText, []byte(c.request)); err != nil {
				t.Fatal(err)
			}
			client.read() // the answer
			client.want(c.first, c.second)
		})
	}
}
