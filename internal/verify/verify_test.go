package verify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/verify"
)

// say stores the i-th event of each kind.
func (r *rig) say(ctx context.Context, i int) error {
	symbol := []string{"BTC/USDT", "ETH/USDT", "SOL/USDT"}[i%3]
	price, now := dec(fmt.Sprint(100+i%7)), time.Now()
	errs := []error{ctx.Err()}
	note := func(_ domain.LogPosition, err error) { errs = append(errs, err) }
	note(r.Ticks.Set(ctx, domain.Tick{Exchange: "kraken", Symbol: symbol, Last: price, Time: now}))
	note(r.Trades.Push(ctx, domain.Trade{
		Exchange: "kraken", Symbol: symbol, ID: fmt.Sprint(i - i%5), Side: domain.Buy, Price: price, Volume: dec("1"), Time: now,
	}))
	note(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "USDT", Total: price, Free: price, Time: now}))
	note(r.Accounts.SetPosition(ctx, domain.Position{Account: "1001", Symbol: symbol, Volume: dec("1"), Price: price, Cost: price, Time: now}))
	note(r.Fills.Push(ctx, domain.Fill{Account: "1001", Exchange: "kraken", Symbol: symbol, ID: fmt.Sprint(i), Side: domain.Buy, Price: price, Volume: dec("1"), Time: now}))
	note(r.Symbols.Set(ctx, domain.Symbol{Exchange: "kraken", Name: symbol, VenueSymbol: fmt.Sprint("X", i%4, symbol[:3]), Base: symbol[:3], Quote: "USDT"}))
	if i%3 == 0 {
		note(r.Bots.Halt(ctx, domain.Halt{Exchange: "kraken", Bot: fmt.Sprint("bot-", i%9), State: domain.TradingHalted, Reason: "test"}))
		order, pos, err := r.Orders.Push(ctx, domain.Order{ID: client.NewOrderID(), Exchange: "kraken", OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "grid", Symbol: symbol, Side: domain.Buy, Type: domain.Market, Volume: dec("1"),
		}})
		note(pos, err)
		if i%2 == 0 && err == nil {
			_, err = r.Orders.Update(ctx, "kraken", order.ID, func(o *domain.Order) error { o.Status, o.Reason = domain.OrderRejected, "test"; return nil })
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// settle waits until Redis has all that the log has.
func (r *rig) settle() {
	r.t.Helper()
	streams, err := r.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range streams {
		if err := r.Wait(r.bounded(), domain.LogPosition{Stream: s.Stream, Seq: s.Last}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Under load nothing is wrong, and what somebody has changed behind the back of
// the log is found: field by field, in each kind of key.
func TestWhatIsNotAsTheLogSaysIsFoundUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	for i := range 60 {
		if err := r.say(r.bounded(), i); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	var said atomic.Int64
	load.Go(func() {
		for i := 60; ctx.Err() == nil; i++ {
			if err := r.say(ctx, i); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			said.Add(1)
		}
	})
	reports := r.all()
	r.clean(reports)
	stop()
	load.Wait()
	if said.Load() == 0 {
		t.Error("there was no load")
	}
	for stream, report := range reports {
		if stream != layout.TickStreams()[0] && stream != layout.TradeStreams()[0] && report.Values < 3 || report.Unproven != 0 || report.Dropped != 0 {
			t.Errorf("%+v", report)
		}
	}
	r.settle()

	rdb := testserver.SharedClient(t)
	ticks, trades := layout.TickStreamOf("kraken", "ETH/USDT"), layout.TradeStreamOf("kraken", "ETH/USDT")
	accounts, orders := layout.AccountStreams()[0], bus.OrderStream("kraken")
	key := func(stream, key string) string { return r.store.Prefix() + "{" + stream + "}:" + key }
	told, err := rdb.XRevRangeN(t.Context(), key(orders, "changes"), "+", "-", 1).Result()
	if err != nil || len(told) != 1 {
		t.Fatal(told, err)
	}
	for _, err := range []error{
		rdb.XDel(t.Context(), key(orders, "changes"), told[0].ID).Err(),
		rdb.HSet(t.Context(), key(ticks, "ticks:kraken"), "ETH/USDT", "\x92\x01\x91\x01").Err(),
		rdb.LPop(t.Context(), key(trades, "trades:kraken:ETH/USDT")).Err(),
		rdb.HSet(t.Context(), key(accounts, "balances:1001"), "EUR", "\x92\x01\x91\x01").Err(),
		rdb.HDel(t.Context(), key(accounts, "positions:1001"), "BTC/USDT").Err(),
		rdb.SAdd(t.Context(), key(accounts, "accounts"), "1002").Err(),
		rdb.ZIncrBy(t.Context(), key(orders, "live"), 1, rdb.ZRange(t.Context(), key(orders, "live"), 0, 0).Val()[0]).Err(),
		rdb.Set(t.Context(), key(orders, "nobody's"), "1", 0).Err(),
		rdb.HSet(t.Context(), key(orders, "leases"), "BTC/USDT", "no fold").Err(),
		rdb.HSet(t.Context(), key(bus.CatalogueStream, "venuesymbols:kraken"), "XBT", "BTC/USDT").Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for stream, report := range r.all() {
		if report.Err != nil || report.Differences != len(report.Examples) {
			t.Errorf("%s: %+v", stream, report)
		}
		for _, d := range report.Examples {
			how := "changed"
			if d.Log == nil {
				how = "too much"
			} else if d.Redis == nil {
				how = "missing"
			}
			field := d.Field
			if strings.HasPrefix(d.Key, "trades") || d.Key == "live" || d.Key == "changes" {
				field = ""
			}
			found = append(found, strings.TrimSpace(fmt.Sprint(stream, " ", d.Key, " ", how, " ", field)))
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	want := []string{
		ticks + " ticks:kraken changed ETH/USDT", trades + " trades:kraken:ETH/USDT missing",
		accounts + " balances:1001 too much EUR", accounts + " positions:1001 missing BTC/USDT", accounts + " accounts too much 1002",
		orders + " live changed", orders + " nobody's too much", orders + " changes missing", bus.CatalogueStream + " venuesymbols:kraken too much XBT",
	}
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}

// What the log has dropped cannot be compared, and is counted; the rest is.
func TestWhatTheLogHasDroppedIsUnprovenAndTheRestIsCompared(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3*time.Second)
	ctx := r.bounded()
	old := domain.Tick{Exchange: "kraken", Symbol: "OLD/USDT", Last: dec("1")}
	if _, err := r.Ticks.Set(ctx, old); err != nil {
		t.Fatal(err)
	}
	stream := layout.TickStreamOf("kraken", "OLD/USDT")
	for i := range 30 {
		if err := r.say(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	r.settle()
	for dropped := false; !dropped; { // the log drops by itself
		extent, err := r.bus.Extent(ctx, stream)
		if err != nil {
			t.Fatal(err)
		}
		dropped = extent.First > 1
	}
	for i := 30; i < 60; i++ {
		if err := r.say(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	r.settle()
	reports := r.all()
	r.clean(reports)
	if report := reports[stream]; report.Dropped == 0 || report.Unproven == 0 {
		t.Errorf("%+v", report)
	}
	rdb := testserver.SharedClient(t)
	fresh := r.store.Prefix() + "{" + layout.TickStreamOf("kraken", "BTC/USDT") + "}:ticks:kraken"
	if err := rdb.HDel(ctx, fresh, "BTC/USDT").Err(); err != nil {
		t.Fatal(err)
	}
	report := r.verifier.Partition(ctx, layout.TickStreamOf("kraken", "BTC/USDT"))
	if report.Err != nil || report.Differences != 1 || report.Examples[0].Field != "BTC/USDT" || report.Examples[0].Redis != nil {
		t.Errorf("%+v", report)
	}
}

// A partition that is being folded anew is no answer, and one whose checkpoint is
// of another log is a difference.
func TestACheckpointOfAnotherLogIsADifference(t *testing.T) {
	t.Parallel()
	r := newRig(t, 0)
	ctx := r.bounded()
	other := testserver.SharedStore(t)
	pos, err := r.Ticks.Set(ctx, domain.Tick{Exchange: "kraken", Symbol: "BTC/USDT", Last: dec("1")})
	if err != nil {
		t.Fatal(err)
	}
	r.settle()
	v := verify.New(r.config, logOf{r.bus}, other, testserver.SharedStore(t))
	if report := v.Partition(ctx, pos.Stream); !errors.Is(report.Err, domain.ErrRebuilding) {
		t.Errorf("%+v", report)
	}
	p := other.Partition(pos.Stream)
	if _, err := p.Apply(ctx, domain.Checkpoint{}, domain.Checkpoint{Epoch: 1, Created: 1, Seq: 1, Time: 1}, p.NewBatch()); err != nil {
		t.Fatal(err)
	}
	if report := v.Partition(ctx, pos.Stream); report.Differences != 1 || report.Examples[0].Key != "checkpoint" || report.Err == nil {
		t.Errorf("%+v", report)
	}
}
