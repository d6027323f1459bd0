package bus_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// runOrdered runs a publisher until stop, which returns what Run returned.
func runOrdered(tb testing.TB, p *bus.OrderedPublisher, grace time.Duration) (stop func() error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, grace) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	tb.Cleanup(func() { _ = stop() })
	return stop
}

// push queues an event, and waits for room where there is none.
func push(tb testing.TB, p *bus.OrderedPublisher, ev domain.Event) {
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		err := p.Publish(ev)
		if err == nil {
			return
		}
		if !errors.Is(err, domain.ErrFull) || time.Now().After(deadline) {
			tb.Error(err)
			return
		}
	}
}

// wantEachOnceInOrder reads the log and finds the trades 0 to n-1 of each
// market, each once and in order, and nothing else.
func wantEachOnceInOrder(tb testing.TB, b *bus.Bus, markets map[string]int) {
	tb.Helper()
	next := make(map[string]int)
	for _, stream := range b.Layout().TradeStreams() {
		for _, rec := range stored(tb, b, stream) {
			got := decode[domain.Trade](tb, rec)
			if want := strconv.Itoa(next[got.Symbol]); got.ID != want {
				tb.Fatalf("%s at %d of %s: trade %s, want %s", got.Symbol, rec.Seq, stream, got.ID, want)
			}
			next[got.Symbol]++
		}
	}
	for symbol, n := range markets {
		if next[symbol] != n {
			tb.Errorf("%s: %d trades are stored, want %d", symbol, next[symbol], n)
		}
	}
	if len(next) > len(markets) {
		tb.Errorf("markets %v are stored", next)
	}
}

func TestTradesAreStoredOnceAndInOrderAlthoughTheLogIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	const total, markets, outages = 20_000, 6, 4
	n := testserver.NewNATS(t)
	n.Bus(t, small)
	b := hasty(t, n.URL, small)
	p := b.NewOrderedPublisher(3000)
	stop := runOrdered(t, p, patience)
	names := symbols(markets)
	want := make(map[string]int)
	for i := range total {
		want[names[i%markets]]++
	}
	pushed := make(chan struct{})
	go func() {
		defer close(pushed)
		for i := range total {
			push(t, p, trade(names[i%markets], i/markets))
		}
	}()
	for outage := range outages {
		eventually(t, "some trades are stored", func() bool { return p.Stats().Acked > uint64(total*(outage+1)/(outages+2)) })
		n.Stop()
		n.Start()
	}
	<-pushed
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Acked != total || s.Waiting != 0 || s.Retries == 0 {
		t.Fatalf("%+v", s)
	}
	wantEachOnceInOrder(t, b, want)
}

// The log stores what it was sent, and its answer is lost with the connection.
func TestALostAcknowledgementNeitherDoublesNorLosesNorReorders(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, small)
	proxy := newProxy(t, n.URL)
	b := hasty(t, proxy.URL, small)
	p := b.NewOrderedPublisher(10_000)
	names := symbols(5)
	for _, name := range names { // nothing has to be asked before the first trade
		if err := p.Resume("binance", name, 0); err != nil {
			t.Fatal(err)
		}
	}
	stop := runOrdered(t, p, patience)
	want := make(map[string]int)
	last := func() (sum uint64) {
		for _, stream := range small.TradeStreams() {
			sum += extent(t, direct, stream).Last
		}
		return sum
	}
	for round := range 8 {
		before := last()
		events := 1 + rand.IntN(4) // published one by one
		if round%2 == 0 {
			events = 50 + rand.IntN(900) // in batches
		}
		// Some rounds cut at once, some in the middle of a batch, some behind it.
		after := before + uint64(1+rand.IntN(events))
		proxy.Hold(toClient)
		for range events {
			symbol := names[rand.IntN(len(names))]
			push(t, p, trade(symbol, want[symbol]))
			want[symbol]++
		}
		// A batch waits for the answer to its first message, so that more may
		// never come.
		for deadline := time.Now().Add(impatient / 2); last() < after && (last() == before || time.Now().Before(deadline)); {
			runtime.Gosched()
		}
		proxy.Cut()
		eventually(t, "everything is acknowledged", func() bool { return p.Stats().Waiting == 0 })
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if p.Stats().Retries == 0 {
		t.Fatal("nothing went wrong")
	}
	wantEachOnceInOrder(t, direct, want)
}

