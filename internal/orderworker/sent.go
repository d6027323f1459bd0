package orderworker

import (
	"sync"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// sentRoom is how many orders are remembered after they were sent.
const sentRoom = 4096

// sent is what this worker knows of the orders that it has sent of late. A venue
// that takes an order says so twice, in its answer and in what it delivers by
// itself. The latter must not get into the log before the answer, which would
// find the order changed then, nor be looked up in the log only to find that it
// is no news. It is safe for concurrent use.
type sent struct {
	mu     sync.Mutex
	orders map[string]*sentOrder
	ring   [sentRoom]*sentOrder // whose sending is over
	next   int
}

type sentOrder struct {
	id      string
	over    bool          // the sending is
	known   *domain.Order // what was recorded; nil: nothing
	reports []execution.Report
}

func newSent() *sent { return &sent{orders: make(map[string]*sentOrder)} }

// begin says that an order is being sent.
func (s *sent) begin(id string) *sentOrder {
	its := &sentOrder{id: id}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[id] = its
	return its
}

// know says what was recorded of an order, which changes no more.
func (s *sent) know(o *domain.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if its := s.orders[o.ID]; its != nil {
		its.known = o
	}
}

// covers tells whether a report needs no look at the log: it is no news, or is
// kept until the sending of its order is over.
func (s *sent) covers(r execution.Report) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	its := s.orders[r.ID]
	switch {
	case its == nil:
		return false
	case !its.over:
		its.reports = append(its.reports, r)
		return true
	}
	return its.covers(r)
}

func (o *sentOrder) covers(r execution.Report) bool {
	return o.known != nil && same(o.known, applied(*o.known, r))
}

// end says that the sending of an order is over, and returns what was reported
// of it meanwhile and is news.
func (s *sent) end(its *sentOrder) (news []execution.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range its.reports {
		if !its.covers(r) {
			news = append(news, r)
		}
	}
	its.over, its.reports = true, nil
	if old := s.ring[s.next]; old != nil && s.orders[old.id] == old {
		delete(s.orders, old.id)
	}
	s.ring[s.next] = its
	s.next = (s.next + 1) % sentRoom
	return news
}
