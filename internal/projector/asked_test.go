package projector

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// A fold tells whether its last load asked Redis: if it said no too often, what it
// read might be of another checkpoint, and if it said yes too often, each batch
// would cost a round trip.
func TestFoldsTellWhetherTheyAskedRedis(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	store, rdb := redis.Store(t), redis.Client(t)
	reads := func() (n int) {
		info, err := rdb.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(info) {
			name, rest, ok := strings.Cut(line, ":calls=")
			switch strings.TrimPrefix(name, "cmdstat_") {
			case "info", "hello", "ping", "client|setinfo", "client|maint_notifications", "client", "select":
				continue
			}
			var calls int
			if _, err := fmt.Sscanf(rest, "%d", &calls); ok && err == nil {
				n += calls
			}
		}
		return n
	}
	seq := uint64(0)
	record := func(event domain.Event) domain.Record {
		data, err := wire.Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		seq++
		return domain.Record{Key: event.Key(), Seq: seq, Time: time.Unix(int64(seq), 0), Data: data}
	}
	now := time.Unix(1_700_000_000, 0)
	order := func(id string, status domain.OrderStatus) domain.Event {
		return domain.Order{ID: id, Exchange: "binance", Status: status, Created: now, Updated: now, OrderTerms: domain.OrderTerms{
			Account: "1", Bot: "b", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
		}}
	}
	halt := domain.Halt{Exchange: "binance", State: domain.TradingHalted, Time: now}
	venue := func(name string) domain.Event { return domain.Venue{Name: name, Status: domain.VenueOpen, Time: now} }
	status := func(bot, feed string) domain.Event {
		return domain.BotStatus{Bot: bot, Feed: feed, Fields: map[string]string{"a": "b"}, Time: now}
	}

	exchange, catalogue := store.Partition(bus.OrderStream("binance")), store.Partition(bus.CatalogueStream)
	for name, c := range map[string]struct {
		fold  fold
		steps []domain.Event
		asks  string // for each step: y or n
	}{
		"orders": {newOrderFold(exchange, 1), []domain.Event{
			order("a", domain.OrderNew), order("a", domain.OrderIntent), order("b", domain.OrderNew), order("a", domain.OrderAccepted),
			order("a", domain.OrderFilled), order("a", domain.OrderFilled), // a final one leaves the memory
		}, "ynnnny"},
		"rights":    {newClaimFold(exchange), []domain.Event{halt, halt}, "yn"},
		"venues":    {newVenueFold(catalogue), []domain.Event{venue("okx"), venue("okx"), venue("kraken"), venue("okx")}, "ynyn"},
		"bots":      {newBotFold(catalogue), []domain.Event{status("a", "x"), status("a", "y"), status("b", "x"), status("a", "x")}, "ynyn"},
		"exchange":  {newExchangeFold(exchange, Config{OrderCap: 10}), []domain.Event{order("a", domain.OrderNew), halt, halt, order("a", domain.OrderIntent)}, "yynn"},
		"catalogue": {newCatalogueFold(catalogue), []domain.Event{venue("okx"), status("a", "x"), venue("okx"), status("a", "x")}, "yynn"},
	} {
		var stats stats
		for i, event := range c.steps {
			rec := record(event)
			before := reads()
			if err := c.fold.load(t.Context(), []domain.Record{rec}); err != nil {
				t.Fatal(name, err)
			}
			did, said, want := reads() > before, asked(c.fold), c.asks[i] == 'y'
			if did != want || said != want {
				t.Errorf("%s, step %d: asked %v, says %v, want %v", name, i, did, said, want)
			}
			_ = c.fold.add(rec) // what is refused does not matter here
			if err := c.fold.flush(exchange.NewBatch(), &stats); err != nil {
				t.Fatal(name, err)
			}
		}
	}
}
