package client

import (
	"context"
	"iter"

	"github.com/fullon/fullon/domain"
)

// Watch yields the present symbols of an exchange by name, and from then on
// each one that changed: a domain.Symbol, or a domain.SymbolDeleted for one that
// is gone. It yields the newest state; states that were replaced before they
// could be yielded are skipped.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable or domain.ErrUnknown (also: Redis is being
// folded anew) is yielded and the iteration goes on; one that matches
// domain.ErrInvalid ends it.
func (s *Symbols) Watch(ctx context.Context, exchange string) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		if err := domain.CheckExchange(exchange); err != nil {
			yield(nil, err)
			return
		}
		w := symbolWatch{symbols: s, exchange: exchange, seen: make(map[string]domain.Symbol)}
		watch(ctx, s.client, s.client.catalogue.Partition, yield, func() ([]domain.Event, bool, error) {
			events, err := w.changes(ctx)
			return events, false, err
		})
	}
}

// symbolWatch is what a Watch has yielded.
type symbolWatch struct {
	symbols  *Symbols
	exchange string
	revision uint64 // of what was yielded
	epoch    uint64 // that the revision is of
	seen     map[string]domain.Symbol
}

// changes is what differs from what was yielded. Most of what changes in the
// catalogue is about something else, so it looks at the revision first.
func (w *symbolWatch) changes(ctx context.Context) ([]domain.Event, error) {
	p := w.symbols.client.catalogue
	var revision, epoch uint64
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		revision, at, err = p.Revision(ctx, w.exchange)
		epoch = at.Epoch
		return at, err
	})
	if err != nil || revision == w.revision && epoch == w.epoch {
		return nil, err
	}
	// Read after the revision, the list is never behind it.
	symbols, err := w.symbols.List(ctx, w.exchange)
	if err != nil {
		return nil, err
	}
	var events []domain.Event
	present := make(map[string]bool, len(symbols))
	for _, s := range symbols {
		present[s.Name] = true
		if last, ok := w.seen[s.Name]; !ok || !last.Same(s) {
			w.seen[s.Name] = s
			events = append(events, s)
		}
	}
	for name := range w.seen {
		if !present[name] {
			delete(w.seen, name)
			events = append(events, domain.SymbolDeleted{Exchange: w.exchange, Name: name})
		}
	}
	w.revision, w.epoch = revision, epoch
	return events, nil
}
