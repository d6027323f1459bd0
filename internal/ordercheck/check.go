package ordercheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/mockvenue"
)

// Lives says what is wrong with the lives of the orders, and figures of them.
func (l *Log) Lives() (wrong []string, figures string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	ends := make(map[domain.OrderStatus]int)
	attempts := uint32(0)
	for id, states := range l.States {
		last := states[len(states)-1]
		ends[last.Status]++
		attempts += last.Attempt
		for i, o := range states {
			if i == 0 {
				if o.Status != domain.OrderNew {
					complain("order %s began as %s", id, o.Status)
				}
				continue
			}
			before := states[i-1]
			if err := o.Follows(before); err != nil {
				complain("order %s: %v", id, err)
			}
			switch {
			case o.Status == domain.OrderNew:
				complain("order %s was created again at %d", id, o.Sequence)
			case o.Status == domain.OrderIntent && before.Status == domain.OrderIntent && o.Attempt == before.Attempt: // a field of it changed
			case o.Status == domain.OrderIntent && (before.Status != domain.OrderNew && before.Status != domain.OrderNotFound || o.Attempt != before.Attempt+1):
				complain("order %s: attempt %d was made after %s of attempt %d", id, o.Attempt, before.Status, before.Attempt)
			case o.Status != domain.OrderIntent && o.Attempt != before.Attempt:
				complain("order %s became attempt %d while it was %s", id, o.Attempt, o.Status)
			}
		}
		if !last.Status.Final() {
			complain("order %s ended as %s", id, last.Status)
		}
	}
	return wrong, fmt.Sprintf("%d orders, %d attempts, ended as %v", len(l.States), attempts, ends)
}

// Venue says in what the log differs from what a venue took. Orders that it never
// saw must have been refused by it, or rejected for a reason that has one of the
// texts.
func (l *Log) Venue(v *mockvenue.Venue, rejections ...string) (wrong []string) {
	foreseen := func(reason string) bool {
		return reason == mockvenue.Refusal || slices.ContainsFunc(rejections, func(text string) bool { return strings.Contains(reason, text) })
	}
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	taken := v.Orders()
	for id, o := range taken {
		if len(o.Accepted) != 1 {
			complain("order %s was taken %d times: %+v", id, len(o.Accepted), o.Accepted)
		}
		states := l.States[id]
		if len(states) == 0 {
			complain("the venue has order %s, which the log does not", id)
			continue
		}
		if last := states[len(states)-1]; last.Status != o.Status || !last.Filled.Equal(o.Filled) || last.VenueOrderID != o.VenueOrderID {
			complain("order %s is %s, %s filled, and at the venue %s, %s", id, last.Status, last.Filled, o.Status, o.Filled)
		}
		for _, a := range o.Accepted {
			if _, said := l.Intent(id, a); !said {
				complain("order %s was taken from worker %s, which did not say before that it would send attempt %d", id, a.Worker, a.Attempt)
			}
		}
	}
	for id, states := range l.States {
		last := states[len(states)-1]
		if _, reached := taken[id]; !reached && (last.Status != domain.OrderRejected || !foreseen(last.Reason)) {
			complain("order %s never reached the venue and is %s: %q", id, last.Status, last.Reason)
		}
	}
	return append(wrong, l.sequence(v.Arrivals())...)
}

// Intent is the state in which an order was sent, as its sender said before.
func (l *Log) Intent(id string, a mockvenue.Acceptance) (domain.Order, bool) {
	for _, o := range l.States[id] {
		if o.Status == domain.OrderIntent && o.Attempt == a.Attempt {
			return o, o.Worker == a.Worker
		}
	}
	return domain.Order{}, false
}

// sequence says which orders came in another order than they were pushed, but for
// those that passed one that had to wait: when they were about to be sent, another
// bot than its own had the market's block or opening mark.
func (l *Log) sequence(arrivals []mockvenue.Arrival) (wrong []string) {
	first := make(map[string][]mockvenue.Arrival) // by symbol, in the order of their arrival
	known := make(map[string]bool)
	for _, a := range arrivals {
		if !known[a.ID] {
			known[a.ID] = true
			first[a.Symbol] = append(first[a.Symbol], a)
		}
	}
	holders := l.holders()
	for symbol, arrived := range first {
		place := make(map[string]int)
		for i, id := range l.Pushed[symbol] {
			place[id] = i
		}
		for i, later := range arrived {
			for _, earlier := range arrived[:i] {
				if place[earlier.ID] < place[later.ID] {
					continue
				}
				hadTo := slices.ContainsFunc(holders[attempt{earlier.ID, earlier.Attempt}], func(bot string) bool { return bot != later.Bot })
				if earlier.Bot == later.Bot || !hadTo {
					wrong = append(wrong, fmt.Sprintf("%s: order %s of bot %s came before %s of bot %s, which was pushed before it",
						symbol, earlier.ID, earlier.Bot, later.ID, later.Bot))
				}
			}
		}
	}
	return wrong
}
