package projector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// tapeModel is what the answers about one market's trades, gaps and candles must
// be: lists and maps that hold everything, and rules that look at all of it.
type tapeModel struct {
	symbol string
	trades []domain.Trade // the newest crashCap
	gaps   []domain.Gap
	bars   map[domain.Timeframe]map[int64]domain.Candle // by the beginning, unix seconds
	next   int                                          // id of the next new trade
}

const tapeExchange = "kraken"

func newTapeModel() *tapeModel {
	m := &tapeModel{symbol: fmt.Sprintf("T%d/USDT", models.Add(1)), bars: make(map[domain.Timeframe]map[int64]domain.Candle)}
	for _, tf := range domain.Timeframes {
		m.bars[tf] = make(map[int64]domain.Candle)
	}
	return m
}

// bar is where a candle goes, and what is there. Of the newest 16 intervals
// everything counts, of those that are kept what the venue says.
func (m *tapeModel) bar(tf domain.Timeframe, at time.Time) (start int64, old domain.Candle, there, recent, kept bool) {
	length := int64(tf.Duration() / time.Second)
	start = at.Unix() - at.Unix()%length
	newest := int64(0)
	for s := range m.bars[tf] {
		newest = max(newest, s)
	}
	old, there = m.bars[tf][start]
	return start, old, there, start > newest-16*length, start > newest-cachestore.CandleCap*length
}

func (m *tapeModel) set(c domain.Candle) {
	bars := m.bars[c.Timeframe]
	bars[c.Time.Unix()] = c
	oldest := slices.Max(slices.Collect(maps.Keys(bars))) - (cachestore.CandleCap-1)*int64(c.Timeframe.Duration()/time.Second)
	maps.DeleteFunc(bars, func(start int64, _ domain.Candle) bool { return start < oldest })
}

func (m *tapeModel) trade(t domain.Trade) {
	if slices.ContainsFunc(m.trades, func(old domain.Trade) bool { return old.ID == t.ID }) {
		return
	}
	m.trades = append(m.trades, t)
	m.trades = m.trades[max(0, len(m.trades)-crashCap):]
	for _, tf := range domain.Timeframes {
		start, c, there, recent, _ := m.bar(tf, t.Time)
		switch {
		case !recent, there && c.Source == domain.FromVenue:
			continue
		case !there:
			c = domain.Candle{Open: t.Price, High: t.Price, Low: t.Price, Timeframe: tf, Time: time.Unix(start, 0), Source: domain.FromTrades}
		}
		if t.Price.GreaterThan(c.High) {
			c.High = t.Price
		}
		if t.Price.LessThan(c.Low) {
			c.Low = t.Price
		}
		c.Close, c.Volume, c.Trades = t.Price, c.Volume.Add(t.Volume), c.Trades+1
		m.set(c)
	}
}

func (m *tapeModel) candle(c domain.Candle) {
	_, old, there, recent, kept := m.bar(c.Timeframe, c.Time)
	venue := c.Source == domain.FromVenue
	if recent && (venue || !there || old.Source == domain.FromTrades) || kept && venue {
		m.set(c)
	}
}

// String is what readers must see.
func (m *tapeModel) String() string {
	out := []string{"trades:"}
	for _, t := range m.trades {
		out = append(out, tradeText(t))
	}
	if n := len(m.trades); n > 0 {
		out = append(out, fmt.Sprint(n), m.trades[0].ID, m.trades[n-1].ID, "newest:", tradeText(m.trades[n-1]))
	} else {
		out = append(out, "none", "newest:")
	}
	out = append(out, "gaps:")
	for _, g := range m.gaps {
		out = append(out, g.FromID+"-"+g.ToID)
	}
	for _, tf := range domain.Timeframes {
		starts := slices.Sorted(maps.Keys(m.bars[tf]))
		out = append(out, string(tf))
		for _, start := range starts {
			out = append(out, barText(m.bars[tf][start]))
		}
		out = append(out, "latest:")
		for _, start := range starts[max(0, len(starts)-3):] {
			out = append(out, barText(m.bars[tf][start]))
		}
		out = append(out, "between:")
		for _, start := range starts {
			if start >= between[0].Unix() && start < between[1].Unix() {
				out = append(out, barText(m.bars[tf][start]))
			}
		}
	}
	return strings.Join(out, " ")
}

// between is a stretch in the middle of what the steps draw.
var between = [2]time.Time{epoch.Add(7 * time.Minute), epoch.Add(31 * time.Minute)}

func tradeText(t domain.Trade) string { return fmt.Sprintf("%s=%v*%v", t.ID, t.Price, t.Volume) }

func barText(c domain.Candle) string {
	return fmt.Sprintf("%s %v/%v/%v/%v*%v %d %v %v", c.Time.UTC().Format("02T15:04"), c.Open, c.High, c.Low, c.Close, c.Volume, c.Trades, c.Source, c.Closed)
}

