package sim

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/fullon/fullon/domain"
)

// market is one symbol's state: book, tape and candles.
type market struct {
	listing
	walk walk
	rate float64 // events a second; not positive: none
	next time.Time

	bid, ask         int64 // ticks
	bidLots, askLots int64
	update           int64 // number of the book's last change

	tape    tape
	journal *journal // nil: trades are not kept over restarts
	nextID  int64
	nextAgg int64
	last    trade // zero id: none yet
	series  []*series

	streams streamNames

	resting   []*order // of the accounts, the oldest first
	nextOrder int64    // the id of the last order
}

// newMarket continues a journal's trades, or begins at now.
func newMarket(l listing, cfg Config, share float64, j *journal, now time.Time) *market {
	h := fnv.New64a()
	h.Write([]byte(l.name))
	rng := rand.New(rand.NewPCG(cfg.Seed, h.Sum64()))
	m := &market{
		listing: l, rate: cfg.Rate * share, journal: j,
		walk:    walk{rng: rng, start: l.startTicks, mid: l.startTicks, last: now},
		update:  now.UnixMicro(),
		tape:    tape{keep: cfg.KeepTrades},
		nextID:  max(1, now.UnixMilli()),
		streams: namesOf(l.lower),
	}
	m.nextAgg = max(1, m.nextID/2) // fewer than trades, as at the venue
	m.nextOrder = m.nextID
	var kept []trade
	if j != nil {
		kept = j.load()
	}
	begin, ticks := now.UnixMilli(), int64(l.startTicks)
	if len(kept) > 0 {
		begin, ticks = kept[0].ms, kept[0].ticks
		m.nextID = kept[0].id
	}
	m.series = invent(&m.listing, rng, begin, ticks, m.nextID)
	for _, tr := range kept {
		for _, s := range m.series {
			s.rollTo(tr.ms)
		}
		m.take(tr)
		m.walk.mid = float64(tr.ticks)
	}
	for _, s := range m.series {
		s.rollTo(now.UnixMilli())
		s.changed = false
	}
	m.quote()
	if m.rate > 0 {
		m.next = now.Add(m.walk.after(m.rate))
	}
	return m
}

// take puts a trade into tape and candles.
func (m *market) take(tr trade) {
	m.tape.add(tr)
	quote := m.cost(tr)
	for _, s := range m.series {
		s.add(tr, quote)
	}
	m.last = tr
	m.nextID, m.nextAgg = tr.id+1, tr.agg+1
}

// cost is price × size in quote units.
func (m *market) cost(tr trade) fixed { return fixed(tr.ticks * tr.lots * m.tickQuote) }

// quote sets the book around the walk's price.
func (m *market) quote() {
	spread := m.walk.spread()
	m.bid = max(minTicks/2, int64(m.walk.mid-float64(spread)/2))
	m.ask = m.bid + spread
	m.bidLots = m.walk.lots(4 * m.medianLots)
	m.askLots = m.walk.lots(4 * m.medianLots)
	m.update += 1 + m.walk.rng.Int64N(4)
}

// order makes the trades of one order against the book at the time at, and
// keeps them in the journal before anybody can see them.
func (m *market) order(at time.Time) ([]trade, error) {
	sell := m.walk.sells()
	price, step := m.ask, int64(1)
	if sell {
		price, step = m.bid, -1
	}
	left := m.walk.lots(m.medianLots)
	fills := m.walk.fills()
	agg := m.nextAgg - 1
	trades := make([]trade, 0, fills)
	for i := range fills {
		lots := left
		if i < fills-1 {
			lots = 1 + int64(m.walk.rng.Float64()*float64(left)*0.7)
		}
		if lots = min(lots, left); lots == 0 {
			break
		}
		left -= lots
		moved := i > 0 && m.walk.rng.Float64() < 0.3 && price > minTicks
		if moved {
			price += step
		}
		if i == 0 || moved {
			agg++
		}
		trades = append(trades, trade{
			id: m.nextID + int64(i), ms: at.UnixMilli(), ticks: price, lots: lots, agg: agg, maker: sell,
		})
	}
	if m.journal != nil {
		if err := m.journal.append(trades); err != nil {
			return nil, err
		}
	}
	for _, tr := range trades {
		m.take(tr)
	}
	// The price follows what was eaten from the book.
	m.walk.mid = max(minTicks, m.walk.mid+float64(price-trades[0].ticks)+float64(step)*0.2)
	return trades, nil
}

// day sums the last 24 hours of minutes.
func (m *market) day() bar {
	minutes := m.series[0].closed
	minutes = minutes[max(0, len(minutes)-1439):]
	sum := flat(minutes[0].start, minutes[0].open)
	for _, b := range minutes {
		sum.join(b)
	}
	sum.join(m.series[0].current)
	return sum
}

// beforeDay is the last price before the window of day, in ticks.
func (m *market) beforeDay() int64 {
	minutes := m.series[0].closed
	if i := len(minutes) - 1440; i >= 0 {
		return minutes[i].close
	}
	return minutes[0].open
}

// lastTrade is the newest trade; before the first one, an invented one.
func (m *market) lastTrade() trade {
	if m.last.id != 0 {
		return m.last
	}
	return trade{ticks: m.series[0].current.close, lots: int64(m.medianLots)}
}

// candles is the series of a timeframe, nil for an unknown one.
func (m *market) candles(tf domain.Timeframe) *series {
	for _, s := range m.series {
		if s.timeframe == tf {
			return s
		}
	}
	return nil
}
