package projector

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// venueFold keeps the newest word on each venue and each of its symbols.
type venueFold struct {
	partition *cachestore.Partition
	venues    map[string]*venueState
	dirty     []*venueState
	loaded    bool // the last load asked Redis
}

func newVenueFold(partition *cachestore.Partition) *venueFold {
	return &venueFold{partition: partition, venues: make(map[string]*venueState)}
}

func (f *venueFold) load(ctx context.Context, records []domain.Record) error {
	missing := make(map[string]bool)
	for i := range records {
		if exchange := records[i].Key.Exchange; f.venues[exchange] == nil {
			missing[exchange] = true
		}
	}
	f.loaded = len(missing) > 0
	if !f.loaded {
		return nil
	}
	exchanges := make([]string, 0, len(missing))
	for exchange := range missing {
		exchanges = append(exchanges, exchange)
	}
	loaded, err := f.partition.LoadVenues(ctx, exchanges)
	if err != nil {
		return err
	}
	for exchange, stored := range loaded {
		f.venues[exchange] = newVenueState(exchange, stored)
	}
	return nil
}

func (f *venueFold) asked() bool { return f.loaded }

func (f *venueFold) add(rec domain.Record) error {
	v := f.venues[rec.Key.Exchange]
	event, err := wire.Decode(rec.Key, rec.Data)
	if venue, ok := event.(domain.Venue); ok && venue.Emptied >= rec.Seq {
		event, err = nil, domain.Invalid("emptied", "", "0, or the sequence of an earlier event")
	}
	switch ev := event.(type) {
	case domain.Venue:
		v.set(&cachestore.Write{Seq: rec.Seq, Payload: rec.Data}, ev.Emptied)
	case domain.VenueDeleted:
		v.set(&cachestore.Write{Seq: rec.Seq}, rec.Seq)
	case domain.Symbol:
		v.list(ev.Name, listing{seq: rec.Seq, payload: rec.Data, venueSymbol: ev.VenueSymbol})
	default: // a deletion, or nothing that can be used
		if rec.Key.Kind == domain.KindVenue {
			v.set(nil, 0)
		} else {
			v.unlist(rec.Key.Symbol)
		}
	}
	v.revision = rec.Seq
	if !v.changed {
		v.changed = true
		f.dirty = append(f.dirty, v)
	}
	return err
}

func (f *venueFold) flush(b *cachestore.Batch, _ *stats) error {
	for _, v := range f.dirty {
		v.flush(b)
	}
	f.dirty = f.dirty[:0]
	return nil
}

// venueState is a venue's part of the catalogue. A symbol is in the catalogue if
// its newest message is later than emptied; others are kept as shadowed: a later
// message about the venue may give another place.
type venueState struct {
	exchange string
	emptied  uint64 // where the venue was deleted last; zero: never
	symbols  map[string]listing
	claims   map[string]map[string]bool // venue symbol to the names that claim it
	names    map[string]string          // venue symbol to the name that has it, as stored
	places   map[string]place           // by name: where it is stored
	listed   int                        // how many are stored in the catalogue

	changed  bool
	revision uint64
	touched  map[string]bool // names
	moved    map[string]bool // venue symbols
	venue    *cachestore.Write
	spoken   bool // there was a message about the venue itself
}

// listing is the newest message about a symbol.
type listing struct {
	seq         uint64
	payload     []byte
	venueSymbol string
}

// place is where a symbol is stored.
type place uint8

const (
	nowhere place = iota
	inCatalogue
	inShadow
)

func newVenueState(exchange string, stored cachestore.VenueState) *venueState {
	v := &venueState{
		exchange: exchange, emptied: max(stored.Deleted, stored.Venue.Emptied),
		symbols: make(map[string]listing), claims: make(map[string]map[string]bool), names: make(map[string]string),
		places: make(map[string]place), touched: make(map[string]bool), moved: make(map[string]bool),
	}
	for _, s := range stored.Symbols {
		v.list(s.Name, listing{seq: s.Sequence, payload: s.Payload, venueSymbol: s.VenueSymbol})
		v.places[s.Name] = inCatalogue
	}
	for _, s := range stored.Shadowed {
		v.list(s.Name, listing{seq: s.Sequence, payload: s.Payload, venueSymbol: s.VenueSymbol})
		v.places[s.Name] = inShadow
	}
	v.listed = len(stored.Symbols)
	for venueSymbol := range v.claims {
		if name := v.claimant(venueSymbol); name != "" {
			v.names[venueSymbol] = name
		}
	}
	clear(v.touched)
	clear(v.moved)
	return v
}

