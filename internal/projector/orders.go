package projector

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// orderFold keeps the newest state of each order of an exchange, and the queue of
// those that wait for a worker. Each state is held to the one before it: what
// cannot follow is refused, and the order stays as it is.
//
// Orders that are not final are kept in memory. A final one changes no more but
// to be forgotten, so it is read when a message names it; of those that ended
// first, as many are read ahead as the batch may make the partition forget. Redis
// is not asked for an order that it cannot have: a new one costs no round trip.
type orderFold struct {
	partition *cachestore.Partition
	keep      int // final orders

	loaded  bool // the last load asked Redis
	begun   bool // what is live is loaded
	orders  map[string]*orderState
	visited []*orderState // may leave the memory after the batch
	places  orderPlaces   // of those that are not final
	done    orderDone
	oldest  []*orderState // final ones that ended first, as far as they were read
	ended   []*orderState // those that ended in this batch
	names   wire.Names

	dirty        []*orderState
	changes      []cachestore.OrderChange // of the last flush
	afterDeleted uint64
	forgotten    uint64
}

// orderState is one order. Without a status it is not known.
type orderState struct {
	order    domain.Order
	was      cachestore.OrderPlace // where Redis has it
	payload  []byte                // newest state, if Redis does not have it
	changed  bool
	inOldest bool
}

func newOrderFold(partition *cachestore.Partition, keep int) *orderFold {
	return &orderFold{
		partition: partition, keep: keep, orders: make(map[string]*orderState), places: newOrderPlaces(), done: newOrderDone(),
	}
}

func (f *orderFold) load(ctx context.Context, records []domain.Record) error {
	f.loaded = !f.begun
	if !f.begun {
		book, err := f.partition.LoadOrderBook(ctx)
		if err != nil {
			return err
		}
		for _, id := range book.Done {
			f.done.add(id)
		}
		for _, o := range book.Live {
			f.places.move(nil, &f.known(o).order)
		}
		f.places.settle()
		f.begun = true
	}
	var missing []string
	for i := range records {
		if id := records[i].Key.OrderID; f.orders[id] == nil {
			s := &orderState{order: domain.Order{ID: id}}
			f.orders[id], f.visited = s, append(f.visited, s)
			if f.done.may(id) {
				missing = append(missing, id)
			}
		}
	}
	f.loaded = f.loaded || len(missing) > 0
	found, err := f.partition.LoadOrders(ctx, missing)
	if err != nil {
		return err
	}
	for id, o := range found {
		s := f.orders[id]
		s.order, s.was = o, placeOf(&o)
	}
	return f.loadOldest(ctx, len(records))
}

func (f *orderFold) asked() bool { return f.loaded }

// readAhead is how many final orders are read more than needed.
const readAhead = 1000

// loadOldest makes sure that as many final orders are known as n events can make
// the partition forget.
func (f *orderFold) loadOldest(ctx context.Context, n int) error {
	need := min(f.done.n, f.done.n+n-f.keep)
	if need <= len(f.oldest) {
		return nil
	}
	f.loaded = true
	oldest, err := f.partition.LoadOldestDone(ctx, need+readAhead)
	if err != nil {
		return err
	}
	f.oldest = f.oldest[:0]
	for _, o := range oldest {
		s := f.orders[o.ID]
		if s == nil {
			s = f.known(o)
		}
		s.inOldest = true
		f.oldest = append(f.oldest, s)
	}
	return nil
}

// known takes in an order that Redis has.
func (f *orderFold) known(o domain.Order) *orderState {
	s := &orderState{order: o, was: placeOf(&o)}
	f.orders[o.ID] = s
	return s
}

func placeOf(o *domain.Order) cachestore.OrderPlace {
	if o.Status == 0 {
		return cachestore.OrderPlace{}
	}
	return cachestore.OrderPlace{
		Bot: o.Bot, Symbol: o.Symbol, First: o.First, Seq: o.Sequence,
		Final: o.Status.Final(), Dead: o.Dead, Queued: o.InQueue(), Cancel: o.CancelRequested && o.Status.Resting(),
	}
}

func (f *orderFold) add(rec domain.Record) error {
	if len(rec.Data) == 0 {
		return f.delete(rec)
	}
	var o domain.Order
	err := wire.ReadOrder(&o, rec.Key, rec.Data, &f.names)
	if err != nil {
		return err
	}
	return f.set(f.orders[rec.Key.OrderID], &o, rec)
}

