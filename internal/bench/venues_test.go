package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
)

// benchVenue is a venue of the benchmark with four at once; another one is
// another row of benchVenues.
type benchVenue struct {
	name, adapter string
	symbol        func(s int) string // unified
	// answer is what the venue says to a frame of the client; empty: nothing.
	answer func(frame []byte) string
	// trade is the message of a trade; n counts those of the symbol, from 1, i all.
	trade func(s, n, i int) []byte
}

const perVenue = 5 // symbols

var benchVenues = []benchVenue{binanceLike("binance"), binanceLike("binance2"), krakenBench, coinbaseBench}

func usd(s int) string { return fmt.Sprintf("C%03d/USD", s) }

func price(i int) string { return fmt.Sprintf("%d.%02d", 60_000+i%1000, i%100) }

func binanceLike(name string) benchVenue {
	return benchVenue{
		name, "binance", func(s int) string { return usd(s) + "T" },
		func([]byte) string { return `{"result":null,"id":1}` },
		func(s, n, i int) []byte {
			return fmt.Appendf(nil, `{"stream":"c%03dusdt@trade","data":{"e":"trade","E":%d,"s":"C%03[1]dUSDT","t":%[3]d,"p":"%[4]s000000","q":"0.02500000","T":%[2]d,"m":true,"M":true}}`,
				s, 1_700_000_000_000+i, n, price(i))
		},
	}
}

var krakenBench = benchVenue{
	"kraken", "kraken", usd,
	func([]byte) string { return "" }, // the benchmark is over before it is missed
	func(s, n, i int) []byte {
		return fmt.Appendf(nil, `{"channel":"trade","type":"update","data":[{"symbol":"C%03d/USD","side":"sell","price":%s,"qty":0.025,"ord_type":"limit","trade_id":%d,"timestamp":%q}]}`,
			s, price(i), n, time.UnixMilli(1_700_000_000_000+int64(i)).UTC().Format("2006-01-02T15:04:05.000000Z"))
	},
}

var coinbaseBench = benchVenue{
	"coinbase", "coinbase", usd,
	func([]byte) string { return "" },
	func(s, n, i int) []byte {
		at := time.UnixMilli(1_700_000_000_000 + int64(i)).UTC().Format("2006-01-02T15:04:05.000000Z")
		return fmt.Appendf(nil, `{"channel":"market_trades","client_id":"","timestamp":%q,"sequence_num":%d,"events":[{"type":"update","trades":[{"trade_id":"%d","product_id":"C%03d-USD","price":"%s","size":"0.025","side":"BUY","time":%[1]q}]}]}`,
			at, i, n, s, price(i))
	},
}

func (v benchVenue) frames(n int) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		frames[i] = v.trade(i%perVenue, i/perVenue+1, i)
	}
	return frames
}

// serve sends the frames as fast as they are read, once something was asked.
func (v benchVenue) serve(b *testing.B, frames [][]byte) (url string) {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		ctx := context.Background()
		_, asked, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if answer := v.answer(asked); answer != "" {
			_ = conn.Write(ctx, websocket.MessageText, []byte(answer))
		}
		for _, frame := range frames {
			if conn.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
		}
		for {
			if _, _, err := conn.Read(ctx); err != nil {
				return
			}
		}
	}))
	b.Cleanup(server.CloseClientConnections)
	return server.URL
}

// copyFloor copies the messages of all venues from their sockets to the log, byte
// for byte, and returns how many a second were acknowledged.
func copyFloor(b *testing.B, d *deployment, urls []string, n int) float64 {
	b.Helper()
	js, err := jetstream.New(d.nc, jetstream.WithPublishAsyncMaxPending(8192))
	must(b, err)
	var group sync.WaitGroup
	start := time.Now()
	for v, url := range urls {
		group.Go(func() {
			conn, _, err := websocket.Dial(b.Context(), "ws"+strings.TrimPrefix(url, "http"), nil)
			if err == nil {
				err = conn.Write(b.Context(), websocket.MessageText, []byte(`{}`))
			}
			if err != nil {
				b.Error(err)
				return
			}
			defer func() { _ = conn.CloseNow() }()
			conn.SetReadLimit(1 << 20)
			subjects := make([]string, perVenue)
			for s := range subjects {
				key := trade(s).Key()
				key.Exchange, key.Symbol = benchVenues[v].name, benchVenues[v].symbol(s)
				address, err := d.layout.Address(key)
				if err != nil {
					b.Error(err)
					return
				}
				subjects[s] = address.Subject
			}
			for i := 0; i < n; {
				_, frame, err := conn.Read(b.Context())
				if err == nil && strings.Contains(string(frame[:min(len(frame), 12)]), "result") {
					continue
				}
				if err == nil {
					_, err = js.PublishMsgAsync(&nats.Msg{Subject: subjects[i%perVenue], Data: frame}, jetstream.WithStallWait(time.Minute))
				}
				if err != nil {
					b.Error(err)
					return
				}
				i++
			}
		})
	}
	group.Wait()
	<-js.PublishAsyncComplete()
	return float64(n*len(urls)) / time.Since(start).Seconds()
}

// followAll follows all venues, each as a process of its own would, and returns
// how many of their messages a second were acknowledged as trades. The ticks that
// they make besides are not counted.
func followAll(b *testing.B, d *deployment, urls []string, n int) float64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	var acked []func() uint64
	start := time.Now()
	for v, url := range urls {
		its := benchVenues[v]
		found, _ := venues.Find(its.adapter)
		adapter, err := found.New(venue.Config{Exchange: its.name, WSURL: "ws" + strings.TrimPrefix(url, "http"), RESTURL: url})
		must(b, err)
		ticks, err := d.bus.NewTickPublisher()
		must(b, err)
		events := d.bus.NewOrderedPublisher(n)
		names := make([]string, perVenue)
		for s := range names {
			names[s] = its.symbol(s)
		}
		feed := ingest.New(ingest.Config{Symbols: names, Log: testserver.Quiet()}, adapter, ticks, events, d.bus)
		group.Go(func() { _ = ticks.Run(ctx, time.Second) })
		group.Go(func() { _ = events.Run(ctx, time.Second) })
		group.Go(func() { _ = feed.Run(ctx) })
		acked = append(acked, func() uint64 { return events.Stats().Acked })
	}
	for done := false; !done; time.Sleep(time.Millisecond) {
		done = true
		for _, count := range acked {
			done = done && count() >= uint64(n)
		}
	}
	elapsed := time.Since(start)
	cancel()
	group.Wait()
	return float64(n*len(urls)) / elapsed.Seconds()
}

// BenchmarkFourVenues measures from the sockets of four venues at once to the
// log's acknowledgement, against a bare copy of the same bytes.
func BenchmarkFourVenues(b *testing.B) {
	n := envInt("BENCH_FRAMES", 200_000) / len(benchVenues)
	serve := func() (urls []string) {
		for _, v := range benchVenues {
			urls = append(urls, v.serve(b, v.frames(n)))
		}
		return urls
	}
	compare(b, "msg/s", func() float64 { return copyFloor(b, deploy(b, 4), serve(), n) }, func() float64 {
		return followAll(b, deploy(b, 4), serve(), n)
	})
}
