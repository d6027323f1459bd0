package bus_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// runTicks runs a publisher until stop, which returns what Run returned.
func runTicks(tb testing.TB, b *bus.Bus, grace time.Duration) (p *bus.TickPublisher, stop func() error) {
	tb.Helper()
	p, err := b.NewTickPublisher()
	if err != nil {
		tb.Fatal(err)
	}
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
	return p, stop
}

func mustTick(tb testing.TB, p *bus.TickPublisher, ticks ...domain.Tick) {
	tb.Helper()
	for _, tk := range ticks {
		if err := p.Publish(tk); err != nil {
			tb.Fatal(err)
		}
	}
}

// settled waits until nothing waits and nothing is under way.
func settled(tb testing.TB, p *bus.TickPublisher) {
	tb.Helper()
	eventually(tb, "every tick is acknowledged", func() bool {
		s := p.Stats()
		return s.Waiting+s.InFlight == 0
	})
}

// wantLast finds the last price of each market in the log.
func wantLast(tb testing.TB, b *bus.Bus, want map[string]string) {
	tb.Helper()
	got := make(map[string]string)
	for _, stream := range b.Layout().TickStreams() {
		for _, rec := range stored(tb, b, stream) {
			if rec.Key.Kind == domain.KindTick {
				got[rec.Key.Symbol] = decode[domain.Tick](tb, rec).Last.String()
			}
		}
	}
	for symbol, price := range want {
		if got[symbol] != price {
			tb.Errorf("%s: the last tick in the log is at %s, want %s", symbol, got[symbol], price)
		}
	}
}

func liveFeed() domain.Feed {
	return domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: noon, Interval: time.Second, Heard: noon}
}

func TestTicksAndFeedsReachTheLogInOrder(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	p, stop := runTicks(t, b, patience)
	for i := range 3000 {
		mustTick(t, p, tick("BTC/USDT", i+1))
	}
	if err := p.PublishFeed(liveFeed()); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	newest, vouched := 0, 0
	for i, rec := range stored(t, b, bus.TickStream(0)) {
		if rec.Key.Kind == domain.KindFeed {
			vouched = newest
			continue
		}
		// The latest may follow on itself.
		price, _ := strconv.Atoi(decode[domain.Tick](t, rec).Last.String())
		if price != newest && price != newest+1 {
			t.Fatalf("record %d is at %d, behind %d", i, price, newest)
		}
		newest = price
	}
	if newest != 3000 || vouched != 3000 {
		t.Fatalf("the feed vouches for %d of %d ticks", vouched, newest)
	}
	if s := p.Stats(); s.Sent != 3000 || s.Conflated != 0 || s.Failed != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestWhileTheLogIsAwayTheLatestTickOfEachMarketWaits(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, small)
	b := hasty(t, n.URL, small)
	p, stop := runTicks(t, b, patience)
	mustTick(t, p, tick("C0/USDT", 1))
	settled(t, p)
	n.Stop()
	eventually(t, "the client has noticed", func() bool { return b.URL() == "" })
	want := make(map[string]string)
	for i := range 100 {
		for _, symbol := range symbols(3) {
			mustTick(t, p, tick(symbol, 100+i))
			want[symbol] = "199"
		}
	}
	if s := p.Stats(); s.Waiting != 3 || s.Conflated != 297 || s.Sent != 1 {
		t.Fatalf("%+v", s)
	}
	// A feed would vouch for ticks that the log does not have.
	if err := p.PublishFeed(liveFeed()); err != nil {
		t.Fatal(err)
	}
	n.Start()
	settled(t, p)
	wantLast(t, b, want)
	feeds := func() (count int) {
		for _, stream := range small.TickStreams() {
			for _, rec := range stored(t, b, stream) {
				if rec.Key.Kind == domain.KindFeed {
					count++
				}
			}
		}
		return count
	}
	if got := feeds(); got != 0 {
		t.Fatalf("%d feeds were stored for ticks that waited", got)
	}
	if err := p.PublishFeed(liveFeed()); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := feeds(); got != small.Ticks {
		t.Fatalf("%d feeds, want one in each of %d partitions", got, small.Ticks)
	}
}

