package paper_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

func TestAMarketOrderNeedsAFreshTick(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*papertest.Ticks)
		says   string
	}{
		"none":  {func(*papertest.Ticks) {}, "there is none"},
		"stale": {func(f *papertest.Ticks) { tick := market("99", "1", "101", "1"); tick.Stale = true; f.Store(tick) }, "stale"},
		"old": {func(f *papertest.Ticks) {
			tick := market("99", "1", "101", "1")
			tick.Received = time.Now().Add(-2 * time.Hour)
			f.Store(tick)
		}, "old"},
		"unreadable": {func(f *papertest.Ticks) { f.Fail(fmt.Errorf("%w: redis", domain.ErrUnreachable)) }, "cannot be read"},
		"one-sided": {func(f *papertest.Ticks) {
			f.Store(domain.Tick{Exchange: "binance", Symbol: executiontest.Symbol, Bid: dec("99")})
		}, "other side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := papertest.NewTicks()
			c.change(f)
			v := start(t, config(t, f), false).venue("main")
			_, err := v.Submit(t.Context(), buy("market", "1", ""))
			wantRejected(t, err, c.says)
			// A limit order rests, whatever it would meet, and nothing is filled.
			report, err := v.Submit(t.Context(), buy("limit", "1", "200"))
			if err != nil || report.Status != domain.OrderAccepted {
				t.Fatalf("got %+v, %v", report, err)
			}
			now := buy("now", "1", "200")
			now.TimeInForce = domain.ImmediateOrCancel
			report, err = v.Submit(t.Context(), now)
			if err != nil || report.Status != domain.OrderExpired || !report.Filled.IsZero() {
				t.Fatalf("got %+v, %v", report, err)
			}
		})
	}
}

func TestAPriceWithoutItsSideIsTheLast(t *testing.T) {
	t.Parallel()
	f := papertest.NewTicks()
	f.Store(domain.Tick{Exchange: "binance", Symbol: executiontest.Symbol, Last: dec("100")})
	report, err := start(t, config(t, f), false).venue("main").Submit(t.Context(), buy("o", "1000", ""))
	if err != nil || !report.AveragePrice.Equal(dec("100")) || report.Status != domain.OrderFilled {
		t.Fatalf("got %+v, %v", report, err)
	}
}

func TestFuturesAreRefused(t *testing.T) {
	t.Parallel()
	o := buy("o", "1", "100")
	o.Symbol = "BTC/USDT:USDT"
	_, err := start(t, config(t, papertest.NewTicks()), false).venue("main").Submit(t.Context(), o)
	wantRejected(t, err, "no spot market")
}

func TestAccountsAndOrdersAreBounded(t *testing.T) {
	t.Parallel()
	cfg := config(t, papertest.NewTicks())
	cfg.MaxAccounts, cfg.MaxOpen = 2, 2
	r := start(t, cfg, false)
	for i := range 3 {
		_, err := r.venue("main").Submit(t.Context(), buy(fmt.Sprint("o-", i), "1", "50"))
		if i < 2 && err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			wantRejected(t, err, "the most it may have")
		}
		o := buy("o", "1", "50")
		o.Account = fmt.Sprint("account-", i)
		_, err = r.venue(o.Account).Submit(t.Context(), o)
		if i == 0 && err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			wantRejected(t, err, "no room")
		}
	}
}

func TestAccountsBeginWithWhatTheyAreGivenAndOnce(t *testing.T) {
	t.Parallel()
	f := papertest.NewTicks()
	cfg := config(t, f)
	cfg.Accounts = map[string]map[string]domain.Decimal{"poor": {"USDT": dec("5")}}
	r := start(t, cfg, false)
	sink, stop := executiontest.Listen(t, r.venue("poor"))
	executiontest.Eventually(t, "its balance", func() bool { return sink.BalanceOf("USDT").Total.Equal(dec("5")) })
	if sink.BalanceOf("BTC").Total.IsPos() {
		t.Fatal("it has what the others have")
	}
	stop()
	r.stop()
	r.cfg.Accounts["poor"]["USDT"] = dec("1000")
	r.open(false)
	sink, _ = executiontest.Listen(t, r.venue("poor"))
	executiontest.Eventually(t, "its balance", func() bool { return sink.BalanceOf("USDT").Total.Equal(dec("5")) })
}

