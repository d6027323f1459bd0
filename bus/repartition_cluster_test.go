package bus_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// copiedOnACluster is how many trades a copy has in which a leader dies: it is
// told of every 10,000.
const copiedOnACluster = 25_000

// The leader of a stream that is sealed, copied to, or removed is killed (SIGKILL)
// at that moment: the repartition goes on, or says that the log is away and the
// next one finishes it. Every key has what it had, in order, and each stream as
// many copies as before.
func TestLeadersThatAreKilledDuringARepartitionOfAClusterLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	c := testserver.NewNATSCluster(t)
	b := c.Bus(t, bus.Layout{Ticks: 2, Trades: 3, Accounts: 2})
	fillTrades(t, b, copiedOnACluster)
	want := byKey(t, b)
	highest := uint64(0)
	for _, kill := range []struct {
		doing string
		count int
		next  bool // the leader of the stream that is made, not of the one that is replaced
	}{{"seal", 5, false}, {"copy", 2, true}, {"switch", 4, false}, {"remove", 3, false}} {
		old := b.Layout()
		for _, stream := range old.TradeStreams() {
			highest = max(highest, extent(t, b, stream).Last)
		}
		stream := old.TradeStreams()[0]
		if kill.next {
			stream = bus.Layout{Trades: kill.count, Generation: bus.Generation{Trades: old.Generation.Trades + 1}}.WithDefaults().TradeStreams()[0]
		}
		killed := -1
		err := repartitioned(t, b, kill.count, func(step bus.RepartitionStep) {
			if killed < 0 && step.Doing == kill.doing && (step.Doing != "copy" || step.Done > 0 && step.Done < step.Total) {
				killed = c.Leader(stream)
				c.Kill(killed)
			}
		})
		t.Logf("the leader of %s killed at %s: %v", stream, kill.doing, err)
		if killed < 0 {
			t.Fatalf("nothing was killed at %s (%v)", kill.doing, err)
		}
		for tries := 0; err != nil; tries++ {
			if !errors.Is(err, domain.ErrUnreachable) || tries == 3 {
				t.Fatalf("%s: %v", kill.doing, err)
			}
			err = repartitioned(t, b, kill.count, unheard)
		}
		c.Start(killed)
		c.Serving()
		b = bound(t, c.URL)
		if l := b.Layout(); l.Trades != kill.count || l.Generation.Trades != old.Generation.Trades+1 || l.Ticks != 2 {
			t.Fatalf("%s: %+v", kill.doing, l)
		}
		same(t, byKey(t, b), want)
		js := raw(t, c.URL)
		for _, stream := range b.Layout().TradeStreams() {
			s, err := js.Stream(t.Context(), stream)
			if err != nil {
				t.Fatal(err)
			}
			if info := s.CachedInfo(); info.Config.Replicas != 3 || info.Config.FirstSeq <= highest {
				t.Errorf("%s begins at %d, those before ended at %d, with %d copies", stream, info.Config.FirstSeq, highest, info.Config.Replicas)
			}
		}
		if t.Failed() {
			t.Fatalf("killed at %s", kill.doing)
		}
	}
}

// Without a majority of the cluster nothing can be stored: who repartitions says
// so in the end, and once it is back the next run finishes what was begun.
func TestARepartitionThatLosesTheMajorityOfItsClusterIsFinishedLater(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	c := testserver.NewNATSCluster(t)
	b := c.Bus(t, bus.Layout{Ticks: 1, Trades: 2, Accounts: 1})
	fillTrades(t, b, copiedOnACluster)
	want := byKey(t, b)
	killed := false
	err := repartitioned(t, b, 4, func(step bus.RepartitionStep) {
		if step.Doing == "copy" && step.Done > 0 && !killed {
			c.Kill(0)
			c.Kill(1)
			killed = true
		}
	})
	t.Log(err)
	if !killed || !errors.Is(err, domain.ErrUnreachable) || !strings.Contains(err.Error(), "repartition of trades: ") {
		t.Fatalf("killed: %v, %v", killed, err)
	}
	c.Start(0)
	c.Start(1)
	c.Serving()
	later := connect(t, c.URL, bus.Layout{})
	eventually(t, "whoever begins is told how to finish it", func() bool {
		err := later.Bind(t.Context())
		return errors.Is(err, domain.ErrUnreachable) && strings.Contains(err.Error(), "fullon repartition --partitions 4 --stream trades")
	})
	if err := repartitioned(t, later, 4, unheard); err != nil {
		t.Fatal(err)
	}
	same(t, byKey(t, bound(t, c.URL)), want)
}

// repartitioned moves the trades, as far as it comes.
func repartitioned(tb testing.TB, b *bus.Bus, count int, report func(bus.RepartitionStep)) error {
	tb.Helper()
	var moves []bus.Move
	eventually(tb, "a plan", func() (planned bool) {
		var err error
		moves, err = b.PlanRepartition(tb.Context(), count, []string{"trades"})
		if err != nil && !errors.Is(err, domain.ErrUnreachable) {
			tb.Fatal(err)
		}
		return err == nil
	})
	return b.Repartition(tb.Context(), moves, forgetNothing, report)
}

// fillTrades stores n trades of some markets, and something of all else.
func fillTrades(tb testing.TB, b *bus.Bus, n int) {
	tb.Helper()
	events := make(map[string][]domain.Event)
	markets := symbols(17)
	for i := range n {
		symbol := markets[i*i%len(markets)]
		stream := b.Layout().TradeStreamOf("binance", symbol)
		events[stream] = append(events[stream], trade(symbol, i+1))
	}
	for _, its := range events {
		if _, err := b.PublishAll(tb.Context(), its); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range 5 {
		mustPublish(tb, b, tick(fmt.Sprintf("C%d/USDT", i), i+1), balance(strconv.Itoa(i), "USDT", i+1))
	}
}