// What is under way when the connection breaks is lost in no particular order;
// only the latest of each market may be sent again.
func TestTicksThatWereLostUnderWayLeaveTheLatestLast(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	proxy := newProxy(t, n.URL)
	b := hasty(t, proxy.URL, one)
	p, stop := runTicks(t, b, patience)
	for round, lose := range []direction{toServer, toClient, toServer} {
		mustTick(t, p, tick("C0/USDT", 1)) // the answers have a way
		settled(t, p)
		proxy.Hold(lose)
		want := make(map[string]string)
		for i := range 50 {
			for _, symbol := range symbols(8) {
				price := 1000*(round+1) + i
				mustTick(t, p, tick(symbol, price))
				want[symbol] = strconv.Itoa(price)
			}
		}
		proxy.Cut()
		settled(t, p)
		wantLast(t, direct, want)
	}
	if p.Stats().Failed == 0 {
		t.Fatal("nothing was lost")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// The client library reports an acknowledgement that is overdue with its lock
// held, while others publish.
func TestPublishingGoesOnWhileAcknowledgementsAreOverdue(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	proxy := newProxy(t, n.URL)
	b := hasty(t, proxy.URL, one)
	p, stop := runTicks(t, b, patience)
	mustTick(t, p, tick("C0/USDT", 1))
	settled(t, p)
	proxy.Hold(toClient)
	names, price := symbols(20), 1
	eventually(t, "acknowledgements are overdue", func() bool {
		price++
		for _, symbol := range names {
			mustTick(t, p, tick(symbol, price))
		}
		return p.Stats().Failed > 500
	})
	proxy.Release()
	price++
	want := make(map[string]string)
	for _, symbol := range names {
		mustTick(t, p, tick(symbol, price))
		want[symbol] = strconv.Itoa(price)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantLast(t, direct, want)
}

func TestStoppingGivesALogThatIsAwayTheGraceToComeBack(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := hasty(t, n.URL, one)
	p, _ := runTicks(t, b, 0)
	n.Stop()
	eventually(t, "the client has noticed", func() bool { return b.URL() == "" })
	mustTick(t, p, tick("BTC/USDT", 7))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx, time.Millisecond); !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, patience) }()
	n.Start()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantLast(t, b, map[string]string{"BTC/USDT": "7"})
}

func TestTheTickPublisherRefusesInvalidTicksAndFeeds(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	p, _ := runTicks(t, b, 0)
	if err := p.Publish(domain.Tick{}); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if err := p.PublishFeed(domain.Feed{}); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// A feed that the log has vouches for all ticks before it.
func TestAFeedIsNotSentBeforeTheTicksThatWait(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, one)
	b := hasty(t, n.URL, one)
	p, err := b.NewTickPublisher() // not running yet: what waits goes on waiting
	if err != nil {
		t.Fatal(err)
	}
	n.Stop()
	eventually(t, "the client has noticed", func() bool { return b.URL() == "" })
	mustTick(t, p, tick("BTC/USDT", 7))
	n.Start()
	eventually(t, "the log is back", func() bool { _, err := b.Ping(t.Context()); return err == nil })
	if err := p.PublishFeed(liveFeed()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx, patience); err != nil {
		t.Fatal(err)
	}
	if err := p.PublishFeed(liveFeed()); err != nil {
		t.Fatal(err)
	}
	if err := p.Run(ctx, patience); err != nil {
		t.Fatal(err)
	}
	records := stored(t, b, bus.TickStream(0))
	if len(records) != 2 || records[0].Key.Kind != domain.KindTick || records[1].Key.Kind != domain.KindFeed {
		t.Fatalf("%+v", records)
	}
}

// In a burst most ticks of a market go without an acknowledgement of their own.
// Whatever is lost on the way, the latest arrives.
func TestTheLatestTickOfABurstArrivesAlthoughNobodyWasAskedToAcknowledgeIt(t *testing.T) {
	t.Parallel()
	const price = 1000 // of the first tick; all have as many digits
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	proxy := newProxy(t, n.URL)
	var lost atomic.Int32
	proxy.Lose(func(publication string) bool {
		head, _, _ := strings.Cut(publication, "\r\n") // PUB subject [reply] size
		unasked := strings.HasPrefix(head, "PUB tick.") && len(strings.Fields(head)) == 3
		if unasked {
			lost.Add(1)
		}
		return unasked
	})
	b := hasty(t, proxy.URL, one)
	p, stop := runTicks(t, b, patience)
	for round, count := range []int{1, 8, 9, 20, 60, 300} {
		proxy.Hold(toClient) // so all of them are under way at once
		last := price + 1000*round + count
		for i := range count {
			for _, symbol := range symbols(5) {
				mustTick(t, p, tick(symbol, last-count+1+i))
			}
		}
		proxy.Release()
		settled(t, p)
		want := make(map[string]string)
		for _, symbol := range symbols(5) {
			want[symbol] = strconv.Itoa(last)
		}
		wantLast(t, direct, want)
	}
	if lost.Load() < 300 {
		t.Fatalf("%d ticks went without", lost.Load())
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
