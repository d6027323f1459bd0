package replay_test

import (
	"regexp"
	"testing"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/internal/replay"
)

// turn is what a client says, and what it hears then.
type turn struct {
	says  string
	hears []string
}

// ours are what answers carry of the time and of the connection.
var ours = regexp.MustCompile(`"(time_in|time_out|timestamp)":"202[2-9][^"]*"`)

// Requests are answered as the venues do, what was recorded is played as it was or in
// the form of today, and what has several symbols in one message is taken apart.
func TestDialects(t *testing.T) {
	t.Parallel()
	for venue, c := range map[string]struct {
		path, url string
		await     string // a stream that only the last request asks for
		recorded  []string
		turns     []turn
	}{
		"kraken": {
			"/v2", "", "trade B/USD",
			[]string{
				`{"channel":"heartbeat"}`,
				`{"channel":"trade","type":"update","data":[{"symbol":"A/USD","price":1.50,"trade_id":1},{"symbol":"B/USD","price":2,"trade_id":7},{"symbol":"B/USD","price":3,"trade_id":8}]}`,
				`{"channel":"ohlc","type":"update","data":[{"symbol":"A/USD","interval":5,"open":1}]}`,
				`[1,[["1.60","2","1618678142.557535","s","m",""]],"trade","A/USD"]`,
				`[1,{"as":[["2.0","3","1618678133.162950"]]},"book-1000","A/USD"]`,
			},
			[]turn{
				{`{"method":"ping","req_id":3}`, []string{`{"method":"pong","req_id":3,T,T}`}},
				{`{"method":"dance"}`, []string{`{"method":"dance","success":false,"error":"Malformed request",T,T}`}},
				{`{"method":"subscribe","params":{"channel":"trade","symbol":["NO/USD"]},"req_id":4}`, []string{
					`{"method":"subscribe","success":false,"error":"Currency pair not supported NO/USD","symbol":"NO/USD","req_id":4,T,T}`,
				}},
				{`{"method":"subscribe","params":{"channel":"ohlc","interval":5,"symbol":["A/USD"]},"req_id":5}`, []string{
					`{"method":"subscribe","result":{"channel":"ohlc","interval":5,"symbol":"A/USD"},"success":true,"req_id":5,T,T}`,
				}},
				{`{"method":"unsubscribe","params":{"channel":"ticker","symbol":["A/USD"]},"req_id":6}`, []string{
					`{"method":"unsubscribe","result":{"channel":"ticker","symbol":"A/USD"},"success":true,"req_id":6,T,T}`,
				}},
				{`{"method":"subscribe","params":{"channel":"trade","symbol":["A/USD","B/USD"]},"req_id":7}`, []string{
					`{"method":"subscribe","result":{"channel":"trade","symbol":"A/USD"},"success":true,"req_id":7,T,T}`,
					`{"method":"subscribe","result":{"channel":"trade","symbol":"B/USD"},"success":true,"req_id":7,T,T}`,
					`{"channel":"trade","type":"update","data":[{"symbol":"A/USD","price":1.50,"trade_id":1}]}`,
					`{"channel":"trade","type":"update","data":[{"symbol":"B/USD","price":2,"trade_id":7},{"symbol":"B/USD","price":3,"trade_id":8}]}`,
					`{"channel":"ohlc","type":"update","data":[{"symbol":"A/USD","interval":5,"open":1}]}`,
					`{"channel":"trade","type":"update","data":[{"symbol":"A/USD","side":"sell","price":1.60,"qty":2,"ord_type":"market","trade_id":1,"timestamp":"2021-04-17T16:49:02.557535Z"}]}`,
				}},
			},
		},
		"coinbase": {
			"/", "", "ticker B-USD",
			[]string{
				`{"channel":"heartbeats","sequence_num":90,"events":[]}`,
				`{"channel":"ticker","client_id":"","timestamp":"1999-01-01T00:00:00Z","sequence_num":91,"events":[{"type":"update","tickers":[{"product_id":"A-USD","price":"1"},{"product_id":"B-USD","price":"2"}]}]}`,
				`{"channel":"market_trades","client_id":"", "sequence_num": 92,"events":[{"type":"update","trades":[{"product_id":"A-USD","trade_id":"5"}]}]}`,
				`{"type":"match","trade_id":6,"maker_order_id":"x","side":"sell","size":"985","price":"0.1","product_id":"A-USD","time":"1999-01-01T00:00:00.5Z"}`,
				`{"type":"l2update","product_id":"A-USD"}`,
			},
			[]turn{
				{`{"type":"dance"}`, []string{`{"message":"malformed request","type":"error"}`}},
				{`{"type":"subscribe","channel":"heartbeats"}`, []string{
					`{"channel":"subscriptions","client_id":"",T,"sequence_num":0,"events":[{"subscriptions":{"heartbeats":["heartbeats"]}}]}`,
				}},
				{`{"type":"subscribe","channel":"ticker","product_ids":["A-USD","NO-USD"]}`, []string{`{"message":"NO-USD is not a valid product","type":"error"}`}},
				{`{"type":"unsubscribe","channel":"heartbeats"}`, []string{
					`{"channel":"subscriptions","client_id":"",T,"sequence_num":1,"events":[{}]}`,
				}},
				{`{"type":"subscribe","channel":"market_trades","product_ids":["A-USD","B-USD"]}`, []string{
					`{"channel":"subscriptions","client_id":"",T,"sequence_num":2,"events":[{"subscriptions":{"market_trades":["A-USD","B-USD"]}}]}`,
				}},
				{`{"type":"subscribe","channel":"ticker","product_ids":["B-USD"]}`, []string{
					`{"channel":"subscriptions","client_id":"",T,"sequence_num":3,"events":[{"subscriptions":{"market_trades":["A-USD","B-USD"],"ticker":["B-USD"]}}]}`,
					`{"channel":"ticker","client_id":"","timestamp":"1999-01-01T00:00:00Z","sequence_num":4,"events":[{"type":"update","tickers":[{"product_id":"B-USD","price":"2"}]}]}`,
					`{"channel":"market_trades","client_id":"", "sequence_num": 5,"events":[{"type":"update","trades":[{"product_id":"A-USD","trade_id":"5"}]}]}`,
					`{"channel":"market_trades","client_id":"","timestamp":"1999-01-01T00:00:00.5Z","sequence_num":6,"events":[{"type":"update","trades":[{"trade_id":"6","product_id":"A-USD","price":"0.1","size":"985","side":"SELL","time":"1999-01-01T00:00:00.5Z"}]}]}`,
				}},
			},
		},
		"okx": {
			"/ws/v5/public", "", "bbo-tbt A-USDT",
			[]string{
				`{"event":"subscribe","arg":{"channel":"trades","instId":"A-USDT"}}`,
				`{"arg":{"channel":"trades","instId":"A-USDT"},"data":[{"instId":"A-USDT","tradeId":"5","px":"1","sz":"2","side":"buy","ts":"1000","count":"3"}]}`,
				`{"arg":{"channel":"trades","instId":"A-USDT"},"data":[{"instId":"A-USDT","tradeId":"5","px":"1","sz":"2","side":"buy","ts":"1000"}]}`,
				`{"arg":{"channel":"books","instId":"A-USDT"},"action":"snapshot","data":[{"asks":[["3","1","0","1"],["4","1","0","1"]],"bids":[["2","1","0","1"]],"ts":"1001"}]}`,
				`{"arg":{"channel":"books","instId":"A-USDT"},"action":"update","data":[{"asks":[["4","2","0","1"]],"bids":[],"ts":"1002"}]}`,
				`{"arg":{"channel":"books","instId":"A-USDT"},"action":"update","data":[{"asks":[["3","0","0","0"]],"bids":[["2","0","0","0"]],"ts":"1003"}]}`,
			},
			[]turn{
				{`ping`, []string{`pong`}},
				{`{"op":"dance"}`, []string{`{"code":"60012","connId":"replay","event":"error","id":"","msg":"Illegal request: {\"op\":\"dance\"}"}`}},
				{`{"id":"1","op":"unsubscribe","args":[{"channel":"status"}]}`, []string{`{"arg":{"channel":"status"},"connId":"replay","event":"unsubscribe","id":"1"}`}},
				{`{"id":"2","op":"subscribe","args":[{"channel":"trades-all","instId":"NO-USDT"},{"channel":"trades-all","instId":"A-USDT"},{"channel":"bbo-tbt","instId":"A-USDT"}]}`, []string{
					`{"arg":{"channel":"trades-all","instId":"A-USDT"},"connId":"replay","event":"subscribe","id":"2"}`,
					`{"arg":{"channel":"bbo-tbt","instId":"A-USDT"},"connId":"replay","event":"subscribe","id":"2"}`,
					`{"code":"60018","connId":"replay","event":"error","id":"2","msg":"Wrong URL or channel:trades-all,instId:NO-USDT doesn't exist. Please use the correct URL, channel and parameters referring to API document."}`,
					`{"arg":{"channel":"trades-all","instId":"A-USDT"},"data":[{"tradeId":"5","px":"1","sz":"2","side":"buy","ts":"1000","instId":"A-USDT"}]}`,
					`{"arg":{"channel":"bbo-tbt","instId":"A-USDT"},"data":[{"bids":[["2","1","0","1"]],"asks":[["3","1","0","1"]],"ts":"1001"}]}`,
					`{"arg":{"channel":"bbo-tbt","instId":"A-USDT"},"data":[{"bids":[],"asks":[["4","2","0","1"]],"ts":"1003"}]}`,
				}},
			},
		},
		"bybit": {
			"/v5/public/spot", "wss://stream.bybit.com/v5/public/spot", "spot orderbook.1.AUSDT",
			[]string{
				`{"success":true,"op":"subscribe"}`,
				`{"topic":"orderbook.50.AUSDT","type":"delta","ts":1,"data":{"s":"AUSDT","b":[["9","9"]],"a":[],"u":1,"seq":1}}`,
				`{"topic":"orderbook.50.AUSDT","type":"snapshot","ts":2,"data":{"s":"AUSDT","b":[["1","1"],["2","2"]],"a":[["3","3"]],"u":2,"seq":2}}`,
				`{"topic":"orderbook.50.AUSDT","type":"delta","ts":3,"data":{"s":"AUSDT","b":[["2","0"]],"a":[],"u":3,"seq":3}}`,
				`{"topic":"tickers.AUSDT","type":"delta","ts":4,"data":{"lastPrice":"9"}}`,
				`{"topic":"tickers.AUSDT","type":"snapshot","ts":5,"data":{"lastPrice":"1","volume24h":"2"}}`,
				`{"topic":"tickers.AUSDT","type":"delta","ts":6,"data":{"lastPrice":"3"}}`,
				`{"topic":"publicTrade.AUSDT","ts":7,"type":"snapshot","data":[{"i":"u","T":7,"p":"1","v":"1","S":"Buy","s":"AUSDT","BT":false}]}`,
			},
			[]turn{
				{`{"op":"ping"}`, []string{`{"success":true,"ret_msg":"pong","conn_id":"replay","req_id":"","op":"ping"}`}},
				{`{"op":"dance"}`, []string{`{"success":false,"ret_msg":"unknown op","conn_id":"replay","req_id":"","op":"dance"}`}},
				{`{"req_id":"1","op":"subscribe","args":["tickers.AUSDT","tickers.NO"]}`, []string{
					`{"success":false,"ret_msg":"Invalid symbol :[tickers.NO]","conn_id":"replay","req_id":"1","op":"subscribe"}`,
				}},
				{`{"req_id":"2","op":"unsubscribe","args":["tickers.AUSDT"]}`, []string{
					`{"success":true,"ret_msg":"","conn_id":"replay","req_id":"2","op":"unsubscribe"}`,
				}},
				{`{"req_id":"3","op":"subscribe","args":["tickers.AUSDT","orderbook.1.AUSDT","publicTrade.AUSDT"]}`, []string{
					`{"success":true,"ret_msg":"","conn_id":"replay","req_id":"3","op":"subscribe"}`,
					`{"topic":"orderbook.1.AUSDT","type":"snapshot","ts":2,"data":{"s":"AUSDT","b":[["2","2"]],"a":[["3","3"]],"u":2,"seq":2}}`,
					`{"topic":"orderbook.1.AUSDT","type":"snapshot","ts":3,"data":{"s":"AUSDT","b":[["1","1"]],"a":[["3","3"]],"u":3,"seq":3}}`,
					`{"topic":"tickers.AUSDT","type":"snapshot","ts":5,"data":{"lastPrice":"1","volume24h":"2"}}`,
					`{"topic":"tickers.AUSDT","type":"snapshot","ts":6,"data":{"lastPrice":"3","volume24h":"2"}}`,
					`{"topic":"publicTrade.AUSDT","ts":7,"type":"snapshot","data":[{"i":"u","T":7,"p":"1","v":"1","S":"Buy","s":"AUSDT","BT":false}]}`,
				}},
			},
		},
	} {
		t.Run(venue, func(t *testing.T) {
			t.Parallel()
			records := []record{{At: 1, Dir: "open", URL: c.url}}
			for i, raw := range c.recorded {
				records = append(records, record{At: int64(i + 2), Dir: "recv", Raw: raw})
			}
			s := start(t, replay.Config{Venue: venue, Files: []string{write(t, false, records...)}, Await: []string{c.await}})
			client := s.dial(c.path)
			for _, turn := range c.turns {
				if err := client.ws.Write(client.ctx, websocket.MessageText, []byte(turn.says)); err != nil {
					t.Fatal(err)
				}
				for i, want := range turn.hears {
					if got := ours.ReplaceAllString(client.read(), "T"); got != want {
						t.Fatalf("answer %d to %s:\n got %s\nwant %s", i, turn.says, got, want)
					}
				}
			}
		})
	}
}
