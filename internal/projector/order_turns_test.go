package projector_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// turnsModel is a run in which orders are popped, given back and ended.
type turnsModel struct {
	*crashRig
	bot    string
	orders []domain.Order
	held   []client.OrderDelivery // some of them may be held no more
	popper *client.Orders
}

// A pop looks only where something may be free. It must hand out what whoever
// looks at everything that is queued would, whatever became of orders and leases
// before, and of the Redis that holds them.
func TestAPopHandsOutAllThatAScanOfTheQueueWould(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	popper, err := r.client.Orders.WithLimits(client.OrderLimits{Lease: time.Hour, MaxTries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &turnsModel{crashRig: r, bot: "turns-" + strconv.FormatInt(modelBots.Add(1), 10), popper: popper}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step(t)
		}
		m.pop(t, client.MaxPopOrders)
		if err := m.resume(); err != nil {
			t.Fatal(err)
		}
		for i := range m.orders {
			m.change(t, &m.orders[i], func(o *domain.Order) { o.Status, o.Dead = domain.OrderCanceled, false })
		}
		m.pop(t, client.MaxPopOrders) // nothing
	})
}

// step does one thing to orders, leases or Redis.
func (m *turnsModel) step(t *rapid.T) {
	ctx := context.Background()
	switch step := rapid.IntRange(0, 13).Draw(t, "step"); step {
	case 0, 1, 2:
		o := modelled(&orderModel{bot: m.bot + rapid.SampledFrom([]string{"", "-b"}).Draw(t, "bot")}, m.bot+"-"+strconv.Itoa(len(m.orders)),
			rapid.SampledFrom([]string{"BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT"}).Draw(t, "symbol"))
		stored, err := patiently(func(ctx context.Context) (domain.Order, error) {
			stored, _, err := m.client.Orders.Push(ctx, o)
			return stored, err
		})
		if err != nil {
			t.Fatal(err)
		}
		m.orders = append(m.orders, stored)
	case 3, 4, 5:
		m.pop(t, rapid.SampledFrom([]int{1, 2, 10}).Draw(t, "at once"))
	case 6, 7: // an order that waits ends or does not, is given up or taken up again
		if len(m.orders) > 0 {
			o := &m.orders[rapid.IntRange(0, len(m.orders)-1).Draw(t, "order")]
			m.change(t, o, rapid.SampledFrom([]func(*domain.Order){
				func(o *domain.Order) { o.Status, o.Dead = domain.OrderCanceled, false },
				func(o *domain.Order) {
					if o.Status == domain.OrderNew {
						o.Status = domain.OrderIntent
					}
				},
				func(o *domain.Order) { o.Dead = !o.Dead },
			}).Draw(t, "change"))
		}
	case 8, 9, 10:
		if len(m.held) > 0 {
			m.moveLease(t, m.held[rapid.IntRange(0, len(m.held)-1).Draw(t, "delivery")])
		}
	case 11:
		if _, err := m.client.Bots.Halt(ctx, domain.Halt{Exchange: "kraken", Bot: m.bot + "-b", State: domain.TradingHalted}); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "resume") {
			if err := m.resume(); err != nil {
				t.Fatal(err)
			}
		}
	case 12: // what is no fold, or a part of it, is lost
		m.settle()
		keys := rapid.SampledFrom([]string{"turns", "leases turns", "leases turns tries"}).Draw(t, "lost")
		for key := range strings.FieldsSeq(keys) {
			if err := m.rdb.Del(ctx, m.key(key)).Err(); err != nil {
				t.Fatal(err)
			}
		}
		m.pop(t, 2) // one that wants one order may take the newer one that it sees first
	case 13:
		m.crash(rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 8}).Draw(t, "crash"), nil)
	}
}

func (m *turnsModel) key(name string) string {
	return m.store.Prefix() + "{" + krakenOrders + "}:" + name
}

func (m *turnsModel) resume() error {
	_, err := m.client.Bots.Resume(context.Background(), "kraken", m.bot+"-b")
	return err
}

