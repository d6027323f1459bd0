package client_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestTradesArePushedAndListed(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	if trades, err := c.Trades.List(ctx, "binance", "BTC/USDT", 10); err != nil || len(trades) != 0 {
		t.Fatalf("%v %v", trades, err)
	}
	for i := range 5 {
		pos, err := c.Trades.Push(ctx, trade(i))
		if err != nil {
			t.Fatal(err)
		}
		c.visible(pos, nil)
	}
	c.visible(c.Trades.Push(ctx, trade(4))) // again: shown once
	for range 2 {                           // reading takes nothing away
		trades, err := c.Trades.List(ctx, "binance", "BTC/USDT", 3)
		if err != nil || len(trades) != 3 || trades[0].ID != "2" || trades[2].ID != "4" {
			t.Fatalf("%+v %v", trades, err)
		}
		if got := trades[2]; got.Cost().String() != "2525" || got.Side != domain.Sell || !got.Time.Equal(noon.Add(4*time.Second)) || got.Received.IsZero() || got.Sequence == 0 {
			t.Fatalf("%+v", got)
		}
	}
}

// Each trade reaches a watcher once and in order, although Redis loses
// everything, twice, and is rebuilt from the log.
func TestWatchYieldsEachTradeOnceAndInOrderAlthoughRedisIsLost(t *testing.T) {
	t.Parallel()
	const n = 600
	redis := testserver.NewRedis(t)
	c := newRig(t, redis.Store(t), 10_000)
	ctx := bounded(t)
	pushed := make(chan domain.LogPosition, 1)
	go func() {
		var pos domain.LogPosition
		for i := range n {
			var err error
			if pos, err = c.Trades.Push(ctx, trade(i)); err != nil {
				t.Error(err)
				break
			}
		}
		pushed <- pos
	}()
	next, away := 0, 0
	for tr, err := range c.Trades.Watch(ctx, "binance", "BTC/USDT", 10_000) {
		if errors.Is(err, domain.ErrUnreachable) || errors.Is(err, domain.ErrRebuilding) {
			away++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if tr.ID != strconv.Itoa(next) {
			t.Fatalf("trade %s, want %d", tr.ID, next)
		}
		if next++; next == n {
			break
		}
		if next == 150 || next == 400 {
			redis.Kill()
			redis.Start()
		}
	}
	if next != n {
		t.Fatalf("%d trades (%v)", next, ctx.Err())
	}
	c.visible(<-pushed, nil)
	trades, err := c.Trades.List(ctx, "binance", "BTC/USDT", n+1)
	if err != nil || len(trades) != n || trades[0].ID != "0" || trades[n-1].ID != strconv.Itoa(n-1) {
		t.Fatalf("%d trades (%v)", len(trades), err)
	}
}

func TestAWatcherThatFellBehindIsToldSo(t *testing.T) {
	t.Parallel()
	const keep, missed = 50, 300
	c := newRig(t, testserver.SharedStore(t), keep)
	ctx := bounded(t)
	c.visible(c.Trades.Push(ctx, trade(0)))
	var got []int
	lagged := 0
	for tr, err := range c.Trades.Watch(ctx, "binance", "BTC/USDT", 1) {
		if errors.Is(err, domain.ErrLagged) {
			lagged++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		id, _ := strconv.Atoi(tr.ID)
		got = append(got, id)
		if id == 0 {
			for i := range missed {
				pos, err := c.Trades.Push(ctx, trade(i+1))
				if i == missed-1 {
					c.visible(pos, err)
				}
			}
		}
		if id == missed {
			break
		}
	}
	if lagged != 1 || len(got) != 1+keep || got[1] != missed-keep+1 {
		t.Fatalf("told %d times, then %v", lagged, got)
	}
}

// More than one read is needed for what has gathered.
func TestAWatcherReadsOnWithoutWaitingForTheNextTrade(t *testing.T) {
	t.Parallel()
	const n = 2500
	c := newRig(t, testserver.SharedStore(t), 10_000)
	ctx := bounded(t)
	p := c.bus.NewOrderedPublisher(10_000)
	publish := func(from, to int) {
		for i := from; i < to; i++ {
			if err := p.Publish(trade(i)); err != nil {
				t.Fatal(err)
			}
		}
		running, cancel := context.WithCancel(ctx)
		cancel()
		if err := p.Run(running, patience); err != nil {
			t.Fatal(err)
		}
		last, err := c.bus.LastTrade(ctx, "binance", "BTC/USDT")
		if err != nil {
			t.Fatal(err)
		}
		c.visible(domain.LogPosition{Stream: small.TradeStreamOf("binance", "BTC/USDT"), Seq: last.Sequence}, nil)
	}
	publish(0, 1)
	next := 0
	for tr, err := range c.Trades.Watch(ctx, "binance", "BTC/USDT", 1) {
		if err != nil || tr.ID != strconv.Itoa(next) {
			t.Fatalf("%s %v, want %d", tr.ID, err, next)
		}
		if next == 0 {
			publish(1, n)
		}
		if next++; next == n {
			return
		}
	}
	t.Fatalf("ended at %d (%v)", next, ctx.Err())
}

func TestAWatchMayBeginWithNoTradeAtAll(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	c.visible(c.Trades.Push(ctx, trade(1)))
	first := make(chan string, 1)
	go func() {
		for tr, err := range c.Trades.Watch(ctx, "binance", "ETH/USDT", 0) {
			if err != nil {
				first <- err.Error()
			} else {
				first <- tr.ID
			}
			return
		}
	}()
	eth := trade(7)
	eth.Symbol = "ETH/USDT"
	// The watch may begin before or after this one, so it is told until it has begun.
	for {
		c.visible(c.Trades.Push(ctx, eth))
		eth.ID += "7"
		select {
		case got := <-first:
			if got[0] != '7' {
				t.Fatal(got)
			}
			return
		default:
		}
	}
}

func TestGapsAndCandlesAreListed(t *testing.T) {
	t.Parallel()
	c := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	if bars, err := c.Candles.Latest(ctx, "binance", "BTC/USDT", "1m", 10); err != nil || len(bars) != 0 {
		t.Fatalf("%v %v", bars, err)
	}
	bar := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Open: dec("47000"), High: dec("47200"), Low: dec("46800"),
		Close: dec("47100"), Volume: dec("150.5"), Source: domain.FromVenue,
	}
	for i := range 4 {
		bar.Time = noon.Add(time.Duration(i) * time.Minute)
		c.visible(c.Candles.Put(ctx, bar))
	}
	bar.Close = dec("47200")
	pos, err := c.Candles.Put(ctx, bar) // in place of the newest
	c.visible(pos, err)
	bars, err := c.Candles.Latest(ctx, "binance", "BTC/USDT", "1m", 2)
	if err != nil || len(bars) != 2 || !bars[0].Time.Equal(noon.Add(2*time.Minute)) || bars[0].Close.String() != "47100" {
		t.Fatalf("%+v %v", bars, err)
	}
	if got := bars[1]; got.Close.String() != "47200" || got.Sequence != pos.Seq || got.Timeframe != "1m" || got.Volume.String() != "150.5" {
		t.Fatalf("%+v", got)
	}
	pos, err = c.bus.Publish(ctx, domain.Gap{Exchange: "binance", Symbol: "BTC/USDT", FromID: "5", ToID: "9", Missing: 5, Reason: "away", Time: noon})
	c.visible(pos, err)
	gaps, err := c.Trades.Gaps(ctx, "binance", "BTC/USDT", 10)
	if err != nil || len(gaps) != 1 || gaps[0].Missing != 5 || gaps[0].Reason != "away" || gaps[0].Sequence != pos.Seq {
		t.Fatalf("%+v %v", gaps, err)
	}
}
