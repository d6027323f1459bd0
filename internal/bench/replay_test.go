package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// journal times trades on their way: when their frame was written to the socket,
// when the adapter handed them on, when the log acknowledged them.
type journal struct {
	most   int           // trades
	budget time.Duration // from the first one written to the last

	mu      sync.Mutex
	begun   time.Time // when the first one was
	full    bool
	written map[string]time.Time // by symbol and id
	frames  [][]byte             // that had trades
	handed  map[string]int       // how often
	stored  []string             // what the log was given, in its order; empty: no trade
	acked   int                  // of stored
	heard   []float64            // µs from written to handed
	kept    []float64            // µs from written to acknowledged
}

func newJournal(most int, budget time.Duration) *journal {
	return &journal{most: most, budget: budget, written: map[string]time.Time{}, handed: map[string]int{}}
}

// write notes a frame that is about to be written, until there are enough.
func (j *journal) write(h replay.Heard) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if j.begun.IsZero() && len(h.Trades) > 0 {
		j.begun = now
	}
	if j.full = j.full || len(j.written) >= j.most || !j.begun.IsZero() && now.Sub(j.begun) > j.budget; j.full || len(h.Trades) == 0 {
		return
	}
	j.frames = append(j.frames, h.Text)
	for _, id := range h.Trades {
		j.written[h.Symbol+" "+id] = now
	}
}

func (j *journal) hand(symbol, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := symbol + " " + id
	if at, known := j.written[key]; known {
		if j.handed[key]++; j.handed[key] == 1 {
			j.heard = append(j.heard, micros(time.Since(at)))
		}
	}
}

func (j *journal) store(ev domain.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	key := ""
	if t, ok := ev.(domain.Trade); ok {
		key = t.Symbol + " " + t.ID
	}
	j.stored = append(j.stored, key)
}

// ack notes how many events the log has acknowledged, and reports whether all that
// was written has come so far.
func (j *journal) ack(count int) (done bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for ; j.acked < min(count, len(j.stored)); j.acked++ {
		if at, known := j.written[j.stored[j.acked]]; known {
			j.kept = append(j.kept, micros(time.Since(at)))
		}
	}
	return j.full && len(j.kept) >= len(j.written)
}

// timedAdapter tells the journal what an adapter hands on.
type timedAdapter struct {
	venue.Adapter
	*journal
}

func (a timedAdapter) Stream(ctx context.Context, wanted *venue.Wanted, sink venue.Sink) error {
	return a.Adapter.Stream(ctx, wanted, timedSink{sink, a.journal})
}

type timedSink struct {
	venue.Sink
	*journal
}

func (s timedSink) Trade(t venue.NumberedTrade) {
	s.hand(t.Symbol, t.ID)
	s.Sink.Trade(t)
}

// timedLog tells the journal what is given to the log.
type timedLog struct {
	*bus.OrderedPublisher
	*journal
}

func (l timedLog) Publish(ev domain.Event) error {
	err := l.OrderedPublisher.Publish(ev)
	if err == nil {
		l.store(ev)
	}
	return err
}

// playVenue plays recordings of a venue, again and again, to a whole ingest.
func playVenue(b *testing.B, name string, files []string, speed float64, j *journal) {
	b.Helper()
	d := deploy(b, 1) // one partition, so that what is acknowledged is what was given first
	server, err := replay.New(replay.Config{Venue: name, Files: files, Speed: speed, Loop: true, Settle: time.Second, Tap: j.write})
	must(b, err)
	found, _ := venues.Find(name)
	adapter, err := found.New(venue.Config{WSURL: server.WSURL(), RESTURL: server.RESTURL()})
	must(b, err)
	ticks, err := d.bus.NewTickPublisher()
	must(b, err)
	events := d.bus.NewOrderedPublisher(1_000_000)
	feed := ingest.New(ingest.Config{Symbols: server.Symbols(), Log: testserver.Quiet()}, timedAdapter{adapter, j}, ticks, timedLog{events, j}, d.bus)
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	for _, run := range []func(){
		func() { _ = server.Run(ctx) }, func() { _ = feed.Run(ctx) },
		func() { _ = ticks.Run(ctx, time.Second) }, func() { _ = events.Run(ctx, time.Second) },
	} {
		group.Go(run)
	}
	patience := time.Now().Add(j.budget + time.Minute)
	for !j.ack(int(events.Stats().Acked)) && time.Now().Before(patience) {
		time.Sleep(50 * time.Microsecond)
	}
	cancel()
	group.Wait()
}

