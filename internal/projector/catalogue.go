package projector

import (
	"github.com/fullon/fullon/cachestore"
)

// newCatalogueFold folds the venues, symbols and bots.
func newCatalogueFold(p *cachestore.Partition) fold { return newParts() }
