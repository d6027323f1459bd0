package projector

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// parts is a fold that consists of several, each of which has kinds of events
// of its own.
type parts struct {
	folds  []fold
	byKind map[domain.Kind]int // index of the fold
	loaded bool                // the last load asked Redis
	own    [][]domain.Record   // by fold, those of the last load
}

func newParts() *parts { return &parts{byKind: make(map[domain.Kind]int)} }

// with lets a fold have the records of some kinds.
func (p *parts) with(f fold, kinds ...domain.Kind) *parts {
	for _, kind := range kinds {
		p.byKind[kind] = len(p.folds)
	}
	p.folds = append(p.folds, f)
	return p
}

func (p *parts) load(ctx context.Context, records []domain.Record) error {
	if p.own == nil {
		p.own = make([][]domain.Record, len(p.folds))
	}
	for i := range p.own {
		clear(p.own[i]) // let go of what they hold
		p.own[i] = p.own[i][:0]
	}
	for i := range records {
		if of, ok := p.byKind[records[i].Key.Kind]; ok {
			p.own[of] = append(p.own[of], records[i])
		}
	}
	p.loaded = false
	for i, f := range p.folds {
		if len(p.own[i]) == 0 {
			continue
		}
		if err := f.load(ctx, p.own[i]); err != nil {
			return err
		}
		p.loaded = p.loaded || asked(f)
	}
	return nil
}

func (p *parts) asked() bool { return p.loaded }

func (p *parts) add(rec domain.Record) error {
	i, ok := p.byKind[rec.Key.Kind]
	if !ok {
		return misplaced(rec)
	}
	return p.folds[i].add(rec)
}

func (p *parts) flush(b *cachestore.Batch, s *stats) error {
	for _, f := range p.folds {
		if err := f.flush(b, s); err != nil {
			return err
		}
	}
	return nil
}

// old implements renewer: what all parts together have, each its own oldest.
func (p *parts) old(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	var events []domain.Event
	for _, f := range p.folds {
		r, ok := f.(renewer)
		if !ok {
			continue
		}
		found, err := r.old(ctx, at, before, limit-len(events))
		if err != nil {
			return nil, err
		}
		if events = append(events, found...); len(events) >= limit {
			break
		}
	}
	return events, nil
}
