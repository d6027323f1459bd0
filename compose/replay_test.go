package compose

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// recordedMarket is a market's trades and quotes as a venue sends them.
type recordedMarket struct {
	symbol string
	url    string                       // of the connection
	trade  func(n int, ms int64) string // the trade of that number
	quote  func(n int, ms int64) string // 2.4 to 2.6
}

func rfc3339(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000000Z") }

var recordedMarkets = map[string]recordedMarket{
	"binance": {
		"AAA/USDT", "wss://stream.binance.com/stream",
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"stream":"aaausdt@trade","data":{"e":"trade","E":%d,"s":"AAAUSDT","t":%d,"p":"2.5","q":"1","T":%[1]d,"m":true,"M":true}}`, ms, n)
		},
		func(n int, _ int64) string {
			return fmt.Sprintf(`{"stream":"aaausdt@bookTicker","data":{"u":%d,"s":"AAAUSDT","b":"2.4","B":"1","a":"2.6","A":"1"}}`, n)
		},
	},
	"bybit": {
		"AAA/USDT", "wss://stream.bybit.com/v5/public/spot",
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"topic":"publicTrade.AAAUSDT","ts":%d,"type":"snapshot","data":[{"i":"%d","T":%[1]d,"p":"2.5","v":"1","S":"Sell","s":"AAAUSDT","BT":false}]}`, ms, n)
		},
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"topic":"orderbook.1.AAAUSDT","ts":%d,"type":"snapshot","data":{"s":"AAAUSDT","b":[["2.4","%d"]],"a":[["2.6","1"]],"u":%[2]d,"seq":%[2]d}}`, ms, n)
		},
	},
	"coinbase": {
		"AAA/USD", "wss://ws-feed.exchange.coinbase.com",
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"type":"match","trade_id":%d,"side":"buy","size":"1","price":"2.5","product_id":"AAA-USD","time":%q}`, n, rfc3339(ms))
		},
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"type":"ticker","sequence":%d,"product_id":"AAA-USD","price":"2.5","volume_24h":"7","best_bid":"2.4","best_ask":"2.6","time":%q}`, n, rfc3339(ms))
		},
	},
	"kraken": {
		"AAA/USD", "wss://ws.kraken.com",
		func(_ int, ms int64) string {
			return fmt.Sprintf(`[993,[["2.5","1","%d.%03d000","s","l",""]],"trade","AAA/USD"]`, ms/1000, ms%1000)
		},
		func(n int, _ int64) string {
			return fmt.Sprintf(`[996,{"a":["2.6",1,"1"],"b":["2.4",%d,"%[1]d"],"c":["2.5","1"],"v":["7","7"]},"ticker","AAA/USD"]`, n)
		},
	},
	"okx": {
		"AAA/USDT", "wss://ws.okx.com:8443/ws/v5/public",
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"arg":{"channel":"trades-all","instId":"AAA-USDT"},"data":[{"instId":"AAA-USDT","tradeId":"%d","px":"2.5","sz":"1","side":"sell","ts":"%d"}]}`, n, ms)
		},
		func(n int, ms int64) string {
			return fmt.Sprintf(`{"arg":{"channel":"bbo-tbt","instId":"AAA-USDT"},"data":[{"asks":[["2.6","1","0","1"]],"bids":[["2.4","%d","0","1"]],"ts":"%d"}]}`, n, ms)
		},
	},
}

// record writes frames, trades and quotes in turn.
func (m recordedMarket) record(t *testing.T, frames int) string {
	t.Helper()
	const begin = 1_700_000_040_000 // ms
	var b strings.Builder
	fmt.Fprintf(&b, `{"t_ns":%d,"dir":"open","url":%q}`+"\n", begin*1_000_000, m.url)
	for i := range frames {
		ms := int64(begin + 10*i)
		raw := m.trade(100+i/2, ms)
		if i%2 == 1 {
			raw = m.quote(1000+i, ms)
		}
		fmt.Fprintf(&b, `{"t_ns":%d,"dir":"recv","raw":%q}`+"\n", ms*1_000_000, raw)
	}
	return recordingOf(t, b.String())
}

func recordingOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the command prints is all that an ingest needs, at every venue.
func TestRecordingsArePlayedToAnIngest(t *testing.T) {
	t.Parallel()
	for venue, market := range recordedMarkets {
		t.Run(venue, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			player := u.start("fullon", "replay", market.record(t, 200), "--venue", venue, "--speed", "2", "--loop")
			player.says("_REST_URL=http://127.0.0.1:")
			u.env = append(u.env, strings.Fields(player.out.String())...)
			up := u.start("fullon", "up", "--no-paper")
			up.says(venue + " " + market.symbol + " bid=2.4")
			eventually(t, func() error {
				r := u.run("fullon", "get", "trades", venue, market.symbol, "--limit", "10000", "--json")
				if n := strings.Count(r.stdout, `"trade_id"`); n < 300 { // three laps
					return fmt.Errorf("%d trades, %s", n, r.stderr)
				}
				return nil
			})
			eventually(t, func() error { // on a busy machine the log may be slow to answer
				if r := u.run("fullon", "get", "gaps", venue, market.symbol); r.code != ExitNotFound {
					return fmt.Errorf("gaps: %+v", r)
				}
				return nil
			})
			for _, p := range []*process{up, player} {
				if r, _ := p.interrupt(); r.code != ExitOK {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestAReplayOfWhatIsNoRecordingIsRefused(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	good := `{"t_ns":1,"dir":"open"}` + "\n"
	for _, c := range []struct {
		text, part string
		args       []string
		code       int
	}{
		{good + "garbage\n", "recording.ndjson:2: not a record", nil, ExitFailed},
		{good + `{"t_ns":5,"price":"1"}` + "\n", "recording.ndjson:2: not a record", nil, ExitUsage},
		{good, "recordings with messages of binance", nil, ExitUsage},
		{"\x1f\x8bgarbage", "recording.ndjson", nil, ExitFailed},
		{good, `--speed: "fast" is not allowed: want a number above zero, like 1 or 10, or max`, []string{"--speed", "fast"}, ExitUsage},
		{good, `--venue: "gate" is not allowed: want binance or bybit or coinbase or kraken or okx`, []string{"--venue", "gate"}, ExitUsage},
		{`{"file":"trade.json","raw":"{}"}` + "\n", "recording.ndjson:1: not a record: dir", nil, ExitUsage},
		{good, `--listen: "9443" is not allowed: want HOST:PORT`, []string{"--listen", "9443"}, ExitUsage},
	} {
		u.run("fullon", append([]string{"replay", recordingOf(t, c.text)}, c.args...)...).complains(t, c.code, c.part)
	}
	u.run("fullon", "replay", "/none/recording.ndjson").complains(t, ExitFailed, "open /none/recording.ndjson: no such file or directory")
	kraken := recordedMarkets["kraken"].record(t, 2)
	u.run("fullon", "replay", kraken).complains(t, ExitUsage, "want recordings with messages of binance; these look like --venue kraken")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	u.run("fullon", "replay", kraken, "--venue", "kraken", "--listen", taken.Addr().String()).complains(t, ExitFailed, "address already in use")
}
