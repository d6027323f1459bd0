package projector

import (
	"github.com/fullon/fullon/cachestore"
)

// newExchangeFold folds the orders of an exchange and the rights to trade
// there.
func newExchangeFold(p *cachestore.Partition) fold {
	return newParts().
		with(newClaimFold(p), claimKinds...)
}
