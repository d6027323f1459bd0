package cachestore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

const stream = "TICKS_0"

func TestApplyFromAnotherCheckpointChangesNothingAndTellsTheStoredOne(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(5), withTick(t, p, "BTC/USDT", 100, 5))
	other := at(5)
	other.Time++
	epoch := at(5)
	epoch.Epoch++
	for _, prev := range []domain.Checkpoint{{}, at(4), at(6), other, epoch} {
		got, err := p.Apply(t.Context(), prev, at(7), withTick(t, p, "BTC/USDT", 200, 7))
		if err != nil || got != at(5) {
			t.Fatalf("from %v: %v (%v), want %v", prev, got, err, at(5))
		}
	}
	wantPrice(t, p, "BTC/USDT", "100")
	if got, err := p.Checkpoint(t.Context()); err != nil || got != at(5) {
		t.Fatalf("%v %v", got, err)
	}
}

// After an answer that was lost, the same batch is applied again.
func TestARepeatedApplyChangesNothingAndReturnsNext(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Partition(stream)
	addTrades(t, p, domain.Checkpoint{}, 1, 3)
	for range 3 {
		b := p.NewBatch()
		b.AddTrades("binance", "BTC/USDT", tradeWrites(t, 4, 4))
		apply(t, p, at(3), at(4), b)
	}
	trades, _, err := p.Trades(t.Context(), "binance", "BTC/USDT", 100)
	if err != nil || len(trades) != 4 {
		t.Fatalf("%d trades (%v), want 4", len(trades), err)
	}
}

func TestOfManyWritersExactlyOneWinsEachStep(t *testing.T) {
	t.Parallel()
	const writers, steps = 4, 60
	s := testserver.SharedStore(t)
	var applied atomic.Int64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			p := s.Partition(stream)
			var prev domain.Checkpoint
			for prev.Seq < steps {
				next := at(prev.Seq + 1)
				next.Epoch = uint64(w + 1) // tells the writers' checkpoints apart
				b := p.NewBatch()
				b.AddTrades("binance", "BTC/USDT", tradeWrites(t, int(next.Seq), int(next.Seq)))
				stored, err := p.Apply(t.Context(), prev, next, b)
				if err != nil {
					t.Error(err)
					return
				}
				if stored == next {
					applied.Add(1)
				}
				prev = stored
			}
		})
	}
	group.Wait()
	trades, _, err := s.Partition(stream).Trades(t.Context(), "binance", "BTC/USDT", 1000)
	if err != nil || len(trades) != steps || applied.Load() != steps {
		t.Fatalf("%d trades, %d applied (%v), want %d", len(trades), applied.Load(), err, steps)
	}
	for i, tr := range trades {
		if tr.Sequence != uint64(i+1) || tr.ID != fmt.Sprint(i+1) {
			t.Fatalf("trade %d is %+v", i, tr)
		}
	}
}

// A command of a script takes at most 8,000 arguments.
func TestTenThousandTicksFitIntoOneBatch(t *testing.T) {
	t.Parallel()
	const n = 10_000
	s := testserver.SharedStore(t)
	p := s.Partition(stream)
	writes := make([]cachestore.TickWrite, n)
	for i := range writes {
		symbol := fmt.Sprintf("C%d/USDT", i)
		writes[i] = cachestore.TickWrite{Symbol: symbol, Write: cachestore.Write{Seq: uint64(i + 1), Payload: encode(t, tick(symbol, i+1))}}
	}
	b := p.NewBatch()
	b.PutTicks("binance", writes)
	if b.Len() != 3 { // 3,500 ticks with one command
		t.Fatalf("%d commands", b.Len())
	}
	apply(t, p, domain.Checkpoint{}, at(n), b)
	ticks, _, err := s.AllTicks(t.Context(), []*cachestore.Partition{p}, "binance", noon)
	if err != nil || len(ticks) != n {
		t.Fatalf("%d ticks (%v)", len(ticks), err)
	}
	for _, i := range []int{0, 3499, 3500, 6999, 7000, 9999} {
		wantPrice(t, p, writes[i].Symbol, fmt.Sprint(i+1))
	}
	// The batch may be used again.
	b.Reset()
	if b.Len() != 0 {
		t.Fatalf("%d commands after Reset", b.Len())
	}
	b.DeleteTick("binance", writes[0].Symbol)
	apply(t, p, at(n), at(n+1), b)
	wantPrice(t, p, writes[0].Symbol, "")
	wantPrice(t, p, writes[1].Symbol, "2")
}

func TestAServerThatForgotTheScriptsIsGivenThemAgain(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	p := s.Partition(stream)
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	apply(t, p, at(1), at(2), withTick(t, p, "BTC/USDT", 2, 2))
	wantPrice(t, p, "BTC/USDT", "2")
}

