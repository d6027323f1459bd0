package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// SymbolChanges counts what Replace changed.
type SymbolChanges struct{ Added, Changed, Removed int }

// Total is how many events that took.
func (c SymbolChanges) Total() int { return c.Added + c.Changed + c.Removed }

// Replace makes the symbols of an exchange those that are given: it compares
// them with all that the log has of the exchange, and stores only what differs, as
// one event for each symbol. Exchange may be left empty in the symbols; the
// caller's slice is not changed. At least one is needed: to remove all, delete
// the venue. Without differences the position is that of what was compared.
//
// It is not atomic. After domain.ErrUnreachable some differences are stored:
// repeat it. What others store at the same time about the same symbols may come
// before or after it.
func (s *Symbols) Replace(ctx context.Context, exchange string, symbols []domain.Symbol) (SymbolChanges, domain.LogPosition, error) {
	wanted, err := catalogueOf(exchange, symbols)
	if err != nil {
		return SymbolChanges{}, domain.LogPosition{}, err
	}
	pos, err := s.catchUp(ctx)
	if err != nil {
		return SymbolChanges{}, domain.LogPosition{}, err
	}
	known, err := s.List(ctx, exchange)
	if err != nil {
		return SymbolChanges{}, domain.LogPosition{}, err
	}
	var changes SymbolChanges
	var events []domain.Event
	before := make(map[string]domain.Symbol, len(known))
	for _, k := range known {
		before[k.Name] = k
	}
	for _, w := range wanted {
		k, ok := before[w.Name]
		delete(before, w.Name)
		switch {
		case !ok:
			changes.Added++
		case !k.Same(w):
			changes.Changed++
		default:
			continue
		}
		events = append(events, w)
	}
	for name := range before {
		changes.Removed++
		events = append(events, domain.SymbolDeleted{Exchange: exchange, Name: name})
	}
	if len(events) == 0 {
		return changes, pos, nil
	}
	pos, err = s.client.log.PublishAll(ctx, events)
	return changes, pos, err
}

// catalogueOf checks symbols that are to be all of an exchange.
func catalogueOf(exchange string, symbols []domain.Symbol) ([]domain.Symbol, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	if len(symbols) == 0 {
		return nil, domain.Invalid("symbols", "0", "at least one; to remove all, delete the venue")
	}
	symbols = slices.Clone(symbols)
	seen := make(map[string]bool, len(symbols))
	for i := range symbols {
		w := &symbols[i]
		if w.Exchange == "" {
			w.Exchange = exchange
		}
		if w.Exchange != exchange {
			return nil, domain.Invalid("exchange", w.Exchange, "empty, or "+exchange)
		}
		if err := w.Validate(); err != nil {
			return nil, fmt.Errorf("symbol %d: %w", i+1, err)
		}
		if seen[w.Name] {
			return nil, domain.Invalid("symbols", w.Name, "each symbol once")
		}
		seen[w.Name] = true
	}
	return symbols, nil
}

// catchUp waits, for at most two seconds, until readers see what the log has of
// the catalogue now: what is compared must not be from before one's own last
// write.
func (s *Symbols) catchUp(ctx context.Context) (domain.LogPosition, error) {
	extent, err := s.client.log.Extent(ctx, bus.CatalogueStream)
	if err != nil {
		return domain.LogPosition{}, err
	}
	pos := domain.LogPosition{Stream: bus.CatalogueStream, Seq: extent.Last}
	bounded, cancel := context.WithDeadline(ctx, time.Now().Add(catchUp))
	defer cancel()
	err = s.client.Wait(bounded, pos)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		if _, err := s.client.Ping(ctx); err != nil {
			return pos, err
		}
		err = fmt.Errorf("%s: %w: Redis does not reflect the log up to %d yet", pos.Stream, domain.ErrUnknown, pos.Seq)
	}
	return pos, err
}
