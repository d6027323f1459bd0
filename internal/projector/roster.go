package projector

import (
	"time"

	"github.com/fullon/fullon/domain"
)

// roster is what a projector has seen of those that it shares the partitions
// with. Whether one lives is judged by one clock, the own one: it does while its
// heartbeat changes.
type roster struct {
	self   string
	lapse  time.Duration // who has said nothing for so long is gone
	looked time.Time     // when the bucket was read last
	peers  map[string]*peer
}

type peer struct {
	domain.Member
	seen time.Time // when its heartbeat was found changed
	gone bool
}

// look takes in what all members, self included, said last.
func (r *roster) look(now time.Time, members []domain.Member) {
	// Who could not look for a while knows nothing of that while: in it the others
	// may have beaten, or the log may have been away for them, too.
	blind := now.Sub(r.looked) > r.lapse/2
	r.looked = now
	var own time.Time
	for _, m := range members {
		if m.ID == r.self {
			own = m.Beat
		}
	}
	for _, m := range members {
		p := r.peers[m.ID]
		switch {
		case p == nil:
			// How old its heartbeat is, the log's clock tells, which has stamped both.
			p = &peer{Member: m, seen: now.Add(-max(0, own.Sub(m.Beat)))}
			r.peers[m.ID] = p
		case m.Revision > p.Revision:
			p.Member, p.seen, p.gone = m, now, false
		case blind && !p.gone:
			p.seen = now
		}
	}
	for id, p := range r.peers {
		silent := now.Sub(p.seen)
		p.gone = id != r.self && (p.gone || p.Left || silent > r.lapse)
		if p.gone && silent > forget {
			delete(r.peers, id)
		}
	}
}

// forget is when a member that is gone is forgotten: later than the bucket
// forgets it, which would bring it back otherwise.
const forget = 5 * time.Minute

// live are the members that fold into the same Redis, self included.
func (r *roster) live() []*peer {
	var out []*peer
	for _, p := range r.peers {
		if !p.gone && r.peers[r.self] != nil && p.Cache == r.peers[r.self].Cache {
			out = append(out, p)
		}
	}
	return out
}

// eligible names the members that take partitions. When all hold themselves back,
// all do.
func (r *roster) eligible() []string {
	var ready, all []string
	for _, p := range r.live() {
		all = append(all, p.ID)
		if p.Ready {
			ready = append(ready, p.ID)
		}
	}
	if len(ready) == 0 {
		return all
	}
	return ready
}

// holder is another live member that says that it folds the stream; nil: none.
func (r *roster) holder(stream string) *peer {
	for _, p := range r.live() {
		if p.ID != r.self && p.Holds(stream) {
			return p
		}
	}
	return nil
}

// calm is how long after it dropped out a member counts as steady again.
const calm = time.Minute

const (
	firstRest = time.Second
	maxRest   = 32 * time.Second
)

// dropouts makes a member that drops out again and again hold itself back, each
// time for longer, so that its partitions do not come and go with it. The first
// time costs it nothing.
type dropouts struct {
	last  time.Time
	rest  time.Duration
	until time.Time
}

func (d *dropouts) note(now time.Time) {
	if d.last.IsZero() || now.Sub(d.last) > calm+d.rest {
		d.rest = 0
	} else {
		d.rest = min(max(2*d.rest, firstRest), maxRest)
	}
	d.last, d.until = now, now.Add(d.rest)
}

func (d *dropouts) ready(now time.Time) bool { return !now.Before(d.until) }