// A message of a batch is lost on its way.
func TestABatchThatTheLogGotInPartIsNotTakenForStored(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	proxy := newProxy(t, n.URL)
	var lost atomic.Int32
	proxy.Lose(func(publication string) bool {
		return strings.Contains(publication, "Nats-Batch-Sequence: 19\r\n") && lost.Add(1) <= 2
	})
	b := hasty(t, proxy.URL, one)
	p := b.NewOrderedPublisher(10_000)
	for i := range 80 {
		push(t, p, trade("BTC/USDT", i))
		if i%20 == 19 { // it did not run before, so these are one batch, but for the first
			if err := runOrdered(t, p, patience)(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if lost.Load() == 0 {
		t.Fatal("nothing was lost on the way")
	}
	wantEachOnceInOrder(t, direct, map[string]int{"BTC/USDT": 80})
}

// Of two markets the log tells where the one ends, and not the other.
func TestWhatWasFoundStoredIsNotStoredAgainWhenTheSearchBreaksOff(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	proxy := newProxy(t, n.URL)
	var lost atomic.Int32
	proxy.Lose(func(publication string) bool {
		return strings.Contains(publication, "MSG.GET") && strings.Contains(publication, "C1/USDT") && lost.Add(1) == 1
	})
	b := hasty(t, proxy.URL, one)
	p := b.NewOrderedPublisher(10)
	for _, name := range symbols(2) { // nothing is asked before something goes wrong
		if err := p.Resume("binance", name, 0); err != nil {
			t.Fatal(err)
		}
		push(t, p, trade(name, 0))
	}
	proxy.Hold(toClient)
	stop := runOrdered(t, p, patience)
	eventually(t, "the first is stored", func() bool { return extent(t, direct, bus.TradeStream(0)).Last == 1 })
	proxy.Cut()
	eventually(t, "both are acknowledged", func() bool { return p.Stats().Waiting == 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if lost.Load() == 0 {
		t.Fatal("nothing was lost on the way")
	}
	wantEachOnceInOrder(t, direct, map[string]int{"C0/USDT": 1, "C1/USDT": 1})
}

// Cuts at any moment, in either direction, while trades keep coming.
func TestRandomCutsNeitherDoubleNorLoseNorReorder(t *testing.T) {
	t.Parallel()
	const total = 6000
	n := testserver.NewNATS(t)
	direct := n.Bus(t, small)
	proxy := newProxy(t, n.URL)
	b := hasty(t, proxy.URL, small)
	p := b.NewOrderedPublisher(500)
	stop := runOrdered(t, p, patience)
	names := symbols(7)
	want := make(map[string]int)
	for i := range total {
		want[names[i%len(names)]]++
	}
	pushed := make(chan struct{})
	go func() {
		defer close(pushed)
		for i := range total {
			push(t, p, trade(names[i%len(names)], i/len(names)))
		}
	}()
	for cut := range 8 {
		eventually(t, "some trades are stored", func() bool { return p.Stats().Acked > uint64(total*cut/9) })
		proxy.Hold(direction(rand.IntN(2)))
		for range rand.IntN(3000) {
			runtime.Gosched()
		}
		proxy.Cut()
	}
	<-pushed
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantEachOnceInOrder(t, direct, want)
}

func TestAFullQueueRefusesAndStoresWhatItTook(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := hasty(t, n.URL, one)
	p := b.NewOrderedPublisher(10)
	n.Stop()
	stop := runOrdered(t, p, patience)
	for i := range 10 {
		if err := p.Publish(trade("BTC/USDT", i)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := p.Publish(trade("BTC/USDT", 10)); !errors.Is(err, domain.ErrFull) {
			t.Fatalf("got %v, want ErrFull", err)
		}
	}
	if s := p.Stats(); s.Waiting != 10 || s.Acked != 0 {
		t.Fatalf("%+v", s)
	}
	n.Start()
	eventually(t, "there is room again", func() bool { return p.Stats().Waiting == 0 })
	push(t, p, trade("BTC/USDT", 10))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantEachOnceInOrder(t, b, map[string]int{"BTC/USDT": 11})
}

func TestStoppingStoresWhatIsQueued(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, small)
	p := b.NewOrderedPublisher(10_000)
	for i := range 5000 {
		push(t, p, trade("BTC/USDT", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // before it even began
	if err := p.Run(ctx, patience); err != nil {
		t.Fatal(err)
	}
	wantEachOnceInOrder(t, b, map[string]int{"BTC/USDT": 5000})
}

func TestStoppingWithoutALogReportsWhatWasNotStored(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := hasty(t, n.URL, one)
	p := b.NewOrderedPublisher(10)
	n.Stop()
	push(t, p, trade("BTC/USDT", 0))
	stop := runOrdered(t, p, time.Millisecond)
	if err := stop(); err == nil || p.Stats().Waiting != 1 {
		t.Fatalf("%v, %+v", err, p.Stats())
	}
}

func TestTheOrderedPublisherTakesOnlyWhatBelongsToTrades(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	p := b.NewOrderedPublisher(10)
	for _, ev := range []domain.Event{tick("BTC/USDT", 1), domain.Trade{}, domain.TickDeleted{Exchange: "binance", Symbol: "BTC/USDT"}} {
		if err := p.Publish(ev); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%T: %v", ev, err)
		}
	}
	if s := p.Stats(); s.Waiting != 0 {
		t.Fatalf("%+v", s)
	}
}