// set takes the newest word on the venue; nil is none.
func (v *venueState) set(w *cachestore.Write, emptied uint64) {
	v.venue, v.spoken = w, true
	if v.emptied == emptied {
		return
	}
	low, high := min(v.emptied, emptied), max(v.emptied, emptied)
	v.emptied = emptied
	for name, l := range v.symbols {
		if low < l.seq && l.seq <= high {
			v.touched[name], v.moved[l.venueSymbol] = true, true
		}
	}
}

func (v *venueState) list(name string, l listing) {
	v.unlist(name)
	v.symbols[name] = l
	if v.claims[l.venueSymbol] == nil {
		v.claims[l.venueSymbol] = make(map[string]bool)
	}
	v.claims[l.venueSymbol][name] = true
	v.moved[l.venueSymbol] = true
}

func (v *venueState) unlist(name string) {
	v.touched[name] = true
	old, ok := v.symbols[name]
	if !ok {
		return
	}
	delete(v.symbols, name)
	delete(v.claims[old.venueSymbol], name)
	if len(v.claims[old.venueSymbol]) == 0 {
		delete(v.claims, old.venueSymbol)
	}
	v.moved[old.venueSymbol] = true
}

func (v *venueState) placeOf(name string) place {
	l, ok := v.symbols[name]
	switch {
	case !ok:
		return nowhere
	case l.seq > v.emptied:
		return inCatalogue
	}
	return inShadow
}

// claimant is the symbol of the catalogue that has a venue symbol: of several the
// one that was stored last; empty: none.
func (v *venueState) claimant(venueSymbol string) string {
	best, seq := "", uint64(0)
	for name := range v.claims[venueSymbol] {
		if l := v.symbols[name]; l.seq > v.emptied && l.seq > seq {
			best, seq = name, l.seq
		}
	}
	return best
}

func (v *venueState) flush(b *cachestore.Batch) {
	w := cachestore.VenueWrites{
		Exchange: v.exchange, Revision: v.revision, Venue: v.venue, Gone: v.spoken && v.venue == nil, Names: make(map[string]string),
	}
	for name := range v.touched {
		before, now := v.places[name], v.placeOf(name)
		if before != now {
			w.Symbols = appendRemoval(w.Symbols, name, before == inCatalogue)
			w.Shadowed = appendRemoval(w.Shadowed, name, before == inShadow)
		}
		l := v.symbols[name]
		put := cachestore.FieldWrite{Field: name, Write: cachestore.Write{Seq: l.seq, Payload: l.payload}}
		switch now {
		case inCatalogue:
			w.Symbols = append(w.Symbols, put)
		case inShadow:
			w.Shadowed = append(w.Shadowed, put)
		}
		v.move(name, before, now)
	}
	for venueSymbol := range v.moved {
		name := v.claimant(venueSymbol)
		if name == v.names[venueSymbol] {
			continue
		}
		w.Names[venueSymbol] = name
		if name == "" {
			delete(v.names, venueSymbol)
		} else {
			v.names[venueSymbol] = name
		}
	}
	w.Listed = v.listed > 0
	b.PutVenue(w)
	clear(v.touched)
	clear(v.moved)
	v.changed, v.venue, v.spoken = false, nil, false
}

// move notes where a symbol is stored from now on.
func (v *venueState) move(name string, before, now place) {
	if before == inCatalogue {
		v.listed--
	}
	if now == inCatalogue {
		v.listed++
	}
	if now == nowhere {
		delete(v.places, name)
	} else {
		v.places[name] = now
	}
}

func appendRemoval(writes []cachestore.FieldWrite, field string, there bool) []cachestore.FieldWrite {
	if !there {
		return writes
	}
	return append(writes, cachestore.FieldWrite{Field: field})
}
