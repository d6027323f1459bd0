package projector

import (
	"context"
	"fmt"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// fold is the state of one partition and the rules by which records change it.
// Only load does input.
type fold interface {
	// load makes the state of every market that records are about known.
	load(ctx context.Context, records []domain.Record) error
	// add folds one record. An error means that the record cannot be used and
	// has changed nothing; in the catalogue it has removed what it replaced.
	add(rec domain.Record) error
	// flush writes what has changed since the last flush.
	flush(b *cachestore.Batch, s *stats) error
}

// frugal is a fold that can tell whether the last load asked Redis.
type frugal interface{ asked() bool }

// asked reports whether the last load of a fold asked Redis, or may have.
func asked(f fold) bool {
	frugal, ok := f.(frugal)
	return !ok || frugal.asked()
}

func marketOf(key domain.Key) cachestore.Market {
	return cachestore.Market{Exchange: key.Exchange, Symbol: key.Symbol}
}

// misplaced is the error for a record that its stream should not hold.
func misplaced(rec domain.Record) error {
	return fmt.Errorf("subject %q: %w here", rec.Subject, domain.ErrInvalid)
}
