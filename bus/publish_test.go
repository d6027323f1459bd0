package bus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

func TestPublishedEventsGetDensePositionsInTheStreamOfTheirMarket(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, small)
	last := map[string]uint64{}
	for i := range 60 {
		symbol := symbols(5)[i%5]
		events := []domain.Event{
			tick(symbol, i+1), trade(symbol, i), domain.TickDeleted{Exchange: "binance", Symbol: symbol},
			domain.Gap{Exchange: "binance", Symbol: symbol, Time: noon},
			domain.Candle{
				Exchange: "binance", Symbol: symbol, Timeframe: "1m", Time: noon, Open: domain.MustDecimal("1"), High: domain.MustDecimal("1"),
				Low: domain.MustDecimal("1"), Close: domain.MustDecimal("1"), Source: domain.FromVenue,
			},
		}
		for _, ev := range events {
			pos := mustPublish(t, b, ev)
			want := b.Layout().TradeStreamOf("binance", symbol)
			if ev.Key().Kind == domain.KindTick {
				want = b.Layout().TickStreamOf("binance", symbol)
			}
			if pos.Stream != want || pos.Seq != last[want]+1 {
				t.Fatalf("%T of %s is at %+v, want %s %d", ev, symbol, pos, want, last[want]+1)
			}
			last[want]++
		}
	}
	if len(last) != 4 {
		t.Fatalf("the markets share %d streams", len(last))
	}
}

func TestPublishRefusesInvalidEventsAndStoresNothing(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	bad := trade("BTC/USDT", 1)
	bad.Volume = domain.Decimal{}
	feed := domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: noon, Interval: time.Second}
	for _, ev := range []domain.Event{bad, domain.Tick{}, feed} {
		if _, err := b.Publish(t.Context(), ev); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%T: %v", ev, err)
		}
	}
	for _, stream := range []string{bus.TickStream(0), bus.TradeStream(0)} {
		if e := extent(t, b, stream); e.Last != 0 || e.First != 1 {
			t.Errorf("%s has %+v", stream, e)
		}
	}
}

// Whatever Validate lets pass can be read back, times at the edges included:
// an event that is acknowledged must not end as a dead letter.
func TestWhatMayBePublishedCanBeReadBack(t *testing.T) {
	t.Parallel()
	times := rapid.OneOf(
		rapid.Just(time.Time{}), rapid.Just(time.Unix(0, 0)), rapid.Just(time.Unix(0, 1)), rapid.Just(time.Unix(0, -1)),
		rapid.Just(time.Unix(1<<40, 0)), rapid.Just(time.Unix(9223372036, 1e9-1)), rapid.Just(time.Unix(9223372035, 1e9-1)),
		rapid.Custom(func(t *rapid.T) time.Time { return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "s"), 0) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		at, received := times.Draw(t, "time"), times.Draw(t, "received")
		tk, tr := tick("BTC/USDT", 1), trade("BTC/USDT", 1)
		tk.Time, tk.Received = at, received
		tr.Time, tr.Received = at, received
		for _, ev := range []domain.Event{
			tk, tr, domain.Gap{Exchange: "binance", Symbol: "BTC/USDT", Time: at},
			domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: at, Heard: received, Interval: time.Second},
		} {
			if ev.Validate() != nil {
				continue
			}
			data, err := wire.Encode(ev)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := wire.Decode(ev.Key(), data); err != nil {
				t.Fatalf("%+v may be published, but reads back as %v", ev, err)
			}
		}
	})
}

func TestALogMessageIsBounded(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	js := raw(t, n.URL)
	if _, err := js.Publish(t.Context(), "tick.0.binance.BTC/USDT", make([]byte, bus.MaxPayloadBytes)); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "tick.0.binance.BTC/USDT", make([]byte, bus.MaxPayloadBytes+1)); err == nil {
		t.Fatal("a message past the bound was stored")
	}
	if e := extent(t, b, bus.TickStream(0)); e.Last != 1 {
		t.Fatalf("%+v", e)
	}
}

