package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func balance(account, currency string, total int) domain.Balance {
	amount := domain.MustDecimal(strconv.Itoa(total))
	return domain.Balance{Account: account, Currency: currency, Total: amount, Free: amount, Time: noon.Add(time.Duration(total))}
}

// filled is a deployment with n messages of each kind.
func filled(tb testing.TB, url string, count, n int) *bus.Bus {
	tb.Helper()
	b := connect(tb, url, bus.Layout{Ticks: count, Trades: count, Accounts: count})
	if err := b.Provision(tb.Context(), bus.Plan{Exchanges: []string{"binance"}}); err != nil {
		tb.Fatal(err)
	}
	markets := symbols(17)
	for i := range n {
		symbol := markets[i*i%len(markets)]
		mustPublish(tb, b, tick(symbol, i+1), trade(symbol, i+1), balance(strconv.Itoa(i%7), "USDT", i+1))
	}
	return b
}

// byKey is what a deployment has of each key, in order. It is read with nothing
// but the names of the streams.
func byKey(tb testing.TB, b *bus.Bus) map[domain.Key][]string {
	tb.Helper()
	content := make(map[domain.Key][]string)
	for _, stream := range b.Layout().Streams() {
		seq := uint64(0)
		for _, rec := range stored(tb, b, stream) {
			if rec.Key == (domain.Key{}) || rec.Seq <= seq {
				tb.Errorf("%s %d: %s", stream, rec.Seq, rec.Subject)
			}
			seq = rec.Seq
			if rec.Key.Kind != domain.KindFeed {
				if address, err := b.Layout().Address(rec.Key); err != nil || address.Stream != stream || address.Subject != rec.Subject {
					tb.Fatalf("%s has %s, which belongs to %+v (%v)", stream, rec.Subject, address, err)
				}
			}
			content[rec.Key] = append(content[rec.Key], string(rec.Data))
		}
	}
	return content
}

func same(tb testing.TB, got, want map[domain.Key][]string) {
	tb.Helper()
	if len(want) == 0 || len(got) != len(want) {
		tb.Errorf("%d keys, want %d", len(got), len(want))
	}
	for key, messages := range want {
		if !slices.Equal(got[key], messages) {
			tb.Errorf("%+v: %d messages, want %d", key, len(got[key]), len(messages))
		}
	}
}

func forgetNothing(context.Context, string) error { return nil }

func unheard(bus.RepartitionStep) {}

func repartition(tb testing.TB, b *bus.Bus, count int, kinds ...string) {
	tb.Helper()
	moves, err := b.PlanRepartition(tb.Context(), count, kinds)
	if err != nil {
		tb.Fatal(err)
	}
	if err := b.Repartition(tb.Context(), moves, forgetNothing, unheard); err != nil {
		tb.Fatal(err)
	}
}

