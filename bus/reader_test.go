package bus_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

const stream = "TRADES_0"

// fill stores n messages, fast and without looking at what they are.
func fill(tb testing.TB, js jetstream.JetStream, n int) {
	tb.Helper()
	for i := range n {
		if _, err := js.PublishAsync("trade.0.binance.BTC/USDT", []byte(strconv.Itoa(i))); err != nil {
			tb.Fatal(err)
		}
		if i%1000 == 999 { // no more at once than the client library puts up with
			<-js.PublishAsyncComplete()
		}
	}
	<-js.PublishAsyncComplete()
}

func wantDense(tb testing.TB, records []domain.Record, from uint64) {
	tb.Helper()
	for i, rec := range records {
		if rec.Seq != from+uint64(i) {
			tb.Fatalf("record %d has sequence %d, want %d", i, rec.Seq, from+uint64(i))
		}
	}
}

func wantLost(tb testing.TB, r *bus.Reader) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dst := make([]domain.Record, 10)
	for {
		n, err := r.Read(ctx, dst, 100*time.Millisecond)
		if errors.Is(err, domain.ErrHistoryLost) {
			return
		}
		if err != nil || n > 0 {
			tb.Fatalf("read %d records from %d on (%v), want ErrHistoryLost", n, dst[0].Seq, err)
		}
	}
}

func TestAReaderDeliversEverythingInOrderFromWhereItIsTold(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	fill(t, raw(t, n.URL), 20_000) // more than is read ahead
	for _, from := range []uint64{0, 1, 2, 19_999} {
		r := b.NewReader(stream, from)
		first := max(1, from)
		records := read(t, r, int(20_001-first))
		wantDense(t, records, first)
		for i, rec := range records {
			if string(rec.Data) != strconv.Itoa(int(first)-1+i) || rec.Key.Symbol != "BTC/USDT" || rec.Time.IsZero() {
				t.Fatalf("record %d is %+v", i, rec)
			}
		}
		r.Close()
	}
}

