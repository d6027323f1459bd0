package projector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// tickModel is what the answers about two exchanges must be: the newest tick of
// each market and the last word of each feed, kept in maps.
type tickModel struct {
	exchanges []string
	symbols   []string // of nobody else, so that Any finds only these
	ticks     map[string]domain.Tick
	feeds     map[string]domain.Feed
	last      domain.Tick
	received  time.Time
}

var models atomic.Int64

func newTickModel() *tickModel {
	n := models.Add(1)
	m := &tickModel{ticks: make(map[string]domain.Tick), feeds: make(map[string]domain.Feed), received: time.Now()}
	for _, name := range []string{"a", "b"} {
		m.exchanges = append(m.exchanges, fmt.Sprintf("model-%d%s", n, name))
	}
	for _, name := range []string{"X", "Y", "Z"} {
		m.symbols = append(m.symbols, fmt.Sprintf("%s%d/USDT", name, n))
	}
	return m
}

func (m *tickModel) put(t domain.Tick) {
	m.last = t
	at := t.Exchange + " " + t.Symbol
	if old, ok := m.ticks[at]; ok {
		known := !t.Time.IsZero() && !old.Time.IsZero() && !t.Time.Equal(old.Time)
		if known && t.Time.Before(old.Time) || !known && t.VenueSeq != 0 && old.VenueSeq != 0 && t.VenueSeq < old.VenueSeq {
			return
		}
	}
	m.ticks[at] = t
}

// stale is by the feed, and without one by the age of the tick; in this test
// either is far from the limit.
func (m *tickModel) stale(t domain.Tick) bool {
	if feed, ok := m.feeds[t.Exchange]; ok {
		return feed.State != domain.FeedLive || time.Since(feed.Time) > time.Hour
	}
	return time.Since(t.Received) > 30*time.Minute
}

// String is what readers must see.
func (m *tickModel) String() string {
	var out []string
	for _, exchange := range m.exchanges {
		for _, symbol := range m.symbols {
			t, ok := m.ticks[exchange+" "+symbol]
			if !ok {
				out = append(out, "none")
				continue
			}
			t.Stale = m.stale(t)
			out = append(out, tickText(t))
			if t.Stale {
				out = append(out, "no price")
			} else {
				out = append(out, t.Last.String())
			}
		}
	}
	for _, exchange := range m.exchanges {
		out = append(out, "all:")
		for _, symbol := range m.symbols {
			if t, ok := m.ticks[exchange+" "+symbol]; ok {
				t.Stale = m.stale(t)
				out = append(out, tickText(t))
			}
		}
	}
	out = append(out, "any:")
	for _, symbol := range m.symbols {
		best := "none"
		var of []domain.Tick
		for _, t := range m.ticks {
			if t.Symbol == symbol {
				t.Stale = m.stale(t)
				of = append(of, t)
			}
		}
		slices.SortFunc(of, func(a, b domain.Tick) int { return a.Received.Compare(b.Received) })
		for _, stale := range []bool{true, false} {
			for _, t := range of {
				if t.Stale == stale {
					best = tickText(t)
				}
			}
		}
		out = append(out, best)
	}
	return strings.Join(out, " ")
}

func tickText(t domain.Tick) string {
	text := fmt.Sprintf("%s=%v@%d", t.Symbol, t.Last, t.VenueSeq)
	if !t.Time.IsZero() {
		text += t.Time.UTC().Format(" 15:04:05")
	}
	if t.Stale {
		text += " stale"
	}
	return text
}

// seenTicks is the same, read through the client.
func (r *crashRig) seenTicks(m *tickModel) string {
	ctx := context.Background()
	var out []string
	one := func(t domain.Tick, err error) bool {
		switch {
		case errors.Is(err, domain.ErrNotFound):
			out = append(out, "none")
		case err != nil:
			out = append(out, err.Error())
		default:
			out = append(out, tickText(t))
		}
		return err == nil
	}
	for _, exchange := range m.exchanges {
		for _, symbol := range m.symbols {
			if !one(r.client.Ticks.Get(ctx, exchange, symbol)) {
				continue
			}
			price, err := r.client.Ticks.Price(ctx, exchange, symbol)
			switch {
			case errors.Is(err, domain.ErrStale):
				out = append(out, "no price")
			case err != nil:
				out = append(out, err.Error())
			default:
				out = append(out, price.String())
			}
		}
	}
	for _, exchange := range m.exchanges {
		out = append(out, "all:")
		ticks, err := r.client.Ticks.All(ctx, exchange)
		if err != nil {
			return err.Error()
		}
		for _, t := range ticks {
			out = append(out, tickText(t))
		}
	}
	out = append(out, "any:")
	for _, symbol := range m.symbols {
		one(r.client.Ticks.Any(ctx, symbol))
	}
	return strings.Join(out, " ")
}

