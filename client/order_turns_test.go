package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/testserver"
)

// What was written before there were turns has leases and a queue, and nothing
// of it may be stuck, nor handed out twice.
func TestDataFromBeforeThereWereTurnsIsHandedOut(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	o := r.limited(client.OrderLimits{Lease: time.Hour})
	for i := range 6 {
		r.push(order(fmt.Sprint(i), fmt.Sprintf("C%d/USDT", i%4), "grid"))
	}
	leased := []client.OrderDelivery{wantOrder(t, o, "0"), wantOrder(t, o, "1"), wantOrder(t, o, "2")}
	turns := r.store.Prefix() + "{ORDERS_KRAKEN}:turns"
	forget := func() {
		t.Helper()
		if err := server.Client(t).Del(t.Context(), turns).Err(); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	wantOrder(t, o, "3")
	wantNoOrder(t, o)
	// The fold and those who give leases back know nothing of what is missing.
	forget()
	r.push(order("6", "C4/USDT", "grid"))
	if err := o.Nack(t.Context(), leased[0], 0); err != nil {
		t.Fatal(err)
	}
	if err := o.Extend(t.Context(), leased[1], time.Millisecond); err != nil {
		t.Fatal(err)
	}
	canceled, err := o.Cancel(t.Context(), "kraken", "2")
	r.visible(o.PositionOf(canceled), err)
	// The new one may be seen before what is missing.
	var got []string
	for range 3 {
		d, err := o.Pop(t.Context(), "kraken", patience)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.ID)
	}
	if slices.Sort(got); !slices.Equal(got, []string{"0", "1", "6"}) {
		t.Fatalf("popped %q", got)
	}
	wantNoOrder(t, o)
}

// commands counts what a Redis has done with hashes and sorted sets.
func commands(t *testing.T, rdb *redis.Client) (total int) {
	t.Helper()
	stats, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(stats) {
		var calls int
		name, rest, found := strings.Cut(line, ":calls=")
		if found && (strings.HasPrefix(name, "cmdstat_h") || strings.HasPrefix(name, "cmdstat_z")) {
			if _, err := fmt.Sscanf(rest, "%d,", &calls); err != nil {
				t.Fatal(err)
			}
			total += calls
		}
	}
	return total
}

// However many symbols are leased, a pop does the same for the one that is free,
// and for none.
func TestLeasedSymbolsDoNotMakeAPopLonger(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	ctx, rdb := t.Context(), server.Client(t)
	p := r.store.Partition("ORDERS_KRAKEN")
	pop := func(token string, n int) int {
		t.Helper()
		at, err := p.Checkpoint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.PopOrders(ctx, cachestore.OrderPop{Epoch: at.Epoch, Least: at.Seq, Lease: time.Hour, Token: token, Worker: "w", Most: n})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Orders)
	}
	costs := make(map[string][]int)
	symbols := 0
	for _, leased := range []int{5, 300} {
		for ; symbols < leased; symbols++ {
			if _, _, err := r.Orders.Push(context.Background(), order("", fmt.Sprintf("C%03d/USDT", symbols), "grid")); err != nil {
				t.Fatal(err)
			}
		}
		r.push(order("", fmt.Sprintf("C%03d/USDT", symbols), "grid"))
		symbols++
		pop("all", client.MaxPopOrders)
		for _, n := range []int{1, 17} {
			free := r.push(order("", fmt.Sprintf("C%03d/USDT", symbols), "grid"))
			symbols++
			for _, want := range []int{1, 0} {
				if err := rdb.ConfigResetStat(ctx).Err(); err != nil {
					t.Fatal(err)
				}
				if got := pop("t"+free.ID, n); got != want {
					t.Fatalf("%d orders, want %d", got, want)
				}
				what := fmt.Sprintf("%d of %d wanted", want, n)
				costs[what] = append(costs[what], commands(t, rdb))
			}
		}
	}
	for what, cost := range costs {
		if cost[1] > cost[0]+5 { // a pop looks now and then whether a symbol is missing
			t.Errorf("%s: %d commands with few symbols leased, %d with many", what, cost[0], cost[1])
		}
	}
}
