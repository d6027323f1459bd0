package projector

import (
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// newCatalogueFold folds the venues, symbols and bots.
//
// The log keeps only the newest message of each subject of the catalogue, and a
// projector that comes late does not see the others. So what the catalogue is
// must follow from the newest messages alone, whoever saw more of them. Where a
// message about one subject has a say in another one, a deleted venue in its
// symbols, the fold keeps what it needs to take that back.
//
// For the same reason a message that cannot be used removes what its subject had:
// the log has that no more.
func newCatalogueFold(p *cachestore.Partition) fold {
	return newParts().
		with(newVenueFold(p), domain.KindVenue, domain.KindSymbol).
		with(newBotFold(p), domain.KindBot)
}