// copyFrames is the floor: the same frames over a bare socket, which copies them to
// the log. pause is between two; none: as fast as they are read.
func copyFrames(b *testing.B, frames [][]byte, pause time.Duration) (heard, kept []float64) {
	b.Helper()
	d := deploy(b, 1)
	js, err := jetstream.New(d.nc, jetstream.WithPublishAsyncMaxPending(8192))
	must(b, err)
	address, err := d.layout.Address(trade(0).Key())
	must(b, err)
	written := make(chan time.Time, len(frames))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for _, frame := range frames {
			written <- time.Now()
			if conn.Write(b.Context(), websocket.MessageText, frame) != nil {
				return
			}
			time.Sleep(pause)
		}
		_, _, _ = conn.Read(b.Context()) // until the client has gone
	}))
	defer server.Close()
	conn, _, err := websocket.Dial(b.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	must(b, err)
	conn.SetReadLimit(1 << 20)
	acked := make(chan float64, len(frames))
	for range frames {
		_, frame, err := conn.Read(b.Context())
		must(b, err)
		at := <-written
		heard = append(heard, micros(time.Since(at)))
		future, err := js.PublishMsgAsync(&nats.Msg{Subject: address.Subject, Data: frame}, jetstream.WithStallWait(time.Minute))
		must(b, err)
		go func() {
			<-future.Ok()
			acked <- micros(time.Since(at))
		}()
	}
	for range frames {
		kept = append(kept, <-acked)
	}
	_ = conn.CloseNow()
	return heard, kept
}

// BenchmarkVenueReplay plays recordings of each venue to its adapter in a whole
// ingest, and times trades from the write of their frame to the socket until the
// adapter hands them on, and until the log has acknowledged them. Lost are those that
// did not reach the log, doubled those that it was given twice. The floor is a bare
// socket that copies the same frames to the log. At max what is measured is mostly
// how long frames wait in the buffers of the socket and of the log.
func BenchmarkVenueReplay(b *testing.B) {
	if _, err := os.Stat(os.Getenv("FEED_RECORDINGS")); err != nil {
		b.Skip("FEED_RECORDINGS names no folder of recordings")
	}
	for _, name := range venues.Names() {
		for pace, c := range map[string]struct {
			speed float64
			pause time.Duration // of the floor
		}{"10x": {10, time.Millisecond}, "max": {replay.Max, 0}} {
			b.Run(name+"/"+pace, func(b *testing.B) {
				j := newJournal(envInt("BENCH_TRADES", 5_000), time.Duration(envInt("BENCH_SECONDS", 10))*time.Second)
				playVenue(b, name, venuetest.Recordings(b, name), c.speed, j)
				j.report(b)
				heard, kept := copyFrames(b, j.frames, c.pause)
				b.ReportMetric(quantile(heard, 0.5), "floor-heard-p50-us")
				b.ReportMetric(quantile(kept, 0.5), "floor-acked-p50-us")
			})
		}
	}
}

func (j *journal) report(b *testing.B) {
	b.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.heard) == 0 || len(j.kept) == 0 {
		b.Fatalf("%d trades written, %d handed on, %d acknowledged", len(j.written), len(j.heard), len(j.kept))
	}
	times := map[string]int{}
	for _, key := range j.stored {
		times[key]++
	}
	lost, doubled := 0, 0
	for key := range j.written {
		switch n := times[key]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(j.written)), "trades")
	b.ReportMetric(float64(lost), "lost")
	b.ReportMetric(float64(doubled), "doubled")
	b.ReportMetric(quantile(j.heard, 0.5), "heard-p50-us")
	b.ReportMetric(quantile(j.heard, 0.99), "heard-p99-us")
	b.ReportMetric(quantile(j.kept, 0.5), "acked-p50-us")
	b.ReportMetric(quantile(j.kept, 0.99), "acked-p99-us")
}
