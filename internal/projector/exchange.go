package projector

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// newExchangeFold folds the orders of an exchange and the rights to trade
// there.
func newExchangeFold(p *cachestore.Partition, cfg Config) fold {
	return newParts().
		with(newOrderFold(p, cfg.OrderCap), domain.KindOrder).
		with(newClaimFold(p), claimKinds...).
		with(ignored{}, domain.KindGranted, domain.KindFence)
}

// ignored has the events that only matter to who stores them.
type ignored struct{}

func (ignored) load(context.Context, []domain.Record) error { return nil }

func (ignored) asked() bool { return false }

func (ignored) add(rec domain.Record) error {
	_, err := wire.Decode(rec.Key, rec.Data)
	return err
}

func (ignored) flush(*cachestore.Batch, *stats) error { return nil }