// outcomes submits orders and says what became of each call, and what is there.
func outcomes(t *testing.T, faults paper.Faults) (said []string, there int) {
	t.Helper()
	f := papertest.NewTicks()
	f.Store(market("99", "1", "101", "1"))
	cfg := config(t, f)
	cfg.Faults, cfg.Sync = faults, paper.SyncNever
	r := start(t, cfg, false)
	v := r.venue("main")
	for i := range 200 {
		_, err := v.Submit(t.Context(), buy(fmt.Sprint("o-", i), "1", "50"))
		limited, isLimited := errors.AsType[*execution.RateLimited](err)
		switch {
		case err == nil:
			said = append(said, "taken")
		case errors.Is(err, execution.ErrUnanswered):
			said = append(said, "unanswered")
		case isLimited && limited.RetryAfter == time.Second && errors.Is(err, execution.ErrRateLimited):
			said = append(said, "limited")
		default:
			wantRejected(t, err, "on purpose")
			said = append(said, "rejected")
		}
	}
	r.stop()
	r.cfg.Faults = paper.Faults{}
	r.open(false)
	open, err := r.venue("main").Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return said, len(open)
}

func count(all []string, what string) (n int) {
	for _, s := range all {
		if s == what {
			n++
		}
	}
	return n
}

func TestFaultsAreWhatTheySayAndRepeatThemselves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults paper.Faults
		what   string
		taken  bool // the orders of such calls are there
	}{
		"lost requests": {paper.Faults{LostRequests: 300}, "unanswered", false},
		"lost answers":  {paper.Faults{LostAnswers: 300}, "unanswered", true},
		"rejects":       {paper.Faults{Rejects: 300}, "rejected", false},
		"limits":        {paper.Faults{Limits: 300}, "limited", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.faults.Seed = 7
			said, there := outcomes(t, c.faults)
			n := count(said, c.what)
			if n == 0 || n+count(said, "taken") != len(said) {
				t.Fatalf("of %d calls %d were %s: %v", len(said), n, c.what, said)
			}
			if want := count(said, "taken"); !c.taken && there != want || c.taken && there != len(said) {
				t.Fatalf("%d orders are there, %d were taken, %d %s", there, want, n, c.what)
			}
			if again, _ := outcomes(t, c.faults); !slices.Equal(said, again) {
				t.Fatal("the same seed did something else")
			}
			c.faults.Seed = 8
			if other, _ := outcomes(t, c.faults); slices.Equal(said, other) {
				t.Fatal("another seed did the same")
			}
		})
	}
}

func TestALateOrderIsNotTaken(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		cfg := config(t, papertest.NewTicks())
		cfg.Latency, cfg.LatencySpread = time.Second, time.Second
		r := start(t, cfg, served)
		var v execution.Venue = r.venue("main")
		if served {
			v = r.client("main")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		// Over the socket both ends know the deadline; whoever is first ends the call.
		if _, err := v.Submit(ctx, buy("late", "1", "50")); !errors.Is(err, execution.ErrUnanswered) {
			t.Fatalf("got %v", err)
		}
		r.stop() // lets every call end
		r.cfg.Latency, r.cfg.LatencySpread = 0, 0
		r.open(served)
		if _, err := r.venue("main").Query(t.Context(), buy("late", "1", "50")); !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("got %v", err)
		}
	}
}

// slow is a sink that takes nothing until it is let.
type slow struct {
	*executiontest.Sink
	gate chan struct{}
}

func (s slow) Order(r execution.Report) {
	<-s.gate
	s.Sink.Order(r)
}

func TestWhoIsTooSlowIsCutOffAndMissesNoFill(t *testing.T) {
	t.Parallel()
	f := papertest.NewTicks()
	f.Store(market("99", "0", "101", "0"))
	cfg := config(t, f)
	cfg.Sync = paper.SyncNever
	r := start(t, cfg, false)
	sink := slow{executiontest.NewSink(), make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := r.venue("main").Run(ctx, sink); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	defer group.Wait()
	defer cancel()
	executiontest.Eventually(t, "the connection", func() bool { return sink.Connects() > 0 })
	v := r.venue("main")
	const orders = 5000
	for i := range orders {
		if _, err := v.Submit(t.Context(), buy(fmt.Sprint("o-", i), "0.001", "")); err != nil {
			t.Fatal(err)
		}
	}
	close(sink.gate)
	executiontest.Eventually(t, "all fills", func() bool { return len(sink.Fills("")) >= orders })
	if sink.Connects() < 2 {
		t.Fatal("it was never cut off")
	}
	seen := make(map[string]bool)
	for _, fill := range sink.Fills("") {
		if seen[fill.ID] {
			t.Fatalf("%s came twice", fill.ID)
		}
		seen[fill.ID] = true
	}
}

func TestAVenueThatBeginsAnewRepeatsNoIDAndTellsEverything(t *testing.T) {
	t.Parallel()
	f := papertest.NewTicks()
	f.Store(market("99", "9", "101", "9"))
	r := start(t, config(t, f), true)
	client := r.client("main")
	sink, _ := executiontest.Listen(t, client)
	first, err := client.Submit(t.Context(), buy("first", "1", ""))
	if err != nil {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "the first fill", func() bool { return len(sink.Fills("first")) == 1 })
	r.stop()
	if err := os.Remove(filepath.Join(r.cfg.Dir, "binance.paper")); err != nil {
		t.Fatal(err)
	}
	r.open(true)
	second, err := r.venue("main").Submit(t.Context(), buy("second", "1", ""))
	if err != nil {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "the second fill", func() bool { return len(sink.Fills("second")) == 1 })
	if first.VenueOrderID == second.VenueOrderID || sink.Fills("first")[0].ID == sink.Fills("second")[0].ID {
		t.Fatalf("an id came again: %+v, %+v", first, second)
	}
}

// failing are ticks whose watch yields an error, and tells whether anybody went on.
type failing struct {
	*papertest.Ticks
	err    error
	goesOn chan bool
}

func (f failing) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		f.goesOn <- yield(domain.Tick{}, f.err)
		<-ctx.Done()
	}
}

