package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
)

func TestAFeedSaysHowTheVenueIs(t *testing.T) {
	inBubble(t, ingest.Config{SilentAfter: 10 * time.Second}, nil, func(r *rig) {
		r.expectState(domain.FeedSilent) // not connected yet
		r.feed.Connected(true, "")
		r.pass(time.Second)
		r.expectState(domain.FeedSilent) // nothing heard yet
		r.feed.Heard(time.Now())
		synctest.Wait()
		r.expectState(domain.FeedLive) // at once
		r.pass(10 * time.Second)
		r.expectState(domain.FeedLive)
		r.pass(2 * time.Second)
		r.expectState(domain.FeedSilent)
		r.feed.Heard(time.Now())
		synctest.Wait()
		r.expectState(domain.FeedLive)
		r.feed.Connected(false, "test")
		synctest.Wait()
		r.expectState(domain.FeedSilent)
		r.feed.Connected(true, "")
		r.feed.Heard(time.Now())
		r.pass(time.Second)
		r.expectState(domain.FeedLive)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		r.expectState(domain.FeedStopped)
		if s := r.feed.Stats(); s.State != domain.FeedStopped || s.Connects != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestSignsOfLifeComeEveryInterval(t *testing.T) {
	inBubble(t, ingest.Config{Interval: 2 * time.Second}, nil, func(r *rig) {
		r.mu.Lock()
		before := len(r.feeds)
		r.mu.Unlock()
		r.pass(time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.feeds) - before; n != 30 {
			t.Errorf("%d in a minute", n)
		}
	})
}

func TestACandleThatTheLogHasNoRoomForIsDropped(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		one := domain.MustDecimal("1")
		candle := domain.Candle{
			Exchange: "test", Symbol: symbol, Timeframe: "1m", Time: time.Unix(1_700_000_040, 0), Open: one, High: one,
			Low: one, Close: one, Volume: one, Source: domain.FromVenue, Closed: true,
		}
		r.feed.Candle(candle)
		r.set(func() { r.room = 0 })
		r.feed.Candle(candle)
		r.set(func() { r.room = 9 })
		candle.High = domain.MustDecimal("0.5")
		r.feed.Candle(candle)
		r.expect("domain.Candle")
		if s := r.feed.Stats(); s.Candles != 1 || s.Dropped != 1 || s.Refused["candle"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestSymbolsComeAndGoWhileAFeedRuns(t *testing.T) {
	const other = "ETH/USDT"
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.send(1)
		r.feed.Want([]string{symbol, other})
		r.pass(time.Second)
		trade := numbered(7)
		trade.Symbol = other
		r.feed.Trade(trade)
		r.send(2)
		r.expect("1", "7", "2")
		r.feed.Want([]string{other})
		r.pass(time.Second)
		r.mu.Lock()
		if len(r.streamed) != 1 || r.streamed[0] != other || len(r.deleted) != 1 || r.deleted[0] != symbol {
			t.Errorf("streamed %v, deleted the ticks of %v", r.streamed, r.deleted)
		}
		r.mu.Unlock()
		// What was under way is dropped: the tick must not come back.
		r.feed.Tick(domain.Tick{Exchange: "test", Symbol: symbol, Last: domain.MustDecimal("1")})
		trade.Number, trade.ID = 8, "8"
		r.feed.Trade(trade)
		r.expect("8")
		r.mu.Lock()
		if len(r.ticks) != 0 {
			t.Errorf("ticks %+v", r.ticks)
		}
		r.last, r.lastErr = numbered(2).Trade, nil
		r.has = []uint64{1, 2, 3, 4, 5}
		r.mu.Unlock()
		r.feed.Want([]string{symbol, other})
		r.pass(time.Second)
		r.send(5)
		r.expect("3", "4", "5")
		if s := r.feed.Stats(); len(s.Refused) != 0 {
			t.Errorf("refused %v", s.Refused)
		}
	})
}