// bound is a connection of a process that begins now and names no counts.
func bound(tb testing.TB, url string) *bus.Bus {
	tb.Helper()
	b := connect(tb, url, bus.Layout{})
	if err := b.Bind(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestEveryKeyHasWhatItHadInOrderUnderAnotherCount(t *testing.T) {
	t.Parallel()
	for _, counts := range [][]int{{4, 8}, {4, 2}, {4, 3}, {1, 5}, {3, 1}, {2, 4, 3, 2}} {
		t.Run(fmt.Sprint(counts), func(t *testing.T) {
			t.Parallel()
			n := testserver.NewNATS(t)
			b := filled(t, n.URL, counts[0], 300)
			want := byKey(t, b)
			highest := uint64(0)
			for i, count := range counts[1:] {
				for _, stream := range b.Layout().Streams() {
					highest = max(highest, extent(t, b, stream).Last)
				}
				repartition(t, b, count)
				b = bound(t, n.URL)
				generation := i + 1
				if l := b.Layout(); l != (bus.Layout{Ticks: count, Trades: count, Accounts: count, Generation: bus.Generation{Ticks: generation, Trades: generation, Accounts: generation}}) {
					t.Fatalf("%+v", l)
				}
				same(t, byKey(t, b), want)
			}
			// What comes then is behind everything that there was.
			for _, ev := range []domain.Event{tick("C1/USDT", 9), trade("C1/USDT", 9000), balance("1", "USDT", 9000)} {
				if pos := mustPublish(t, b, ev); pos.Seq < extent(t, b, pos.Stream).Begin {
					t.Errorf("%+v", pos)
				}
			}
			js := raw(t, n.URL)
			for name := range js.StreamNames(t.Context()).Name() {
				if strings.HasPrefix(name, "TICKS_") && !slices.Contains(b.Layout().TickStreams(), name) {
					t.Errorf("%s is left", name)
				}
			}
			for _, stream := range b.Layout().TradeStreams() {
				if e := extent(t, b, stream); e.Keeps != bus.TradeRetention || e.Begin < 2 {
					t.Errorf("%s: %+v", stream, e)
				}
			}
			// Provisioning keeps what the repartition has made.
			if err := b.Provision(t.Context(), bus.Plan{}); err != nil {
				t.Fatal(err)
			}
			same(t, map[domain.Key][]string{{Kind: domain.KindBalance, Account: "2", Currency: "USDT"}: byKey(t, b)[domain.Key{Kind: domain.KindBalance, Account: "2", Currency: "USDT"}]},
				map[domain.Key][]string{{Kind: domain.KindBalance, Account: "2", Currency: "USDT"}: want[domain.Key{Kind: domain.KindBalance, Account: "2", Currency: "USDT"}]})
			if e := extent(t, b, b.Layout().TickStreams()[0]); e.Begin < 2 {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestOneKindIsMovedAloneAndEveryPartitionHasItsSignsOfLife(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 2, 20)
	js := raw(t, n.URL)
	for p := range 2 {
		if _, err := js.Publish(t.Context(), fmt.Sprintf("feed.%d.binance", p), []byte("alive")); err != nil {
			t.Fatal(err)
		}
	}
	repartition(t, b, 3, "ticks")
	b = bound(t, n.URL)
	if l := b.Layout(); l.Ticks != 3 || l.Trades != 2 || l.Accounts != 2 || l.Generation != (bus.Generation{Ticks: 1}) {
		t.Fatalf("%+v", l)
	}
	feed := domain.Key{Kind: domain.KindFeed, Exchange: "binance"}
	if got := byKey(t, b)[feed]; len(got) != 3 {
		t.Errorf("%q", got)
	}
	for _, a := range b.Layout().FeedAddresses("binance") {
		if key, err := bus.ParseSubject(a.Subject); err != nil || key != feed {
			t.Errorf("%+v: %+v %v", a, key, err)
		}
	}
}

// dyingVariable makes the test binary repartition and kill itself at a step.
const dyingVariable = "BUS_TEST_REPARTITION"

// dying repartitions as its environment says: url, count and at which report it
// kills itself, as nothing else can.
func dying(how string) int {
	var url string
	var count, at int
	if _, err := fmt.Sscan(how, &url, &count, &at); err != nil {
		panic(err)
	}
	ctx := context.Background()
	b, err := bus.Connect(ctx, bus.Config{URL: url, Log: testserver.Quiet()})
	if err != nil {
		panic(err)
	}
	moves, err := b.PlanRepartition(ctx, count, []string{"accounts"})
	if err != nil {
		panic(err)
	}
	// It also dies before and after Redis is told.
	step := func() {
		if at--; at == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	err = b.Repartition(ctx, moves, func(context.Context, string) error { step(); return nil }, func(bus.RepartitionStep) { step() })
	if err != nil {
		panic(err)
	}
	return 0
}

// Whichever step a run dies at, the next one finishes what it has begun.
func TestARunThatIsKilledAtAnyStepIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n := testserver.NewNATS(t)
	want := byKey(t, filled(t, n.URL, 2, 40))
	killed := 0
	// Each run is killed one step later than the one before, until one ends.
	for counts, at := []int{3, 2}, 1; ; at++ {
		count := counts[0]
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", dyingVariable, n.URL, count, at))
		out, err := cmd.CombinedOutput()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || ok && status.Signal() == syscall.SIGKILL {
			if err != nil {
				killed++
			}
		} else {
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
		if err != nil {
			// Nobody writes to, or begins on, what is half done.
			b := connect(t, n.URL, bus.Layout{})
			if err := b.Bind(t.Context()); err != nil && (!errors.Is(err, domain.ErrUnreachable) || !strings.Contains(err.Error(), "fullon repartition --partitions")) {
				t.Errorf("step %d: %v", at, err)
			}
			b.Close()
			repartition(t, connect(t, n.URL, bus.Layout{}), count, "accounts")
		}
		b := bound(t, n.URL)
		same(t, byKey(t, b), want)
		if t.Failed() {
			t.Fatalf("killed at step %d", at)
		}
		if err == nil {
			break
		}
		counts[0], counts[1] = counts[1], counts[0]
	}
	if killed < 10 {
		t.Errorf("killed %d times only", killed)
	}
}

// A producer that goes on all the while, and begins anew where it is told to,
// finds each of its trades once, in order.
func TestWhoPublishesAllTheWhileLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 4, 50)
	var stop atomic.Bool
	last := make(chan int, 1)
	const market = "PRODUCED/USDT"
	go func() {
		producer, id := bound(t, n.URL), 0
		for !stop.Load() || id == 0 {
			if _, err := producer.Publish(context.Background(), trade(market, id+1)); err == nil {
				id++
				continue
			}
			if err := producer.Bind(context.Background()); err != nil {
				continue
			}
			// It may have been stored.
			switch newest, err := producer.LastTrade(context.Background(), "binance", market); {
			case err == nil:
				id, _ = strconv.Atoi(newest.ID)
			case !errors.Is(err, domain.ErrNotFound):
				continue
			}
		}
		last <- id
	}()
	for _, count := range []int{8, 3, 4} {
		before := bound(t, n.URL).Layout()
		eventually(t, "the producer goes on", func() bool { _, err := bound(t, n.URL).LastTrade(t.Context(), "binance", market); return err == nil })
		repartition(t, b, count)
		if after := bound(t, n.URL).Layout(); after.Trades != count || after == before {
			t.Fatalf("%+v", after)
		}
	}
	stop.Store(true)
	count := <-last
	got := byKey(t, bound(t, n.URL))[domain.Key{Kind: domain.KindTrade, Exchange: "binance", Symbol: market}]
	if len(got) != count {
		t.Errorf("%d trades, acknowledged were %d", len(got), count)
	}
	seen := make(map[string]bool)
	for _, data := range got {
		if seen[data] {
			t.Fatal("one is there twice")
		}
		seen[data] = true
	}
}

// Who stores a message with an id again, because it has not heard that it is
// stored, is recognised in the new stream.
func TestTheWindowOfMessageIDsOutlivesTheChange(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 1, 0)
	js := raw(t, n.URL)
	send := func(subject, id string) bool {
		t.Helper()
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: []byte(id), Header: nats.Header{"Nats-Msg-Id": {id}, "Mine": {"yes"}}})
		if err != nil {
			t.Fatal(err)
		}
		return ack.Duplicate
	}
	const market = ".binance.BTC/USDT"
	if send("trade.0"+market, "a") || send("trade.0"+market, "b") {
		t.Fatal("doubled")
	}
	repartition(t, b, 4)
	b = bound(t, n.URL)
	address, err := b.Layout().Address(domain.Key{Kind: domain.KindTrade, Exchange: "binance", Symbol: "BTC/USDT"})
	if err != nil {
		t.Fatal(err)
	}
	if !send(address.Subject, "b") || send(address.Subject, "c") {
		t.Error("the id is not known any more, or one is that never was")
	}
	if _, err := js.Publish(t.Context(), "trade.0"+market, nil); err == nil {
		t.Error("there is still somebody who takes what is meant for the old partition")
	}
}

func TestProcessesOfTheOldCountsAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 2, 10)
	configured := connect(t, n.URL, bus.Layout{Ticks: 2})
	if err := configured.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	moves, err := b.PlanRepartition(t.Context(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := false
	err = b.Repartition(t.Context(), moves, forgetNothing, func(step bus.RepartitionStep) {
		if step.Kind != "ticks" || step.Doing != "create" || refused {
			return
		}
		refused = true
		for what, err := range map[string]error{
			"Bind": configured.Bind(t.Context()), "Provision": configured.Provision(t.Context(), bus.Plan{}),
			"Publish": func() error { _, err := configured.Publish(t.Context(), tick("C1/USDT", 1)); return err }(),
			"Extent":  func() error { _, err := configured.Extent(t.Context(), bus.TickStream(0)); return err }(),
		} {
			if !errors.Is(err, domain.ErrUnreachable) || !strings.Contains(err.Error(), "being repartitioned from 2 to 3") {
				t.Errorf("%s meanwhile: %v", what, err)
			}
		}
		if _, err := b.PlanRepartition(t.Context(), 5, []string{"ticks"}); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), "--partitions 3") {
			t.Errorf("another count meanwhile: %v", err)
		}
		if err := b.Repartition(t.Context(), nil, forgetNothing, unheard); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
			t.Errorf("two at once: %v", err)
		}
	})
	if err != nil || !refused {
		t.Fatalf("%v %v", err, refused)
	}
	for what, err := range map[string]error{
		"Bind":    configured.Bind(t.Context()),
		"Publish": func() error { _, err := configured.Publish(t.Context(), tick("C1/USDT", 1)); return err }(),
		"Extent":  func() error { _, err := configured.Extent(t.Context(), bus.TickStream(0)); return err }(),
	} {
		if !errors.Is(err, domain.ErrMismatch) || !strings.Contains(err.Error(), "--tick-partitions") {
			t.Errorf("%s afterwards: %v", what, err)
		}
	}
}

func TestWrongRequestsAndNothingToDo(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	empty := connect(t, n.URL, bus.Layout{})
	if _, err := empty.PlanRepartition(t.Context(), 4, nil); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("not provisioned: %v", err)
	}
	b := filled(t, n.URL, 2, 1)
	for _, count := range []int{0, -1, bus.MaxPartitions + 1} {
		if _, err := b.PlanRepartition(t.Context(), count, nil); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%d: %v", count, err)
		}
	}
	if _, err := b.PlanRepartition(t.Context(), 4, []string{"orders"}); !errors.Is(err, domain.ErrInvalid) {
		t.Error(err)
	}
	if moves, err := b.PlanRepartition(t.Context(), 2, nil); err != nil || len(moves) != 0 {
		t.Errorf("%+v %v", moves, err)
	}
	moves, err := b.PlanRepartition(t.Context(), 4, []string{"trades"})
	if err != nil || len(moves) != 1 || moves[0].Messages != 1 || moves[0].Bytes == 0 || moves[0].From != 2 || moves[0].To != 4 || moves[0].Begun || moves[0].Lost {
		t.Errorf("%+v %v", moves, err)
	}
}