func (f *orderFold) delete(rec domain.Record) error {
	if _, err := wire.Decode(rec.Key, nil); err != nil {
		return err
	}
	s := f.orders[rec.Key.OrderID]
	switch {
	case s.order.Status == 0:
		f.afterDeleted++ // forgotten before
	case !s.order.Status.Final():
		return domain.Invalid("status", s.order.Status.String(), "a final status of an order that is deleted")
	default:
		f.forget(s)
	}
	return nil
}

func (f *orderFold) set(s *orderState, o *domain.Order, rec domain.Record) error {
	if o.First >= rec.Seq {
		return domain.Invalid("first", strconv.FormatUint(o.First, 10), "0, or the sequence of an earlier event")
	}
	known := s.order.Status != 0
	if known {
		if err := o.Follows(s.order); err != nil {
			return err
		}
	}
	payload := rec.Data
	o.Sequence = rec.Seq
	switch {
	case o.First != 0: // the writer knows it
	case known:
		// Redis is asked for the place in the queue by whoever reads the order.
		o.First = s.order.First
		var err error
		if payload, err = wire.Encode(*o); err != nil {
			return fmt.Errorf("order %s: %w", o.ID, err)
		}
	default:
		o.First = rec.Seq
	}
	if known {
		f.places.move(&s.order, o)
	} else {
		f.places.move(nil, o)
	}
	s.order, s.payload = *o, payload
	if o.Status.Final() {
		f.done.add(o.ID)
		f.ended = append(f.ended, s)
		f.visited = append(f.visited, s)
	}
	f.touch(s)
	for f.done.n > f.keep {
		f.forgetOldest()
	}
	return nil
}

func (f *orderFold) touch(s *orderState) {
	if !s.changed {
		s.changed = true
		f.dirty = append(f.dirty, s)
	}
}

// forget removes a final order.
func (f *orderFold) forget(s *orderState) {
	f.done.remove(s.order.ID)
	s.order, s.payload, s.inOldest = domain.Order{ID: s.order.ID}, nil, false
	f.visited = append(f.visited, s)
	f.touch(s)
}

// forgetOldest removes the final order that ended first.
func (f *orderFold) forgetOldest() {
	for _, from := range []*[]*orderState{&f.oldest, &f.ended} {
		for len(*from) > 0 {
			s := (*from)[0]
			*from = (*from)[1:]
			if s.order.Status.Final() && s.inOldest == (from == &f.oldest) {
				f.forget(s)
				f.forgotten++
				return
			}
		}
	}
	// Not reached: what is counted in done is in one of the two.
	f.done.n = f.keep
}

// ticket is what a pop needs to know of an order: see package cachestore.
func ticket(o *domain.Order) string {
	reduceOnly, expires := " 0 ", int64(0)
	if o.ReduceOnly {
		reduceOnly = " 1 "
	}
	if !o.Expires.IsZero() {
		expires = o.Expires.UnixMilli()
	}
	text := make([]byte, 0, 128)
	text = append(append(append(append(text, o.Bot...), ' '), o.Account...), reduceOnly...)
	text = append(strconv.AppendInt(text, expires, 10), ' ')
	text = append(strconv.AppendUint(text, uint64(o.Status), 10), ' ')
	return string(strconv.AppendInt(text, o.Created.UnixMilli(), 10))
}

func (f *orderFold) flush(b *cachestore.Batch, s *stats) error {
	f.flushOrders(b)
	f.places.flush(b)
	for _, order := range f.visited {
		if !order.inOldest && (order.order.Status == 0 || order.order.Status.Final()) {
			delete(f.orders, order.order.ID)
		}
	}
	clear(f.visited)
	clear(f.ended)
	f.visited, f.ended = f.visited[:0], f.ended[:0]
	s.duplicates.Add(f.afterDeleted)
	s.forgotten.Add(f.forgotten)
	f.afterDeleted, f.forgotten = 0, 0
	return nil
}

func (f *orderFold) flushOrders(b *cachestore.Batch) {
	f.changes = slices.Grow(f.changes[:0], len(f.dirty))
	for _, s := range f.dirty {
		c := cachestore.OrderChange{ID: s.order.ID, Was: s.was, Is: placeOf(&s.order), Payload: s.payload}
		if c.Is.Queued {
			c.Ticket = ticket(&s.order)
		}
		if c.Was.Symbol != "" || c.Is.Symbol != "" { // not one that came and went
			f.changes = append(f.changes, c)
		}
		s.was, s.payload, s.changed = c.Is, nil, false
	}
	b.PutOrders(f.changes, f.keep)
	clear(f.dirty)
	f.dirty = f.dirty[:0]
}

// old implements renewer.
func (f *orderFold) old(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	return f.partition.OldOrders(ctx, at, before, limit)
}