func TestTheLogTellsItsExtentAndTimes(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	stream := bus.TradeStream(0)
	if _, err := b.LastTrade(t.Context(), "binance", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	mustPublish(t, b, trade("BTC/USDT", 1), trade("BTC/USDT", 2), trade("ETH/USDT", 3))
	e := extent(t, b, stream)
	if e.First != 1 || e.Last != 3 || e.Created == 0 || e.Bytes == 0 {
		t.Fatalf("%+v", e)
	}
	for _, rec := range stored(t, b, stream) {
		if at, err := b.TimeOf(t.Context(), stream, rec.Seq); err != nil || at != rec.Time.UnixNano() {
			t.Fatalf("sequence %d: stored at %d (%v), read as %d", rec.Seq, at, err, rec.Time.UnixNano())
		}
	}
	if _, err := b.TimeOf(t.Context(), stream, 4); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	want := trade("BTC/USDT", 2)
	want.Sequence = 2
	got, err := b.LastTrade(t.Context(), "binance", "BTC/USDT")
	if err != nil || got.ID != want.ID || got.Sequence != 2 || !got.Price.Equal(want.Price) || !got.Time.Equal(want.Time) {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestTheLogTellsAllTradesOfTheLastOnesTime(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	at := func(n int, second int64) domain.Trade {
		tr := trade("BTC/USDT", n)
		tr.Time = time.Unix(second, 0).UTC()
		return tr
	}
	for _, c := range []struct {
		stored []domain.Event
		want   string
	}{
		{[]domain.Event{at(1, 10)}, "1"},
		{[]domain.Event{at(2, 10), trade("ETH/USDT", 1), at(3, 10), trade("ETH/USDT", 2)}, "1 2 3"},
		{[]domain.Event{at(4, 11)}, "4"},
		{[]domain.Event{trade("ETH/USDT", 3), at(5, 11), trade("ETH/USDT", 4), trade("ETH/USDT", 5), at(6, 11)}, "4 5 6"},
	} {
		mustPublish(t, b, c.stored...)
		last, err := b.LastTrade(t.Context(), "binance", "BTC/USDT")
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		trades, err := b.TradesAt(t.Context(), last)
		for _, tr := range trades {
			ids = append(ids, tr.ID)
		}
		if err != nil || strings.Join(ids, " ") != c.want {
			t.Errorf("got %v, %v, want %s", ids, err, c.want)
		}
	}
}

func TestARepeatedDeadLetterReplacesTheFormer(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	rec := domain.Record{Subject: "trade.0.binance.BTC/USDT", Seq: 7, Data: []byte("garbage")}
	for range 3 {
		if err := b.DeadLetter(t.Context(), "TRADES_0", rec, errors.New("first\r\n  line: \xff")); err != nil {
			t.Fatal(err)
		}
	}
	rec.Seq = 8
	if err := b.DeadLetter(t.Context(), "TRADES_0", rec, errors.New("other")); err != nil {
		t.Fatal(err)
	}
	s, err := raw(t, n.URL).Stream(t.Context(), bus.DeadLetterStream)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.Info(t.Context()); err != nil || info.State.Msgs != 2 {
		t.Fatalf("%d letters are kept (%v)", info.State.Msgs, err)
	}
	msg, err := s.GetLastMsgForSubject(t.Context(), "deadletter.TRADES_0.7")
	if err != nil || string(msg.Data) != "garbage" {
		t.Fatalf("%+v %v", msg, err)
	}
	if subject, reason := msg.Header.Get("Fullon-Subject"), msg.Header.Get("Fullon-Reason"); subject != rec.Subject || reason != "first line: ?" {
		t.Fatalf("%q %q", subject, reason)
	}
}

// A partition goes on behind a message only once its letter is stored, so every
// message that the log takes must fit into a letter.
func TestTheLargestMessageFitsIntoADeadLetter(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	subject := "trade.0." + strings.Repeat("x", 3900)
	if _, err := raw(t, n.URL).Publish(t.Context(), subject, make([]byte, bus.MaxPayloadBytes)); err != nil {
		t.Fatal(err)
	}
	rec := stored(t, b, bus.TradeStream(0))[0]
	if rec.Key.Kind != "" || rec.Subject != subject || len(rec.Data) != bus.MaxPayloadBytes {
		t.Fatalf("read %+v", rec.Key)
	}
	if err := b.DeadLetter(t.Context(), bus.TradeStream(0), rec, errors.New(strings.Repeat("why ", 1000))); err != nil {
		t.Fatal(err)
	}
}

// Somebody has stored garbage behind the newest trade.
func TestTheLastTradeIsTheLastThatCanBeRead(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	for i := range 3 {
		if _, err := b.Publish(t.Context(), trade("BTC/USDT", i)); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Publish(t.Context(), trade("ETH/USDT", i)); err != nil {
			t.Fatal(err)
		}
	}
	nc, err := nats.Connect(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for range 2 {
		if _, err := nc.Request("trade.0.binance.BTC/USDT", []byte("garbage"), patience); err != nil {
			t.Fatal(err)
		}
	}
	last, err := b.LastTrade(t.Context(), "binance", "BTC/USDT")
	if err != nil || last.ID != "2" || last.Sequence != 8 {
		t.Errorf("%+v, %v", last, err)
	}
}