// change changes an order that is not over.
func (m *turnsModel) change(t *rapid.T, o *domain.Order, change func(*domain.Order)) {
	if o.Status.Final() {
		return
	}
	changed, err := m.client.Orders.Update(context.Background(), "kraken", o.ID, func(o *domain.Order) error {
		change(o)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	*o = changed
}

// moveLease gives an order back or keeps it, or lets its lease end.
func (m *turnsModel) moveLease(t *rapid.T, d client.OrderDelivery) {
	ctx := context.Background()
	var err error
	switch rapid.IntRange(0, 5).Draw(t, "move") {
	case 0:
		err = m.popper.Nack(ctx, d, 0)
	case 1:
		err = m.popper.Nack(ctx, d, time.Hour)
	case 2:
		err = m.popper.Defer(ctx, d, 0)
	case 3:
		err = m.popper.Defer(ctx, d, time.Hour)
	case 4:
		err = m.popper.Extend(ctx, d, 2*time.Hour)
	case 5:
		if err = m.popper.Extend(ctx, d, time.Millisecond); err == nil {
			for from := m.now(t); m.now(t)-from < 2; {
			}
		}
	}
	if err != nil && !errors.Is(err, domain.ErrConflict) { // a conflict: it is held no more
		t.Fatal(err)
	}
}

// now is the time of Redis, unix ms.
func (m *turnsModel) now(t *rapid.T) int64 {
	at, err := m.rdb.Time(context.Background()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

// pop takes up to n orders, which must be those that a scan finds.
func (m *turnsModel) pop(t *rapid.T, n int) {
	want, epoch := m.scan(t)
	ds, err := patiently(func(ctx context.Context) ([]client.OrderDelivery, error) {
		return m.popper.PopMany(ctx, "kraken", n, 0)
	})
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
	m.held = append(m.held, ds...)
	if at, err := m.store.Partition(krakenOrders).Checkpoint(context.Background()); err != nil || at.Epoch != epoch {
		return // another of the projectors has begun anew since the scan
	}
	var got []string
	for _, d := range ds {
		got = append(got, d.ID)
	}
	if want = want[:min(n, len(want))]; !slices.Equal(got, want) {
		turns, err := m.rdb.ZRangeWithScores(context.Background(), m.key("turns"), 0, -1).Result()
		t.Fatalf("popped %q, want %q; then %v (%v)", got, want, turns, err)
	}
}

// scan finds what may be handed out, the oldest first, and the epoch that it belongs
// to. Leases have ended before, or do not end soon.
func (m *turnsModel) scan(t *rapid.T) (ids []string, epoch uint64) {
	ctx := context.Background()
	for {
		m.settle()
		extent, err := m.bus.Extent(ctx, krakenOrders)
		if err != nil {
			t.Fatal(err)
		}
		tx := m.rdb.TxPipeline()
		checkpoint := tx.Get(ctx, m.key("checkpoint"))
		heads, tickets := tx.HGetAll(ctx, m.key("heads")), tx.HGetAll(ctx, m.key("tickets"))
		leases, halts := tx.HGetAll(ctx, m.key("leases")), tx.HGetAll(ctx, m.key("rights"))
		if _, err := tx.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		at, err := domain.ParseCheckpoint(checkpoint.Val())
		if err != nil || at.Seq < extent.Last {
			continue // it was wiped since
		}
		return free(t, heads.Val(), tickets.Val(), leases.Val(), halts.Val(), m.now(t)), at.Epoch
	}
}

// free lists the orders that may be handed out, of what Redis has.
func free(t *rapid.T, heads, tickets, leases, halts map[string]string, now int64) (ids []string) {
	byTurn := func(a, b string) int { return strings.Compare(heads[a], heads[b]) }
	for _, symbol := range slices.SortedFunc(maps.Keys(heads), byTurn) {
		if lease := strings.Fields(leases[symbol]); len(lease) == 4 {
			ends, err := strconv.ParseInt(lease[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if _, waits := tickets[lease[2]]; waits && ends > now {
				continue
			}
		}
		for _, id := range strings.Fields(heads[symbol])[1:] {
			ticket := strings.Fields(tickets[id])
			if strings.HasPrefix(halts[ticket[0]], "3") && ticket[4] == strconv.Itoa(int(domain.OrderNew)) {
				continue
			}
			ids = append(ids, id)
			break
		}
	}
	return ids
}
