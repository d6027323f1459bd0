package projector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// orderModel is what the answers must be, told as plainly as possible: all orders
// of one bot as they were created, and of all bots those that ended, as they did.
type orderModel struct {
	bot    string
	orders []*modelOrder
	ended  *[]*modelOrder
	watch  *orderWatcher
}

type modelOrder struct {
	id, symbol string
	status     domain.OrderStatus
	dead       bool
	gone       bool // deleted
	spoiled    bool // the log holds what cannot be folded: it is left alone
}

func (m *orderModel) set(o *modelOrder, s domain.OrderStatus) {
	if s.Final() && !o.status.Final() {
		*m.ended = append(*m.ended, o)
	}
	o.status = s
}

// kept tells whether Redis has an order.
func (m *orderModel) kept(o *modelOrder) bool {
	if !o.status.Final() {
		return true
	}
	left := slices.DeleteFunc(slices.Clone(*m.ended), func(o *modelOrder) bool { return o.gone })
	return slices.Contains(left[max(0, len(left)-ordersKept):], o)
}

func (o *modelOrder) waits() bool { return o.status.Queued() && !o.dead }

// String is what readers must see.
func (m *orderModel) String() string {
	var out []string
	live, waiting := make(map[string]int), 0
	for _, o := range slices.Backward(m.orders) {
		if m.kept(o) {
			out = append(out, o.String())
		}
		if !o.status.Final() {
			live[o.symbol]++
		}
		if o.waits() {
			waiting++
		}
	}
	return fmt.Sprint(out, waiting, live)
}

func (o *modelOrder) String() string { return fmt.Sprint(o.id, "=", o.status, o.dead) }

// heads are the orders that a pop must give: of each symbol the oldest that
// waits.
func (m *orderModel) heads() string {
	var heads []string
	seen := make(map[string]bool)
	for _, o := range m.orders {
		if o.waits() && !seen[o.symbol] {
			seen[o.symbol] = true
			heads = append(heads, o.id)
		}
	}
	return strings.Join(heads, " ")
}

var (
	modelBots    atomic.Int64
	orderSymbols = []string{"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"}
)

// seenOrders is what readers see.
func (r *crashRig) seenOrders(bot string) string {
	orders, err := patiently(func(ctx context.Context) ([]domain.Order, error) {
		return r.client.Orders.List(ctx, client.OrderFilter{Exchange: "kraken", Bot: bot})
	})
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, o := range orders {
		out = append(out, (&modelOrder{id: o.ID, status: o.Status, dead: o.Dead}).String())
	}
	waiting, err := patiently(func(ctx context.Context) (int, error) { return r.client.Orders.QueueLength(ctx, "kraken", "") })
	if err != nil {
		return err.Error()
	}
	counts, err := r.rdb.HGetAll(context.Background(), r.store.Prefix()+"{"+krakenOrders+"}:livecount").Result()
	if err != nil {
		return err.Error()
	}
	live := make(map[string]int)
	for field, n := range counts {
		if symbol, its := strings.CutPrefix(field, bot+" "); its {
			live[symbol], _ = strconv.Atoi(n)
		}
	}
	return fmt.Sprint(out, waiting, live)
}

// Orders and their queue are what a plain model says, whatever happens to
// projector and Redis between any two steps.
func TestOrdersAreWhatAPlainModelSaysThroughCrashes(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	var ended []*modelOrder
	watch := r.watchOrders()
	rapid.Check(t, func(t *rapid.T) {
		m := &orderModel{bot: "bot-" + strconv.FormatInt(modelBots.Add(1), 10), ended: &ended, watch: watch}
		defer r.finish(t, m)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			r.orderStep(t, m)
		}
		r.agreeOnOrders(t, m)
	})
}

