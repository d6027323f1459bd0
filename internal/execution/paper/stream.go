package paper

import (
	"context"
	"fmt"

	"github.com/fullon/fullon/internal/execution"
)

const (
	// subscriptionRoom is how many changes a listener may be behind before it
	// is cut off.
	subscriptionRoom = 4096
	// partOfFills bounds the fills of one change that is told again.
	partOfFills = 100
)

// position is up to where a listener has heard an account: a change of an
// epoch. The zero value is nowhere.
type position struct {
	Epoch string
	Seq   uint64
}

// subscription hears what becomes of one account.
type subscription struct {
	account string
	after   uint64      // it has those up to here
	changes chan change // closed when it is cut off
	closed  bool
}

// offer hands a change over, or cuts off who is too slow. The exchange's mu is
// held.
func (s *subscription) offer(c change) {
	if s.closed || c.Account != s.account || c.Seq <= s.after {
		return
	}
	select {
	case s.changes <- c:
	default:
		s.cut()
	}
}

func (s *subscription) cut() {
	if !s.closed {
		s.closed = true
		close(s.changes)
	}
}

// subscribe begins to hear an account. It returns what there is to tell first:
// the states as they are, and the fills after a position. All of it is stored.
// The caller calls leave. The error matches execution.ErrUnanswered or
// execution.ErrRejected.
func (x *Exchange) subscribe(name string, from position) (s *subscription, first []change, err error) {
	if _, err := x.decide(enter(name)); err != nil {
		return nil, nil, err
	}
	return x.attach(name, from)
}

// attach is subscribe for an account that is there.
func (x *Exchange) attach(name string, from position) (s *subscription, first []change, err error) {
	x.mu.Lock()
	books := x.engine.books
	a := books.accounts[name]
	if from.Epoch != x.engine.epoch || from.Seq > books.seq {
		from = position{}
	}
	states := change{Seq: books.seq, Time: books.time, Account: name}
	states.Balances, states.Positions = a.states()
	states = x.misstated(states)
	var fills change
	for _, f := range a.fills {
		if f.seq <= from.Seq {
			continue
		}
		// A part ends with the last fill of a change: its number says that the
		// whole of it was told.
		if len(fills.Fills) >= partOfFills && f.seq != fills.Seq {
			first = append(first, fills)
			fills = change{}
		}
		fills.Seq, fills.Account, fills.Fills = f.seq, name, append(fills.Fills, f.fill)
	}
	if len(fills.Fills) > 0 {
		first = append(first, fills)
	}
	first = append(first, states)
	s = &subscription{account: name, after: books.seq, changes: make(chan change, subscriptionRoom)}
	x.subs[s] = struct{}{}
	x.mu.Unlock()
	if err := x.flush(); err != nil {
		x.leave(s)
		return nil, nil, fmt.Errorf("%w: %w", execution.ErrUnanswered, err)
	}
	return s, first, nil
}

func (x *Exchange) leave(s *subscription) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.subs, s)
	s.cut()
}

// deliver hands a change to a sink.
func deliver(c change, sink execution.Sink) {
	for _, f := range c.Fills {
		sink.Fill(f)
	}
	for _, o := range c.Orders {
		sink.Order(o.report())
	}
	for _, b := range c.Balances {
		sink.Balance(b)
	}
	for _, p := range c.Positions {
		sink.Position(p)
	}
}

// listen delivers to a sink until ctx ends or the subscription is cut off. It
// keeps at up to date.
func (x *Exchange) listen(ctx context.Context, account string, at *position, sink execution.Sink) error {
	s, first, err := x.subscribe(account, *at)
	if err != nil {
		return err
	}
	defer x.leave(s)
	at.Epoch = x.engine.epoch
	sink.Connected()
	for _, c := range first {
		deliver(c, sink)
		at.Seq = c.Seq
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case c, ok := <-s.changes:
			if !ok {
				return nil
			}
			deliver(c, sink)
			at.Seq = c.Seq
		}
	}
}