// Ticks and feeds are what a plain model says, whatever happens to projectors
// and Redis between any two steps.
func TestTicksAreWhatAPlainModelSaysThroughCrashes(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	rapid.Check(t, func(t *rapid.T) {
		m := newTickModel()
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			r.tickStep(t, m, rapid.IntRange(0, 10))
		}
		r.ticksAgree(t, m)
	})
}

// tickStep does one thing to the system and to the model; up to 6 it publishes.
func (r *crashRig) tickStep(t *rapid.T, m *tickModel, kinds *rapid.Generator[int]) {
	ctx := context.Background()
	exchange, symbol := rapid.SampledFrom(m.exchanges), rapid.SampledFrom(m.symbols)
	var err error
	switch kinds.Draw(t, "step") {
	case 0, 1, 2, 3:
		tick := domain.Tick{
			Exchange: exchange.Draw(t, "exchange"), Symbol: symbol.Draw(t, "symbol"),
			Last:     domain.MustDecimal(rapid.SampledFrom([]string{"1", "0.5", "60000.01"}).Draw(t, "price")),
			VenueSeq: uint64(rapid.IntRange(0, 4).Draw(t, "venue sequence")), Time: moment(rapid.IntRange(0, 4).Draw(t, "time")),
		}
		m.received = m.received.Add(time.Microsecond)
		tick.Received = m.received.Add(-rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "age"))
		m.put(tick)
		_, err = r.client.Ticks.Set(ctx, tick)
	case 4: // the same again
		if m.last.Symbol != "" {
			m.put(m.last)
			_, err = r.client.Ticks.Set(ctx, m.last)
			break
		}
		fallthrough
	case 5:
		x, s := exchange.Draw(t, "exchange"), symbol.Draw(t, "symbol")
		delete(m.ticks, x+" "+s)
		_, err = r.client.Ticks.Delete(ctx, x, s)
	case 6:
		feed := domain.Feed{
			Exchange: exchange.Draw(t, "exchange"), Interval: time.Minute, Heard: time.Now(),
			State: rapid.SampledFrom([]domain.FeedState{domain.FeedLive, domain.FeedLive, domain.FeedSilent, domain.FeedStopped}).Draw(t, "state"),
			Time:  time.Now().Add(rapid.SampledFrom([]time.Duration{time.Hour, -10 * time.Hour}).Draw(t, "when")),
		}
		m.feeds[feed.Exchange] = feed
		err = r.publishFeed(feed)
	case 7:
		r.settle()
		x := exchange.Draw(t, "exchange")
		n, _, deleted := r.client.Ticks.DeleteExchange(ctx, x)
		before := len(m.ticks)
		maps.DeleteFunc(m.ticks, func(_ string, t domain.Tick) bool { return t.Exchange == x })
		if deleted != nil || n != before-len(m.ticks) {
			t.Fatalf("%d deleted (%v), want %d", n, deleted, before-len(m.ticks))
		}
	case 8:
		r.ticksAgree(t, m)
	default:
		r.crash(rapid.IntRange(0, crashes-1).Draw(t, "crash"), func() { r.tickStep(t, m, rapid.IntRange(0, 6)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// publishFeed stores a feed in every partition, as its ingest does.
func (r *crashRig) publishFeed(feed domain.Feed) error {
	data, err := wire.Encode(feed)
	for _, address := range crashLayout.FeedAddresses(feed.Exchange) {
		if err == nil {
			err = r.raw(address.Subject, data)
		}
	}
	return err
}

func (r *crashRig) ticksAgree(t *rapid.T, m *tickModel) {
	r.settle()
	if got, want := r.seenTicks(m), m.String(); got != want {
		t.Fatalf("\n%q, want\n%q", got, want)
	}
}