// finish empties the queue for the next model.
func (r *crashRig) finish(t *rapid.T, m *orderModel) {
	for _, o := range m.orders {
		for !o.status.Final() {
			next := domain.OrderCanceled
			if !o.status.CanBecome(next) {
				t.Fatalf("%v cannot end", o)
			}
			if _, err := r.client.Orders.Update(context.Background(), "kraken", o.id, func(order *domain.Order) error {
				order.Status = next
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			m.set(o, next)
		}
	}
}

func (r *crashRig) agreeOnOrders(t *rapid.T, m *orderModel) {
	r.settle()
	if got, want := r.seenOrders(m.bot), m.String(); got != want {
		t.Fatalf("%s\n got %s\nwant %s", m.bot, got, want)
	}
	listed := m.watch.agree(t, r, m.bot)
	var kept []string
	for _, o := range slices.Backward(m.orders) {
		if m.kept(o) {
			kept = append(kept, o.id)
		}
	}
	if !slices.EqualFunc(listed, kept, func(o domain.Order, id string) bool { return o.ID == id }) {
		t.Fatalf("%s: listed %v, want %q", m.bot, listed, kept)
	}
	for _, symbol := range orderSymbols {
		got, err := patiently(func(ctx context.Context) (int, error) { return r.client.Orders.QueueLength(ctx, "kraken", symbol) })
		want := 0
		for _, o := range m.orders {
			if o.waits() && o.symbol == symbol {
				want++
			}
		}
		if got != want || err != nil {
			t.Fatalf("%d orders wait for %s (%v), want %d", got, symbol, err, want)
		}
	}
}

func modelled(m *orderModel, id, symbol string) domain.Order {
	return domain.Order{ID: id, Exchange: "kraken", OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: m.bot, Symbol: symbol, Side: domain.Sell, Type: domain.Market, Volume: domain.MustDecimal("1.5"),
	}}
}

// orderStep does one thing to the system and to the model.
func (r *crashRig) orderStep(t *rapid.T, m *orderModel) {
	orders := r.client.Orders
	pick := func(fits func(*modelOrder) bool) *modelOrder {
		var some []*modelOrder
		for _, o := range m.orders {
			if !o.gone && !o.spoiled && fits(o) {
				some = append(some, o)
			}
		}
		if len(some) == 0 {
			return nil
		}
		return rapid.SampledFrom(some).Draw(t, "order")
	}
	anyOf := func(*modelOrder) bool { return true }
	ctx := context.Background()
	switch step := rapid.IntRange(0, 14).Draw(t, "step"); step {
	case 0, 1, 2, 3:
		o := &modelOrder{
			id: m.bot + "-" + strconv.Itoa(len(m.orders)), status: domain.OrderNew,
			symbol: rapid.SampledFrom(orderSymbols).Draw(t, "symbol"),
		}
		if _, err := patiently(func(ctx context.Context) (domain.Order, error) {
			stored, _, err := orders.Push(ctx, modelled(m, o.id, o.symbol))
			return stored, err
		}); err != nil {
			t.Fatal(err)
		}
		m.orders = append(m.orders, o)
	case 4, 5, 6:
		if o := pick(anyOf); o != nil {
			next := rapid.SampledFrom(domain.OrderStatuses()).Draw(t, "status")
			_, err := orders.Update(ctx, "kraken", o.id, func(order *domain.Order) error {
				order.Status, order.Dead = next, order.Dead && next.Queued()
				return nil
			})
			legal := o.status.CanBecome(next) || o.status == next
			if legal != (err == nil) || (!legal && !errors.Is(err, domain.ErrConflict)) {
				t.Fatalf("from %s to %s: %v", o.status, next, err)
			}
			if legal {
				m.set(o, next)
				o.dead = o.dead && next.Queued()
			}
		}
	case 7:
		if o := pick(func(o *modelOrder) bool { return o.status.Queued() }); o != nil {
			if _, err := orders.Update(ctx, "kraken", o.id, func(order *domain.Order) error { order.Dead = !order.Dead; return nil }); err != nil {
				t.Fatal(err)
			}
			o.dead = !o.dead
		}
	case 8:
		if o := pick(anyOf); o != nil {
			if _, err := orders.Delete(ctx, "kraken", o.id); (err == nil) != o.status.Final() {
				t.Fatalf("delete %v: %v", o, err)
			}
			o.gone = o.status.Final()
		}
	case 9: // what nobody can fold changes nothing
		if o := pick(func(o *modelOrder) bool { return o.status.Final() }); o != nil && m.kept(o) {
			bad := modelled(m, o.id, o.symbol)
			bad.Status, bad.Created = domain.OrderAccepted, epoch
			if _, err := r.bus.Publish(ctx, bad); err != nil {
				t.Fatal(err)
			}
			o.spoiled = true
		}
	case 10, 11:
		r.popOrders(t, m, rapid.Bool().Draw(t, "acknowledge"))
	case 12:
		r.agreeOnOrders(t, m)
	case 13, 14:
		r.crash(rapid.IntRange(0, 5).Draw(t, "crash"), nil)
	}
}

// popOrders takes what can be taken, which must be the model's.
func (r *crashRig) popOrders(t *rapid.T, m *orderModel, acknowledge bool) {
	r.settle()
	orders, err := r.client.Orders.WithLimits(client.OrderLimits{Lease: time.Hour, MaxTries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ds, err := patiently(func(ctx context.Context) ([]client.OrderDelivery, error) { return orders.PopMany(ctx, "kraken", 10, 0) })
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
	var got []string
	byID := make(map[string]*modelOrder)
	for _, o := range m.orders {
		byID[o.id] = o
	}
	for _, d := range ds {
		got = append(got, d.ID)
		if !acknowledge {
			if err := orders.Nack(context.Background(), d, 0); err != nil && !errors.Is(err, domain.ErrConflict) {
				t.Fatal(err) // a conflict: the lease was wiped
			}
			continue
		}
		if _, err := orders.Ack(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	if want := m.heads(); strings.Join(got, " ") != want {
		t.Fatalf("popped %q, want %q", got, want)
	}
	if acknowledge {
		for _, id := range got {
			m.set(byID[id], domain.OrderAccepted)
		}
	}
}

// indexes are the members and fields of the orders' keys.
func (r *crashRig) indexes(t *testing.T) map[string][]string {
	t.Helper()
	prefix := r.store.Prefix() + "{" + krakenOrders + "}:"
	rdb := testserver.NodeOf(t, r.rdb, prefix)
	found := make(map[string][]string)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		name, its := strings.CutPrefix(key, prefix)
		if !its {
			continue
		}
		switch rdb.Type(t.Context(), key).Val() {
		case "zset":
			found[name] = rdb.ZRange(t.Context(), key, 0, -1).Val()
		case "hash":
			found[name] = slices.Sorted(maps.Keys(rdb.HGetAll(t.Context(), key).Val()))
		}
	}
	return found
}