func TestTheExchangeOutlivesARedisThatIsAwayOrFoldedAnew(t *testing.T) {
	t.Parallel()
	for err, lasts := range map[error]bool{domain.ErrUnreachable: true, domain.ErrRebuilding: true, domain.ErrUnknown: true, domain.ErrInvalid: false} {
		ctx, cancel := context.WithCancel(t.Context())
		ticks := failing{papertest.NewTicks(), err, make(chan bool, 1)}
		x, openErr := paper.Open(config(t, ticks))
		if openErr != nil {
			t.Fatal(openErr)
		}
		ended := make(chan error, 1)
		go func() { ended <- x.Run(ctx) }()
		if goesOn := <-ticks.goesOn; goesOn != lasts {
			t.Errorf("%v: goes on: %v", err, goesOn)
		}
		cancel()
		if runErr := <-ended; (runErr == nil) != lasts {
			t.Errorf("%v: Run returned %v", err, runErr)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheExchangeEndsWithItsTicks(t *testing.T) {
	t.Parallel()
	x, err := paper.Open(config(t, papertest.NewTicks()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Run(ctx); err != nil {
		t.Fatal(err)
	}
	v, err := x.Venue("main")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Submit(t.Context(), buy("o", "1", "50")); !errors.Is(err, execution.ErrUnanswered) {
		t.Fatalf("got %v", err)
	}
	if err := v.Run(t.Context(), executiontest.NewSink()); !errors.Is(err, execution.ErrUnanswered) {
		t.Fatalf("got %v", err)
	}
}

func TestSettingsSayWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*paper.Config){
		"exchange":             func(c *paper.Config) { c.Exchange = "No" },
		"dir":                  func(c *paper.Config) { c.Dir = "" },
		"ticks":                func(c *paper.Config) { c.Ticks = nil },
		"max_open":             func(c *paper.Config) { c.MaxOpen = -1 },
		"max_accounts":         func(c *paper.Config) { c.MaxAccounts = -1 },
		"sync":                 func(c *paper.Config) { c.Sync = 9 },
		"compact_bytes":        func(c *paper.Config) { c.CompactBytes = 1 },
		"max_tick_age":         func(c *paper.Config) { c.MaxTickAge = -1 },
		"remember":             func(c *paper.Config) { c.Remember = -1 },
		"latency":              func(c *paper.Config) { c.Latency = -1 },
		"latency_spread":       func(c *paper.Config) { c.LatencySpread = -1 },
		"maker_bps":            func(c *paper.Config) { c.MakerBPS = dec("1001") },
		"taker_bps":            func(c *paper.Config) { c.TakerBPS = dec("-1001") },
		"faults_lost_requests": func(c *paper.Config) { c.Faults.LostRequests = 1001 },
		"faults_rejects":       func(c *paper.Config) { c.Faults.Rejects = -1 },
		"faults_hang":          func(c *paper.Config) { c.Faults.Hang = -1 },
		"currency":             func(c *paper.Config) { c.Balances = map[string]domain.Decimal{"A/B": dec("1")} },
		"balances":             func(c *paper.Config) { c.Balances = map[string]domain.Decimal{"USDT": dec("-1")} },
		"account":              func(c *paper.Config) { c.Accounts = map[string]map[string]domain.Decimal{"": nil} },
	} {
		cfg := config(t, papertest.NewTicks())
		change(&cfg)
		_, err := paper.Open(cfg)
		if fe, ok := errors.AsType[*domain.FieldError](err); !ok || fe.Field != field || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