// seenTape is the same, read through the client.
func (r *crashRig) seenTape(m *tapeModel) string {
	ctx := context.Background()
	out := []string{"trades:"}
	note := func(err error) {
		if err != nil {
			out = append(out, err.Error())
		}
	}
	trades := func(limit int) {
		list, err := r.client.Trades.List(ctx, tapeExchange, m.symbol, limit)
		note(err)
		for _, t := range list {
			out = append(out, tradeText(t))
		}
	}
	trades(10 * crashCap)
	s, err := r.client.Trades.Status(ctx, tapeExchange, m.symbol)
	if errors.Is(err, domain.ErrNotFound) {
		out = append(out, "none", "newest:")
	} else {
		note(err)
		out = append(out, fmt.Sprint(s.Count), s.First.ID, s.Last.ID, "newest:")
	}
	trades(1)
	out = append(out, "gaps:")
	gaps, err := r.client.Trades.Gaps(ctx, tapeExchange, m.symbol, cachestore.GapCap)
	note(err)
	for _, g := range gaps {
		out = append(out, g.FromID+"-"+g.ToID)
	}
	for _, tf := range domain.Timeframes {
		out = append(out, string(tf))
		bars := func(list []domain.Candle, err error) {
			note(err)
			for _, c := range list {
				out = append(out, barText(c))
			}
		}
		bars(r.client.Candles.Latest(ctx, tapeExchange, m.symbol, tf, cachestore.CandleCap))
		out = append(out, "latest:")
		bars(r.client.Candles.Latest(ctx, tapeExchange, m.symbol, tf, 3))
		out = append(out, "between:")
		bars(r.client.Candles.Between(ctx, tapeExchange, m.symbol, tf, between[0], between[1]))
	}
	return strings.Join(out, " ")
}

// Trades, gaps and candles are what a plain model says, whatever happens to
// projectors and Redis between any two steps.
func TestTradesAndCandlesAreWhatAPlainModelSaysThroughCrashes(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	rapid.Check(t, func(t *rapid.T) {
		m := newTapeModel()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			r.tapeStep(t, m, rapid.IntRange(0, 10))
		}
		r.tapeAgrees(t, m)
	})
}

var (
	tapePrice  = rapid.SampledFrom([]string{"100", "99.5", "101.25", "0.00000001", "60000"})
	tapeVolume = rapid.SampledFrom([]string{"1", "0.001", "12345.6789"})
	// Mostly within and around the 16 minutes that trades count for, seldom so
	// far away that all bars of a minute go, or only some.
	tapeTime = rapid.OneOf(rapid.IntRange(0, 20*60), rapid.IntRange(0, 45*60), rapid.SampledFrom([]int{-1400 * 60, 1490 * 60, 1515 * 60, 9000 * 60}))
)

// tapeStep does one thing to the system and to the model; up to 7 it publishes.
func (r *crashRig) tapeStep(t *rapid.T, m *tapeModel, kinds *rapid.Generator[int]) {
	var err error
	switch kinds.Draw(t, "step") {
	case 0, 1, 2: // a run of new trades
		for range rapid.IntRange(1, 5).Draw(t, "run") {
			m.next++
			err = errors.Join(err, r.pushTrade(t, m, m.next))
		}
	case 3, 4: // one that may be there already, or have been
		err = r.pushTrade(t, m, rapid.IntRange(max(1, m.next-2*crashCap), m.next+1).Draw(t, "id"))
	case 5:
		g := domain.Gap{
			Exchange: tapeExchange, Symbol: m.symbol, FromID: fmt.Sprint(m.next), ToID: fmt.Sprint(m.next + 3),
			Missing: 3, Time: epoch, Reason: "model",
		}
		m.gaps = append(m.gaps, g)
		_, err = r.bus.Publish(context.Background(), g)
	case 6, 7:
		tf := rapid.SampledFrom(domain.Timeframes).Draw(t, "timeframe")
		price := domain.MustDecimal(tapePrice.Draw(t, "price"))
		c := domain.Candle{
			Exchange: tapeExchange, Symbol: m.symbol, Timeframe: tf, Time: tf.Start(epoch.Add(time.Duration(tapeTime.Draw(t, "time")) * time.Second)),
			Open: price, High: price, Low: price, Close: price, Volume: domain.MustDecimal(tapeVolume.Draw(t, "volume")),
			Source: rapid.SampledFrom([]domain.CandleSource{domain.FromVenue, domain.FromTrades}).Draw(t, "source"),
			Closed: rapid.Bool().Draw(t, "closed"),
		}
		m.candle(c)
		_, err = r.client.Candles.Put(context.Background(), c)
	case 8:
		r.tapeAgrees(t, m)
	default:
		r.crash(rapid.IntRange(0, crashes-1).Draw(t, "crash"), func() { r.tapeStep(t, m, rapid.IntRange(0, 7)) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *crashRig) pushTrade(t *rapid.T, m *tapeModel, id int) error {
	at := time.Duration(tapeTime.Draw(t, "time")) * time.Second
	tr := trade(m.symbol, id, tapePrice.Draw(t, "price"), tapeVolume.Draw(t, "volume"), at)
	tr.Exchange = tapeExchange
	m.trade(tr)
	_, err := r.client.Trades.Push(context.Background(), tr)
	return err
}

func (r *crashRig) tapeAgrees(t *rapid.T, m *tapeModel) {
	r.settle()
	if got, want := r.seenTape(m), m.String(); got != want {
		t.Fatalf("got\n%s, want\n%s", got, want)
	}
}
