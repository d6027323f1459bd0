package bus_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// contender follows a market from wherever the log is, as one of several.
type contender struct {
	t         *testing.T
	bus       *bus.Bus
	publisher *bus.OrderedPublisher
	conflict  chan struct{}
}

func newContender(t *testing.T, b *bus.Bus) *contender {
	c := &contender{t: t, bus: b, publisher: b.NewOrderedPublisher(10_000), conflict: make(chan struct{}, 1)}
	c.publisher.OnConflict(func(exchange, symbol string) {
		if exchange != "binance" || symbol != "BTC/USDT" {
			t.Errorf("a conflict of %s %s", exchange, symbol)
		}
		select {
		case c.conflict <- struct{}{}:
		default:
		}
	})
	runOrdered(t, c.publisher, patience)
	return c
}

// resume begins behind the log's last trade and returns its number plus one.
func (c *contender) resume() int {
	last, err := c.bus.LastTrade(c.t.Context(), "binance", "BTC/USDT")
	next := 0
	if err == nil {
		next, _ = strconv.Atoi(last.ID)
		next++
	} else if !errors.Is(err, domain.ErrNotFound) {
		c.t.Error(err)
	}
	if err := c.publisher.Resume("binance", "BTC/USDT", last.Sequence); err != nil {
		c.t.Error(err)
	}
	return next
}

// Each takes the market from the others again and again, in the middle of
// whatever these have under way.
func TestPublishersThatFightForAMarketStoreEachTradeOnceAndInOrder(t *testing.T) {
	t.Parallel()
	const total, contenders = 20_000, 3
	n := testserver.NewNATS(t)
	direct := n.Bus(t, one)
	var group sync.WaitGroup
	for range contenders {
		c := newContender(t, hasty(t, n.URL, one))
		group.Go(func() {
			for next := c.resume(); next < total; next = c.resume() {
				// Some store one by one, some in batches.
				for end := min(total, next+1+rand.IntN(3000)); next < end; next++ {
					if err := c.publisher.Publish(trade("BTC/USDT", next)); errors.Is(err, domain.ErrConflict) {
						break
					} else if err != nil {
						t.Error(err)
						return
					}
				}
				if rand.IntN(3) > 0 {
					eventually(t, "a conflict, or all is stored", func() bool { return len(c.conflict) > 0 || c.publisher.Stats().Waiting == 0 })
				}
				select {
				case <-c.conflict:
				default:
				}
			}
		})
	}
	group.Wait()
	wantEachOnceInOrder(t, direct, map[string]int{"BTC/USDT": total})
}

func TestWhoComesTooLateStoresNothingUntilItResumes(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	late, other := newContender(t, b), newContender(t, b)
	late.resume()
	push(t, late.publisher, trade("BTC/USDT", 0))
	eventually(t, "the first trade", func() bool { return late.publisher.Stats().Acked == 1 })
	other.resume()
	push(t, other.publisher, trade("BTC/USDT", 1))
	eventually(t, "the other's", func() bool { return other.publisher.Stats().Acked == 1 })
	candle := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Time: trade("BTC/USDT", 0).Time.Truncate(60e9),
		Open: domain.MustDecimal("1"), High: domain.MustDecimal("1"), Low: domain.MustDecimal("1"), Close: domain.MustDecimal("1"),
		Volume: domain.MustDecimal("1"), Source: domain.FromVenue, Closed: true,
	}
	again := trade("BTC/USDT", 1) // received at another moment than the other's
	again.Received = again.Received.Add(1)
	for _, event := range []domain.Event{
		candle, domain.Gap{Exchange: "binance", Symbol: "BTC/USDT", FromID: "1", ToID: "1", Missing: 1, Time: candle.Time, Reason: "test"}, again,
	} {
		push(t, late.publisher, event)
		<-late.conflict
		if err := late.publisher.Publish(event); !errors.Is(err, domain.ErrConflict) {
			t.Fatalf("after a conflict over a %T: %v", event, err)
		}
		if err := late.publisher.Resume("binance", "BTC/USDT", 1); err != nil { // as if it knew no better
			t.Fatal(err)
		}
	}
	if next := late.resume(); next != 2 {
		t.Fatalf("resumed at %d", next)
	}
	push(t, late.publisher, trade("BTC/USDT", 2))
	eventually(t, "all is stored", func() bool { return late.publisher.Stats().Waiting == 0 })
	wantEachOnceInOrder(t, b, map[string]int{"BTC/USDT": 3})
	if s := late.publisher.Stats(); s.Conflicts != 3 || s.Acked != 2 {
		t.Fatalf("%+v", s)
	}
}
