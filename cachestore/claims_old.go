package cachestore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/fullon/fullon/domain"
)

// OldRights reads, as events, the rights to trade that the partition holds from
// messages below the sequence before, oldest first and at most limit. That are
// claims, also those that were given back, and halts. A return and the active
// state of an exchange are worth keeping because of their sequences: orders are
// stored on the condition that those are still the newest. It is the state at
// the checkpoint at; the error matches domain.ErrConflict when Redis has another
// one, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) OldRights(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	rights, err := p.Rights(ctx)
	if err != nil {
		return nil, err
	}
	if rights.At != at {
		return nil, fmt.Errorf("%s is at %d, not at %d: %w", p.stream, rights.At.Seq, at.Seq, domain.ErrConflict)
	}
	var old []oldEvent
	for _, c := range rights.Claims {
		if c.Sequence < before {
			old = append(old, oldEvent{c.Sequence, c})
		}
	}
	for _, h := range rights.Halts {
		if h.Sequence < before {
			old = append(old, oldEvent{h.Sequence, h})
		}
	}
	slices.SortFunc(old, func(a, b oldEvent) int { return cmp.Compare(a.seq, b.seq) })
	events := make([]domain.Event, min(limit, len(old)))
	for i := range events {
		events[i] = old[i].event
	}
	return events, nil
}
