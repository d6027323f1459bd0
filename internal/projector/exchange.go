package projector

import (
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// newExchangeFold folds the orders of an exchange and the rights to trade
// there.
func newExchangeFold(p *cachestore.Partition, cfg Config) fold {
	return newParts().
		with(newOrderFold(p, cfg.OrderCap), domain.KindOrder)
}
