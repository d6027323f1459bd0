package ordercheck

import (
	"fmt"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/mockvenue"
)

// right is a block or an opening mark of a market.
type right struct {
	kind   domain.Kind
	symbol string
}

// attempt is one INTENT of an order.
type attempt struct {
	id string
	n  uint32
}

// Claims says where a right to trade was granted or used that another bot had, by
// what the log says before, and figures of it. An intent is nothing that was used
// until it has come to the venue: it may have been stored and then refused.
func (l *Log) Claims(v *mockvenue.Venue) (wrong []string, figures string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	came := make(map[attempt]bool)
	for _, a := range v.Arrivals() {
		came[attempt{a.ID, a.Attempt}] = true
	}
	intents, granted := 0, 0
	l.follow(func(e Event, claims map[right]domain.Claim) {
		switch ev := e.Event.(type) {
		case domain.Claim:
			before := claims[right{ev.Kind, ev.Symbol}]
			if ev.First == 0 && !ev.Released {
				granted++
				if before.Bot != ev.Bot && before.HeldAt(e.At) {
					complain("%s: bot %s was granted the %s at %d, which %s had", ev.Symbol, ev.Bot, ev.Kind, e.Seq, before.Bot)
				}
			}
		case domain.Order:
			if ev.Status != domain.OrderIntent {
				return
			}
			intents++
			for _, kind := range rights {
				if c := claims[right{kind, ev.Symbol}]; c.Bot != ev.Bot && c.HeldAt(e.At) && came[attempt{ev.ID, ev.Attempt}] {
					complain("order %s of bot %s was about to be sent at %d, when bot %s had the %s of %s", ev.ID, ev.Bot, e.Seq, c.Bot, kind, ev.Symbol)
				}
			}
		}
	})
	return wrong, fmt.Sprintf("%d intents, %d grants of rights", intents, granted)
}

var rights = []domain.Kind{domain.KindBlock, domain.KindOpening}

// holders are the bots that had the market's block and opening mark at each
// INTENT, as far as somebody had.
func (l *Log) holders() map[attempt][]string {
	out := make(map[attempt][]string)
	l.follow(func(e Event, claims map[right]domain.Claim) {
		o, ok := e.Event.(domain.Order)
		if !ok || o.Status != domain.OrderIntent {
			return
		}
		for _, kind := range rights {
			if c := claims[right{kind, o.Symbol}]; c.Bot != "" && !c.Released {
				out[attempt{o.ID, o.Attempt}] = append(out[attempt{o.ID, o.Attempt}], c.Bot)
			}
		}
	})
	return out
}

// follow shows each event with the claims as they were before it.
func (l *Log) follow(look func(Event, map[right]domain.Claim)) {
	claims := make(map[right]domain.Claim)
	for _, e := range l.Events {
		look(e, claims)
		switch ev := e.Event.(type) {
		case domain.Claim:
			ev.Sequence = e.Seq
			claims[right{ev.Kind, ev.Symbol}] = ev
		case domain.ClaimRenewal:
			ev.Sequence = e.Seq
			of := right{ev.Kind, ev.Symbol}
			if c := claims[of]; ev.Renews(c) {
				c.Expires = ev.Expires
				claims[of] = c
			}
		}
	}
}
