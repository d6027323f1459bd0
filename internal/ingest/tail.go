package ingest

import (
	"slices"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// maxIDs is how many ids of trades are remembered of a market: more than a venue
// repeats, and than two connections that overlap are apart.
const maxIDs = 1000

// tail is what is known of the newest trades of a market whose trades have no
// numbers. There a trade follows on those before it because the connection that
// brought it has brought one before that is known, or that REST has shown to follow:
// a connection leaves nothing out.
//
// Several connections may follow at once, during a planned replacement. Each brings
// the same trades in the same order, so whatever comes first of any is the next.
type tail struct {
	last    domain.Trade // the newest one handed to the log; without an ID: none yet
	resumed domain.Trade // what last was in the log, until others of its time there are known; see recall
	ids     recentIDs    // of trades handed on, and of older ones that came again
	lines   [2]uint64    // connections whose trades follow, the newer one first; zero: none
	waiting []uint64     // connections of which trades are held

	newest venue.NumberedTrade // that the venue sent, whether the log has it or not
	cut    bool                // trades had to be left out of those held
}

// resume begins behind the log's last trade; the zero Trade if there is none.
func (l *tail) resume(last domain.Trade) {
	l.last, l.resumed, l.ids, l.lines = last, last, recentIDs{}, [2]uint64{}
	if last.ID != "" {
		l.ids.add(last.ID)
	}
}

// repeats reports whether the trade was handed on before. A connection that repeats
// what is known follows, unless something that it brought before is in doubt.
func (l *tail) repeats(t venue.NumberedTrade) bool {
	known := l.ids.has(t.ID)
	if known && !slices.Contains(l.waiting, t.Line) {
		l.join(t.Line)
	}
	return known
}

// follows tells whether nothing is missing before the trade. Before the first trade
// of all there is no hole.
func (l *tail) follows(t venue.NumberedTrade) bool { return l.last.ID == "" || l.joined(t.Line) }

func (l *tail) joined(line uint64) bool { return line == 0 || slices.Contains(l.lines[:], line) }

// join notes that the trades of a connection follow from now on.
func (l *tail) join(line uint64) {
	if !l.joined(line) {
		l.lines = [2]uint64{line, l.lines[0]}
	}
}

// wait notes that a trade of the connection is held.
func (l *tail) wait(line uint64) {
	if !slices.Contains(l.waiting, line) {
		l.waiting = append(l.waiting, line)
	}
}

// passed notes that the trade was handed to the log.
func (l *tail) passed(t venue.NumberedTrade) {
	l.join(t.Line)
	l.last = t.Trade
	l.ids.add(t.ID)
}

// recentIDs is the set of the newest ids: the last maxIDs, and up to as many more.
type recentIDs struct{ young, old map[string]struct{} }

func (r *recentIDs) has(id string) bool {
	_, young := r.young[id]
	_, old := r.old[id]
	return young || old
}

func (r *recentIDs) add(id string) {
	if len(r.young) == maxIDs {
		r.young, r.old = r.old, r.young
		clear(r.young)
	}
	if r.young == nil {
		r.young = make(map[string]struct{})
	}
	r.young[id] = struct{}{}
}