func TestAReaderWithoutMessagesReturnsNothingAndNoError(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	r := b.NewReader(stream, 1)
	defer r.Close()
	dst := make([]domain.Record, 5)
	for range 3 {
		if n, err := r.Read(t.Context(), dst, time.Millisecond); n != 0 || err != nil {
			t.Fatalf("%d %v", n, err)
		}
	}
	mustPublish(t, b, trade("BTC/USDT", 1))
	if got := decode[domain.Trade](t, read(t, r, 1)[0]); got.ID != "1" {
		t.Fatalf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := r.Read(ctx, dst, time.Minute); n != 0 || !errors.Is(err, context.Canceled) {
		t.Fatalf("%d %v, want the context's error", n, err)
	}
}

func TestAReaderMarksSubjectsThatAreNotOurs(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	for _, subject := range []string{"trade.0.BAD%ZZ.x", "trade.0.binance.BTC/USDT"} {
		if _, err := js.Publish(t.Context(), subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	records := stored(t, b, stream)
	if records[0].Key.Kind != "" || records[0].Subject != "trade.0.BAD%ZZ.x" || records[1].Key.Kind != domain.KindTrade {
		t.Fatalf("%+v", records)
	}
}

func TestAReaderOutlivesALogThatIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	fill(t, js, 12_000)
	r := b.NewReader(stream, 1)
	defer r.Close()
	records := read(t, r, 1000)
	for range 2 {
		n.Stop()
		if got, err := r.Read(t.Context(), nil, time.Millisecond); got != 0 || err != nil {
			t.Fatalf("%d %v", got, err)
		}
		n.Start()
		eventually(t, "the log is back", func() bool { _, err := js.AccountInfo(t.Context()); return err == nil })
		fill(t, js, 500)
		records = append(records, read(t, r, 4000)...)
	}
	records = append(records, read(t, r, 13_000-len(records))...)
	wantDense(t, records, 1)
}

// A reader may be opened while nobody is there.
func TestAReaderBeginsOnceTheLogIsThere(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := connect(t, n.URL, one)
	if err := b.Provision(t.Context(), bus.Plan{}); err != nil {
		t.Fatal(err)
	}
	mustPublish(t, b, trade("BTC/USDT", 1))
	n.Stop()
	r := b.NewReader(stream, 1)
	defer r.Close()
	if got, err := r.Read(t.Context(), make([]domain.Record, 1), time.Millisecond); got != 0 || err != nil {
		t.Fatalf("%d %v", got, err)
	}
	n.Start()
	read(t, r, 1)
}

func TestMessagesThatWereDroppedBeforeTheyWereReadAreHistoryLost(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	fill(t, js, 20)
	keep(t, js, 5)
	r := b.NewReader(stream, 10)
	defer r.Close()
	wantLost(t, r)
	r = b.NewReader(stream, 16)
	defer r.Close()
	wantDense(t, read(t, r, 5), 16)
	// What is past the end is not lost while it may still come, but a stream
	// that ends before what was read is.
	r = b.NewReader(stream, 22)
	defer r.Close()
	wantLost(t, r)
}

// keep makes the stream drop all but its newest messages.
func keep(tb testing.TB, js jetstream.JetStream, messages int64) {
	tb.Helper()
	s, err := js.Stream(tb.Context(), stream)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxMsgs = messages
	if _, err := js.UpdateStream(tb.Context(), cfg); err != nil {
		tb.Fatal(err)
	}
}

func TestAHoleIsReportedAfterWhatIsWhole(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	s := recreate(t, js, func(cfg *jetstream.StreamConfig) { cfg.DenyDelete = false })
	fill(t, js, 10)
	if err := s.DeleteMsg(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	r := b.NewReader(stream, 1)
	defer r.Close()
	wantDense(t, read(t, r, 4), 1)
	wantLost(t, r)
	wantLost(t, r) // and stays lost
}

// recreate makes the stream anew, empty.
func recreate(tb testing.TB, js jetstream.JetStream, change func(*jetstream.StreamConfig)) jetstream.Stream {
	tb.Helper()
	s, err := js.Stream(tb.Context(), stream)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	change(&cfg)
	if err := js.DeleteStream(tb.Context(), stream); err != nil {
		tb.Fatal(err)
	}
	if s, err = js.CreateStream(tb.Context(), cfg); err != nil {
		tb.Fatal(err)
	}
	return s
}

// The client library goes on by itself with a stream of the same name; its
// sequences would fit, but its messages are others.
func TestAStreamThatWasCreatedAnewIsHistoryLostEvenIfItIsLonger(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 3, 50} {
		t.Run(strconv.Itoa(length), func(t *testing.T) {
			t.Parallel()
			n := testserver.NewNATS(t)
			b := n.Bus(t, one)
			js := raw(t, n.URL)
			fill(t, js, 10)
			r := b.NewReader(stream, 1)
			defer r.Close()
			wantDense(t, read(t, r, 10), 1)
			recreate(t, js, func(*jetstream.StreamConfig) {})
			fill(t, js, length)
			wantLost(t, r)
		})
	}
}

// A consumer that is alive but delivers nothing is made anew.
func TestTheWatchdogReplacesAConsumerThatDeliversNothing(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	fill(t, js, 10)
	r := b.NewReader(stream, 1)
	defer r.Close()
	read(t, r, 10)
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.ConsumerNames(t.Context()).Name() {
		if _, err := js.PauseConsumer(t.Context(), stream, name, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, js, 10)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dst := make([]domain.Record, 10)
	for n := 0; n == 0; {
		if n, err = r.Read(ctx, dst, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if dst[0].Seq != 11 {
		t.Fatalf("went on at %d, want 11", dst[0].Seq)
	}
}

// What a record is about is what its subject says, in whatever order subjects come.
func TestARecordIsAboutWhatItsSubjectSays(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b, js := n.Bus(t, one), raw(t, n.URL)
	long := strings.Repeat("a", 36)
	subjects := []string{
		"order.kraken.what?", "order.kraken.a", "order.kraken.a", "order.kraken.b", "order.kraken.a%2Eb", "order.kraken.a%2", "order.kraken." + long,
		"order.kraken." + long + "a", "block.kraken.BTC/USDT", "order.kraken.%61", "block.kraken.BTC/USDT", "halt.kraken", "order.kraken.c",
	}
	for _, subject := range subjects {
		if _, err := js.Publish(t.Context(), subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	records := stored(t, b, bus.OrderStream("kraken"))
	if len(records) != len(subjects) {
		t.Fatalf("%d records, want %d", len(records), len(subjects))
	}
	for i, rec := range records {
		if want, _ := bus.ParseSubject(subjects[i]); rec.Key != want || rec.Subject != subjects[i] {
			t.Errorf("%s: %+v, want %+v", subjects[i], rec.Key, want)
		}
	}
}
