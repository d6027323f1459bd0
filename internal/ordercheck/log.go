// Package ordercheck holds what the log and a venue have of orders to the rules:
// each order is sent once and comes to its end, those of a market in the order in
// which they were pushed.
package ordercheck

import (
	"context"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Log is what the log holds of an exchange's orders.
type Log struct {
	Events []Event
	States map[string][]domain.Order // by id, in their order
	Pushed map[string][]string       // by symbol: ids in the order of their creation
}

// Event is one message of it.
type Event struct {
	Seq uint64
	At  time.Time
	domain.Event
}

// Read reads all that the log holds of an exchange's orders now.
func Read(ctx context.Context, b *bus.Bus, exchange string) (*Log, error) {
	l := &Log{States: make(map[string][]domain.Order), Pushed: make(map[string][]string)}
	stream := bus.OrderStream(exchange)
	extent, err := b.Extent(ctx, stream)
	if err != nil {
		return nil, err
	}
	reader := b.NewReader(stream, extent.First)
	defer reader.Close()
	records := make([]domain.Record, 1000)
	for next := extent.First; next <= extent.Last; {
		n, err := reader.Read(ctx, records, time.Second)
		if err != nil {
			return nil, err
		}
		for _, rec := range records[:n] {
			next = rec.Seq + 1
			event, err := wire.Decode(rec.Key, rec.Data)
			if err != nil {
				return nil, err
			}
			if o, ok := event.(domain.Order); ok {
				o.Sequence = rec.Seq
				l.States[o.ID] = append(l.States[o.ID], o)
				if o.Status == domain.OrderNew && len(l.States[o.ID]) == 1 {
					l.Pushed[o.Symbol] = append(l.Pushed[o.Symbol], o.ID)
				}
				event = o
			}
			l.Events = append(l.Events, Event{rec.Seq, rec.Time, event})
		}
	}
	return l, nil
}
