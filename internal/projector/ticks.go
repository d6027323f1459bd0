package projector

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// tickFold keeps the newest tick of each market: by the venue's time, then its
// sequence, then the log's. Between two flushes older ticks are conflated, and
// the payload goes to Redis as it came.
type tickFold struct {
	partition *cachestore.Partition
	markets   map[cachestore.Market]*marketTick
	exchanges map[string]*exchangeTicks
	dirty     []*marketTick
	feeds     []*exchangeTicks

	loaded     bool // the last load asked Redis
	outOfOrder uint64
}

type marketTick struct {
	market  cachestore.Market
	known   bool // there is a tick, ordered by order
	order   domain.TickOrder
	changed bool
	seq     uint64
	payload []byte // of the newest tick; nil: it was deleted
}

// exchangeTicks gathers the writes of one exchange.
type exchangeTicks struct {
	name      string
	announced bool
	writes    []cachestore.TickWrite
	feed      cachestore.Write // without payload: unchanged
}

func newTickFold(partition *cachestore.Partition) *tickFold {
	return &tickFold{
		partition: partition,
		markets:   make(map[cachestore.Market]*marketTick),
		exchanges: make(map[string]*exchangeTicks),
	}
}

func (f *tickFold) load(ctx context.Context, records []domain.Record) error {
	var missing []cachestore.Market
	for i := range records {
		key := &records[i].Key
		if key.Kind != domain.KindTick {
			continue
		}
		m := marketOf(*key)
		if f.markets[m] == nil {
			f.markets[m] = &marketTick{market: m}
			missing = append(missing, m)
		}
	}
	if f.loaded = len(missing) > 0; !f.loaded {
		return nil
	}
	orders, err := f.partition.LoadTickOrders(ctx, missing)
	if err != nil {
		for _, m := range missing {
			delete(f.markets, m)
		}
		return err
	}
	for m, order := range orders {
		f.markets[m].known, f.markets[m].order = true, order
	}
	return nil
}

func (f *tickFold) asked() bool { return f.loaded }

func (f *tickFold) add(rec domain.Record) error {
	switch rec.Key.Kind {
	case domain.KindTick:
		return f.addTick(rec)
	case domain.KindFeed:
		return f.addFeed(rec)
	}
	return misplaced(rec)
}

func (f *tickFold) addTick(rec domain.Record) error {
	m := f.markets[marketOf(rec.Key)]
	if len(rec.Data) == 0 {
		m.known = false
		f.change(m, rec.Seq, nil)
		return nil
	}
	order, err := wire.ScanTick(rec.Data)
	if err != nil {
		return err
	}
	if m.known && order.OlderThan(m.order) {
		f.outOfOrder++
		return nil
	}
	m.known, m.order = true, order
	f.change(m, rec.Seq, rec.Data)
	return nil
}

func (f *tickFold) change(m *marketTick, seq uint64, payload []byte) {
	m.seq, m.payload = seq, payload
	if !m.changed {
		m.changed = true
		f.dirty = append(f.dirty, m)
	}
}

func (f *tickFold) addFeed(rec domain.Record) error {
	event, err := wire.Decode(rec.Key, rec.Data)
	if err != nil {
		return err
	}
	e := f.exchange(event.Key().Exchange)
	if e.feed.Payload == nil {
		f.feeds = append(f.feeds, e)
	}
	e.feed = cachestore.Write{Seq: rec.Seq, Payload: rec.Data}
	return nil
}

func (f *tickFold) exchange(name string) *exchangeTicks {
	e := f.exchanges[name]
	if e == nil {
		e = &exchangeTicks{name: name}
		f.exchanges[name] = e
	}
	return e
}

func (f *tickFold) flush(b *cachestore.Batch, s *stats) error {
	for _, m := range f.dirty {
		e := f.exchange(m.market.Exchange)
		if !e.announced {
			e.announced = true
			b.AddExchange(e.name)
		}
		if m.payload == nil {
			b.DeleteTick(m.market.Exchange, m.market.Symbol)
		} else {
			e.writes = append(e.writes, cachestore.TickWrite{Symbol: m.market.Symbol, Write: cachestore.Write{Seq: m.seq, Payload: m.payload}})
		}
		m.changed, m.payload = false, nil
	}
	for _, e := range f.exchanges {
		if len(e.writes) > 0 {
			b.PutTicks(e.name, e.writes)
			clear(e.writes)
			e.writes = e.writes[:0]
		}
	}
	for _, e := range f.feeds {
		b.PutFeed(e.name, e.feed)
		e.feed = cachestore.Write{}
	}
	f.dirty, f.feeds = f.dirty[:0], f.feeds[:0]
	s.outOfOrder.Add(f.outOfOrder)
	f.outOfOrder = 0
	return nil
}