// What no retry mends must not look like a Redis that is away.
func TestWhatContradictsTheCheckpointIsUnknown(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	p := s.Partition(stream)
	market := cachestore.Market{Exchange: "binance", Symbol: "BTC/USDT"}
	addTrades(t, p, domain.Checkpoint{}, 1, 9)
	unknown := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, domain.ErrUnknown) || errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("%s: %v, want ErrUnknown", what, err)
		}
	}
	// A stream that is ahead of the checkpoint.
	if err := rdb.XAdd(t.Context(), &redis.XAddArgs{Stream: key(stream, "changed"), ID: "10-1", Values: []string{"s", ""}}).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := p.Apply(t.Context(), at(9), at(10), p.NewBatch())
	unknown("XADD below the last id", err)
	if got, err := p.Checkpoint(t.Context()); err != nil || got != at(9) {
		t.Fatalf("the checkpoint moved to %v (%v)", got, err)
	}
	// Keys of another type.
	for _, suffix := range []string{"ticks:binance", "trades:binance:BTC/USDT", "gaps:binance:BTC/USDT", "candles:binance:BTC/USDT", "exchanges", "changed"} {
		if err := rdb.Del(t.Context(), key(stream, suffix)).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.Set(t.Context(), key(stream, suffix), "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = p.Apply(t.Context(), at(9), at(10), withTick(t, p, "BTC/USDT", 1, 10))
	unknown("Apply", err)
	_, _, err = p.Tick(t.Context(), "binance", "BTC/USDT", noon)
	unknown("Tick", err)
	_, _, err = p.Ticks(t.Context(), "binance", []string{"BTC/USDT"}, noon)
	unknown("Ticks", err)
	_, _, err = s.AllTicks(t.Context(), []*cachestore.Partition{p}, "binance", noon)
	unknown("AllTicks", err)
	_, _, err = s.Exchanges(t.Context(), []*cachestore.Partition{p})
	unknown("Exchanges", err)
	_, err = p.LoadTickOrders(t.Context(), []cachestore.Market{{Exchange: "kraken", Symbol: "BTC/USDT"}, market})
	unknown("LoadTickOrders", err)
	_, err = p.LoadTradeIDs(t.Context(), []cachestore.Market{market}, 10)
	unknown("LoadTradeIDs", err)
	_, err = p.LoadCandles(t.Context(), []cachestore.Series{{Market: market, Timeframe: "1m"}}, 10)
	unknown("LoadCandles", err)
	_, _, err = p.Trades(t.Context(), "binance", "BTC/USDT", 10)
	unknown("Trades", err)
	_, _, err = p.TradesAfter(t.Context(), "binance", "BTC/USDT", cachestore.Cursor{})
	unknown("TradesAfter", err)
	_, _, err = p.Gaps(t.Context(), "binance", "BTC/USDT", 10)
	unknown("Gaps", err)
	_, err = p.Wait(t.Context(), 0, time.Minute)
	unknown("Wait", err)
	_, _, err = p.Candles(t.Context(), cachestore.Series{Market: market, Timeframe: "1m"}, 10)
	unknown("Candles", err)
}

func TestARedisThatIsAwayIsUnreachableEverywhere(t *testing.T) {
	t.Parallel()
	r, s, _ := own(t)
	p := s.Partition(stream)
	r.Kill()
	market := cachestore.Market{Exchange: "binance", Symbol: "BTC/USDT"}
	var calls sync.WaitGroup
	for what, call := range map[string]func() error{
		"Ping":           func() error { _, err := s.Ping(t.Context()); return err },
		"Checkpoint":     func() error { _, err := p.Checkpoint(t.Context()); return err },
		"Apply":          func() error { _, err := p.Apply(t.Context(), at(1), at(2), p.NewBatch()); return err },
		"Begin":          func() error { _, err := p.Begin(t.Context(), at(0)); return err },
		"Clear":          func() error { _, err := p.Clear(t.Context(), at(0)); return err },
		"Wait":           func() error { _, err := p.Wait(t.Context(), 0, 1); return err },
		"Tick":           func() error { _, _, err := p.Tick(t.Context(), "binance", "BTC/USDT", noon); return err },
		"LoadTickOrders": func() error { _, err := p.LoadTickOrders(t.Context(), []cachestore.Market{market}); return err },
		"LoadTradeIDs":   func() error { _, err := p.LoadTradeIDs(t.Context(), []cachestore.Market{market}, 1); return err },
		"Trades":         func() error { _, _, err := p.Trades(t.Context(), "binance", "BTC/USDT", 1); return err },
		"TradesAfter": func() error {
			_, _, err := p.TradesAfter(t.Context(), "binance", "BTC/USDT", cachestore.Cursor{})
			return err
		},
		"Gaps": func() error { _, _, err := p.Gaps(t.Context(), "binance", "BTC/USDT", 1); return err },
	} {
		calls.Go(func() { // each waits for the client library's own attempts
			if err := call(); !errors.Is(err, domain.ErrUnreachable) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	calls.Wait()
	if _, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{r.Addr}}); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("Connect: %v", err)
	}
}
