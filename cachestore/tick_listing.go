package cachestore

import (
	"cmp"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// listing is the order in which Redis gives the ticks of an exchange, and where
// each of them belongs among all. A hash keeps its order until symbols come or
// go, so it is remembered: most reads of all ticks need neither sort nor make
// strings of the symbols, and decode each tick where it stays. Whether the
// reply has that order is checked symbol by symbol.
type listing struct {
	symbols []string // as they come, all hashes in turn
	places  []int    // of each of them among all
}

// newListing is the listing of a reply, which has several hashes. Elements that
// the reply fails at are missing.
func newListing(r reply, hashes int) *listing {
	l := new(listing)
	for range hashes {
		for range r.list() / 2 {
			field, _ := r.bytes()
			if r.bytes(); r.err == nil && string(field) != feedField {
				l.symbols = append(l.symbols, string(field))
			}
		}
	}
	sorted := make([]int, len(l.symbols))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(a, b int) int { return cmp.Compare(l.symbols[a], l.symbols[b]) })
	l.places = make([]int, len(sorted))
	for place, i := range sorted {
		l.places[i] = place
	}
	return l
}

// read reads the ticks of a reply, sorted by symbol. fits is false when the reply
// has another order, or not these symbols.
func (l *listing) read(r reply, hashes int, exchange string, now time.Time) (ticks []domain.Tick, fits bool, err error) {
	if l == nil {
		return nil, false, nil
	}
	ticks = make([]domain.Tick, len(l.symbols))
	next := 0
	for range hashes {
		first := next
		var feed feedSign
		for range r.list() / 2 {
			field, _ := r.bytes()
			if string(field) == feedField {
				feed = r.feed()
				continue
			}
			if next == len(ticks) || l.symbols[next] != string(field) {
				return nil, false, r.err
			}
			value, _ := r.bytes()
			if err := readTick(&ticks[l.places[next]], exchange, l.symbols[next], value); err != nil {
				return nil, true, cmp.Or(r.err, err)
			}
			next++
		}
		for _, place := range l.places[first:next] {
			feed.judge(&ticks[place], now)
		}
	}
	return ticks, next == len(ticks), r.err
}
