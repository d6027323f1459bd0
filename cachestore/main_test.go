package cachestore_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

func TestMain(m *testing.M) { testserver.Main(m) }

var noon = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)

// at is a checkpoint of one log and one epoch.
func at(seq uint64) domain.Checkpoint {
	return domain.Checkpoint{Epoch: 1, Created: 1000, Seq: seq, Time: int64(seq) * 10}
}

func encode(tb testing.TB, ev domain.Event) []byte {
	tb.Helper()
	data, err := wire.Encode(ev)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func tick(symbol string, price int) domain.Tick {
	return domain.Tick{Exchange: "binance", Symbol: symbol, Last: domain.MustDecimal(strconv.Itoa(price)), Received: noon}
}

func trade(id int) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: "BTC/USDT", ID: strconv.Itoa(id), Side: domain.Sell, Price: domain.MustDecimal("1.5"),
		Volume: domain.MustDecimal("2"), Time: noon, Received: noon,
	}
}

// withTick is a batch that sets one tick.
func withTick(tb testing.TB, p *cachestore.Partition, symbol string, price int, seq uint64) *cachestore.Batch {
	b := p.NewBatch()
	b.AddExchange("binance")
	b.PutTicks("binance", []cachestore.TickWrite{{Symbol: symbol, Write: cachestore.Write{Seq: seq, Payload: encode(tb, tick(symbol, price))}}})
	return b
}

func apply(tb testing.TB, p *cachestore.Partition, prev, next domain.Checkpoint, b *cachestore.Batch) {
	tb.Helper()
	if got, err := p.Apply(tb.Context(), prev, next, b); err != nil || got != next {
		tb.Fatalf("from %v to %v: stored is %v (%v)", prev, next, got, err)
	}
}

func tradeWrites(tb testing.TB, from, to int) (writes []cachestore.Write) {
	for i := from; i <= to; i++ {
		writes = append(writes, cachestore.Write{Seq: uint64(i), Payload: encode(tb, trade(i))})
	}
	return writes
}

// addTrades stores trades with the sequences from to to, in one batch.
func addTrades(tb testing.TB, p *cachestore.Partition, prev domain.Checkpoint, from, to int) {
	tb.Helper()
	b := p.NewBatch()
	b.AddMarket("binance", "BTC/USDT")
	b.AddTrades("binance", "BTC/USDT", tradeWrites(tb, from, to))
	apply(tb, p, prev, at(uint64(to)), b)
}

func wantPrice(tb testing.TB, p *cachestore.Partition, symbol, want string) {
	tb.Helper()
	got, _, err := p.Tick(tb.Context(), "binance", symbol, noon)
	if want == "" {
		if !errors.Is(err, domain.ErrNotFound) {
			tb.Fatalf("%s: %v (%v), want ErrNotFound", symbol, got.Last, err)
		}
		return
	}
	if err != nil || got.Last.String() != want {
		tb.Fatalf("%s: %v (%v), want %s", symbol, got.Last, err, want)
	}
}

// own is a server of the test's own, and a bare connection for breaking it.
func own(tb testing.TB) (*testserver.Redis, *cachestore.Store, *redis.Client) {
	tb.Helper()
	r := testserver.NewRedis(tb)
	return r, r.Store(tb), r.Client(tb)
}

func key(stream, suffix string) string {
	return fmt.Sprintf("%s{%s}:%s", cachestore.DefaultPrefix, stream, suffix)
}
