package projector_test

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// D1: what belongs to one event was written with several round trips, and a
// reader or a crash in between saw half of it. At no moment does Redis have a
// trade without its share of the candles, or either without the checkpoint.
func TestD1NoReaderSeesHalfOfAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	r.project(r.store, 1000)
	rdb := testserver.SharedClient(t)
	stream := small.TradeStreamOf("binance", "BTC/USDT")
	key := func(suffix string) string { return r.store.Prefix() + "{" + stream + "}:" + suffix }
	look := func() (trades int64) {
		t.Helper()
		tx := rdb.TxPipeline()
		checkpoint := tx.Get(t.Context(), key("checkpoint"))
		count := tx.LLen(t.Context(), key("trades:binance:BTC/USDT"))
		bar := tx.HGet(t.Context(), key("candles:binance:BTC/USDT"), "1d:"+dayOfEpoch)
		if _, err := tx.Exec(t.Context()); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		n := count.Val()
		at, err := domain.ParseCheckpoint(checkpoint.Val())
		if err != nil {
			t.Fatal(err)
		}
		var candle domain.Candle
		if bar.Err() == nil {
			_, payload, err := wire.Unstamp([]byte(bar.Val()))
			if err == nil {
				candle, err = wire.DecodeCandle(domain.Key{Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1d"}, payload)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if at.Seq != uint64(n) || candle.Trades != uint64(n) {
			t.Fatalf("checkpoint %d, %d trades, a candle of %d", at.Seq, n, candle.Trades)
		}
		return n
	}
	const rounds, atOnce = 100, 3
	for round := range rounds {
		published := make(chan error, 1)
		go func() {
			for i := range atOnce {
				if _, err := r.bus.Publish(t.Context(), trade("BTC/USDT", round*atOnce+i, "100", "1", 0)); err != nil {
					published <- err
					return
				}
			}
			published <- nil
		}()
		for look() < int64(round+1)*atOnce {
			select {
			case err := <-published:
				if err != nil {
					t.Fatal(err)
				}
			default:
			}
		}
	}
}

// dayOfEpoch is the beginning of the day of the tests' trades.
const dayOfEpoch = "1723161600"
