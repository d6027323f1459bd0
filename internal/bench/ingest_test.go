package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
)

const ingestSymbols = 20

// venueFrames are n messages as Binance sends them.
func venueFrames(n int, trades bool) [][]byte {
	frames := make([][]byte, n)
	for i := range frames {
		s := i % ingestSymbols
		if trades {
			frames[i] = fmt.Appendf(nil, `{"stream":"c%03dusdt@trade","data":{"e":"trade","E":%d,"s":"C%03dUSDT","t":%d,"p":"%d.%02d000000","q":"0.02500000","T":%d,"m":true,"M":true}}`,
				s, 1_700_000_000_000+i, s, i/ingestSymbols+1, 60_000+i%1000, i%100, 1_700_000_000_000+i)
		} else {
			frames[i] = fmt.Appendf(nil, `{"stream":"c%03dusdt@bookTicker","data":{"u":%d,"s":"C%03dUSDT","b":"%d.%02d000000","B":"3.78826000","a":"%d.%02d000000","A":"1.54698000"}}`,
				s, i+1, s, 60_000+i%1000, i%100, 60_001+i%1000, i%100)
		}
	}
	return frames
}

// venueServer acknowledges subscriptions and, once there was one, sends the
// frames as fast as they are read.
func venueServer(b *testing.B, frames [][]byte) (url string) {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/stream") {
			http.Error(w, `{"code":-1,"msg":"not here"}`, http.StatusNotFound)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		ctx := context.Background()
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
		_ = conn.Write(ctx, websocket.MessageText, []byte(`{"result":null,"id":1}`))
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

// ingestFrames follows the venue until settled says that the log has everything,
// and returns messages of the log a second. A trade's frame makes two: the trade
// and the tick with the new last price.
func ingestFrames(b *testing.B, d *deployment, frames [][]byte, settled func(ticks, events int) bool) (rate, conflated float64) {
	b.Helper()
	url := venueServer(b, frames)
	ctx, cancel := context.WithCancel(b.Context())
	adapter, err := binance.New(binance.Config{Config: venue.Config{WSURL: "ws" + strings.TrimPrefix(url, "http"), RESTURL: url}})
	must(b, err)
	ticks, err := d.bus.NewTickPublisher()
	must(b, err)
	events := d.bus.NewOrderedPublisher(len(frames))
	var names []string
	for i := range ingestSymbols {
		names = append(names, symbol(i))
	}
	feed := ingest.New(ingest.Config{Symbols: names, Log: testserver.Quiet()}, adapter, ticks, events, d.bus)
	done := make(chan error, 3)
	start := time.Now()
	go func() { done <- ticks.Run(ctx, time.Second) }()
	go func() { done <- events.Run(ctx, time.Second) }()
	go func() { done <- feed.Run(ctx) }()
	for {
		s := ticks.Stats()
		if settled(int(s.Sent+s.Conflated)-s.InFlight-s.Waiting, int(events.Stats().Acked)) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	elapsed := time.Since(start)
	acked := float64(ticks.Stats().Sent + events.Stats().Acked)
	conflated = float64(ticks.Stats().Conflated) / float64(len(frames))
	cancel()
	for range 3 {
		<-done
	}
	return acked / elapsed.Seconds(), conflated
}

// publishFloor stores as many messages of the same size with the client
// library's asynchronous publishing and nothing else.
func publishFloor(b *testing.B, d *deployment, n int) float64 {
	b.Helper()
	js, err := jetstream.New(d.nc, jetstream.WithPublishAsyncMaxPending(8192))
	must(b, err)
	payload := make([]byte, 70)
	subjects := make([]string, ingestSymbols)
	for i := range subjects {
		address, err := d.layout.Address(trade(i).Key())
		must(b, err)
		subjects[i] = address.Subject
	}
	start := time.Now()
	for i := range n {
		_, err := js.PublishMsgAsync(&nats.Msg{Subject: subjects[i%ingestSymbols], Data: payload})
		must(b, err)
	}
	<-js.PublishAsyncComplete()
	return float64(n) / time.Since(start).Seconds()
}

// BenchmarkIngest measures from a venue's socket to the log's acknowledgement,
// against bare asynchronous publishing of as many messages.
func BenchmarkIngest(b *testing.B) {
	n := envInt("BENCH_FRAMES", 200_000)
	b.Run("trades", func(b *testing.B) {
		frames := venueFrames(n, true)
		compare(b, "msg/s", func() float64 { return publishFloor(b, deploy(b, 4), n) }, func() float64 {
			rate, _ := ingestFrames(b, deploy(b, 4), frames, func(_, events int) bool { return events >= n })
			return rate
		})
	})
	b.Run("ticks", func(b *testing.B) {
		frames := venueFrames(n, false)
		var conflated float64
		compare(b, "msg/s", func() float64 { return publishFloor(b, deploy(b, 4), n) }, func() (rate float64) {
			rate, conflated = ingestFrames(b, deploy(b, 4), frames, func(ticks, _ int) bool { return ticks >= n })
			return rate
		})
		b.ReportMetric(conflated, "conflated")
	})
}
