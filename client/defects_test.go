package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// D4: each operation opened a connection and sent a PING first.
func TestD4AReadIsItsCommandAndNothingElse(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	// By a store of its own, so that its connections can be told from the
	// projector's.
	reader := client.New(r.bus, server.Store(t))
	defer reader.Close()
	r.visible(r.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "100")))
	if _, err := reader.Ticks.Get(t.Context(), "binance", "BTC/USDT"); err != nil {
		t.Fatal(err)
	}
	rdb := server.Client(t)
	stat := func(section, name string) (n int) {
		info, err := rdb.Info(t.Context(), section).Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, name)
		_, _ = fmt.Sscanf(rest, "%d", &n)
		return n
	}

	const reads = 100
	pings, hmgets := stat("commandstats", "cmdstat_ping:calls="), stat("commandstats", "cmdstat_hmget:calls=")
	connections := stat("stats", "total_connections_received:")
	for range reads {
		if _, err := reader.Ticks.Get(t.Context(), "binance", "BTC/USDT"); err != nil {
			t.Fatal(err)
		}
	}
	if n := stat("commandstats", "cmdstat_ping:calls=") - pings; n != 0 {
		t.Errorf("%d PINGs for %d reads", n, reads)
	}
	if n := stat("commandstats", "cmdstat_hmget:calls=") - hmgets; n != reads {
		t.Errorf("%d commands for %d reads", n, reads)
	}
	// The projector may open a few of its own meanwhile.
	if n := stat("stats", "total_connections_received:") - connections; n >= reads/10 {
		t.Errorf("%d connections for %d reads", n, reads)
	}
}

// D13: get_next_ticker gave the tick that was there already, or waited for ever.
func TestD13NextIsANewTickAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	r.visible(r.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "100")))
	old, err := r.Ticks.Get(t.Context(), "binance", "BTC/USDT")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if got, err := r.Ticks.Next(ctx, "binance", "BTC/USDT", old.Sequence); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("nothing came: %v %v", got.Last, err)
	}
	type answer struct {
		tick domain.Tick
		err  error
	}
	next := make(chan answer, 1)
	go func() {
		got, err := r.Ticks.Next(bounded(t), "binance", "BTC/USDT", old.Sequence)
		next <- answer{got, err}
	}()
	r.visible(r.Ticks.Set(t.Context(), tick("binance", "ETH/USDT", "1")))
	r.visible(r.Ticks.Set(t.Context(), tick("binance", "BTC/USDT", "101")))
	if a := <-next; a.err != nil || a.tick.Last.String() != "101" || a.tick.Sequence <= old.Sequence {
		t.Fatalf("next is %v (%v)", a.tick.Last, a.err)
	}
}

func TestManyTicksAreReadInTheOrderThatTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	var markets []client.Market
	for i := range 12 {
		m := client.Market{Exchange: []string{"binance", "okx"}[i%2], Symbol: fmt.Sprintf("C%d/USDT", i/2)}
		if markets = append(markets, m); i%3 != 0 {
			r.visible(r.Ticks.Set(t.Context(), tick(m.Exchange, m.Symbol, fmt.Sprint(i))))
		}
	}
	markets = append(markets, markets[1]) // twice
	got, err := r.Ticks.GetMany(t.Context(), markets)
	if err != nil || len(got) != len(markets) {
		t.Fatalf("%d ticks (%v)", len(got), err)
	}
	for i, m := range markets {
		one, err := r.Ticks.Get(t.Context(), m.Exchange, m.Symbol)
		if (err != nil) != (i < 12 && i%3 == 0) || got[i].Symbol != one.Symbol || !got[i].Last.Equal(one.Last) || got[i].Exchange != one.Exchange {
			t.Errorf("%v: %+v, alone %+v (%v)", m, got[i], one, err)
		}
	}
	if _, err := r.Ticks.GetMany(t.Context(), []client.Market{{Exchange: "binance", Symbol: "nonsense"}}); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	each, err := r.Ticks.GetEach(t.Context(), "okx", []string{"C3/USDT", "C1/USDT", "C0/USDT"})
	if err != nil || len(each) != 3 || each[0].Last.String() != "7" || each[1].Symbol != "" || each[2].Last.String() != "1" {
		t.Errorf("%+v (%v)", each, err)
	}
	if got, err := r.Ticks.GetMany(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

// D45: unblocking one market deleted the blocks of all.
func TestD45OneUnblockLeavesTheOtherBlocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const others = 9
	var first domain.Claim
	for i := range others + 1 {
		wanted := request(fmt.Sprintf("bot-%d", i%3))
		wanted.Symbol = fmt.Sprintf("C%d/USDT", i)
		claim := granted(t)(r.Bots.Block(t.Context(), wanted))
		if i == 0 {
			first = claim
		}
	}
	if err := r.Bots.Unblock(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	blocks, err := r.Bots.Blocks(t.Context(), "binance")
	if err != nil || len(blocks) != others {
		t.Fatalf("%d blocks (%v), want %d", len(blocks), err, others)
	}
	for _, b := range blocks {
		if b.Symbol == first.Symbol {
			t.Errorf("%+v is still there", b)
		}
	}
}

// D45: the moment at which something was to end was taken for how long it should
// last, which was 54 years.
func TestD45ALifetimeIsNoMoment(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	moment := time.Duration(time.Now().Add(24*time.Hour).Unix()) * time.Second
	wanted := request("one")
	wanted.For = moment
	_, block := r.Bots.Block(ctx, wanted)
	_, opening := r.Bots.MarkOpening(ctx, wanted)
	_, limits := r.Orders.WithLimits(client.OrderLimits{Lease: moment})
	_, age := r.Orders.WithLimits(client.OrderLimits{MaxAge: moment})
	_, fill := r.Fills.Pop(ctx, "1001", "binance", moment, 0)
	for name, err := range map[string]error{"block": block, "opening mark": opening, "lease of orders": limits, "age of orders": age, "lease of a fill": fill} {
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wanted.For = time.Minute
	claim := granted(t)(r.Bots.Block(ctx, wanted))
	if lasts := claim.Expires.Sub(claim.Granted); lasts != time.Minute {
		t.Errorf("a block for a minute lasts %s", lasts)
	}
}
