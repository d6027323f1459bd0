package projector

import (
	"slices"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// watcher is a roster with a clock of its own and a bucket.
type watcher struct {
	roster
	now      time.Time // of this process
	log      time.Time // of the log, which is another one
	revision uint64
	bucket   map[string]domain.Member
}

const unit = 200 * time.Millisecond

func newWatcher() *watcher {
	return &watcher{
		roster: roster{self: "self", lapse: missedBeats * unit, peers: make(map[string]*peer)},
		now:    time.Unix(1000, 0), log: time.Unix(77, 0), bucket: make(map[string]domain.Member),
	}
}

func (w *watcher) beat(ids ...string) {
	for _, id := range ids {
		w.revision++
		w.bucket[id] = domain.Member{ID: id, Cache: "c", Ready: true, Revision: w.revision, Beat: w.log}
	}
}

func (w *watcher) pass(d time.Duration) { w.now, w.log = w.now.Add(d), w.log.Add(d) }

// look is one round: its own heartbeat, and then what all said.
func (w *watcher) look() []string {
	w.beat("self")
	var members []domain.Member
	for _, m := range w.bucket {
		members = append(members, m)
	}
	w.roster.look(w.now, members)
	var live []string
	for _, p := range w.live() {
		live = append(live, p.ID)
	}
	slices.Sort(live)
	return live
}

func (w *watcher) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := w.look(); !slices.Equal(got, append(want, "self")) {
		t.Fatalf("%s: %v live, want %v", what, got, want)
	}
}

func TestWhoseHeartbeatStandsStillIsGone(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("a", "b")
	w.expect(t, "at first", "a", "b")
	for range missedBeats {
		w.pass(unit)
		w.beat("a")
		w.expect(t, "b is silent, but not for long", "a", "b")
	}
	w.pass(unit)
	w.beat("a")
	w.expect(t, "b is silent for too long", "a")
	w.pass(unit)
	w.beat("a", "b")
	w.expect(t, "b is back", "a", "b")
	left := w.bucket["a"]
	w.revision++
	left.Revision, left.Left = w.revision, true
	w.bucket["a"] = left
	w.expect(t, "a has left", "b")
}

// A replica that lags shows old heartbeats.
func TestAnOldHeartbeatIsNoSignOfLife(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("a")
	old := w.bucket["a"]
	w.expect(t, "at first", "a")
	w.beat("a")
	fresh := w.bucket["a"]
	w.expect(t, "beats", "a")
	for range missedBeats {
		w.pass(unit)
		w.bucket["a"] = old
		w.look()
		w.bucket["a"] = fresh
		w.look()
	}
	w.pass(unit)
	w.expect(t, "was silent for too long")
	w.bucket["a"] = old
	w.expect(t, "an old heartbeat brings nobody back")
}

// Who comes new takes nobody for alive who died before.
func TestTheLogsClockTellsWhoDiedBefore(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("dead")
	w.pass(time.Minute)
	w.beat("a")
	w.pass(unit)
	w.expect(t, "newcomer", "a")
}

// Who was paused, or could not reach the log, when all others could not either,
// waits for their next heartbeats before it takes them for dead.
func TestWhoCouldNotLookGivesTheOthersTime(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("a", "b")
	w.expect(t, "at first", "a", "b")
	w.pass(time.Hour)
	w.expect(t, "right after", "a", "b")
	for range missedBeats {
		w.pass(unit)
		w.beat("b")
		w.expect(t, "a little later", "a", "b")
	}
	w.pass(unit)
	w.beat("b")
	w.expect(t, "a died meanwhile", "b")
}

func TestMembersOfAnotherRedisAreNotCounted(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("a", "b")
	other := w.bucket["a"]
	other.Cache = "another"
	w.bucket["a"] = other
	w.expect(t, "two caches", "b")
}

func TestWhoRestsTakesNoPartitionsUnlessAllRest(t *testing.T) {
	t.Parallel()
	w := newWatcher()
	w.beat("a")
	w.look()
	w.peers["a"].Ready = false
	if got := w.eligible(); !slices.Equal(got, []string{"self"}) {
		t.Fatalf("got %v", got)
	}
	w.peers["self"].Ready = false
	if got := w.eligible(); len(got) != 2 {
		t.Fatalf("got %v", got)
	}
}

// Whoever drops out again and again rests for longer and longer, and after a calm
// time begins anew.
func TestDropoutsRestLongerAndLonger(t *testing.T) {
	t.Parallel()
	var d dropouts
	now := time.Unix(1000, 0)
	if !d.ready(now) {
		t.Fatal("not ready at first")
	}
	for _, want := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 32} {
		d.note(now)
		want *= time.Second
		if !d.ready(now.Add(want)) || want > 0 && d.ready(now.Add(want-1)) {
			t.Fatalf("rests %v, want %v", d.rest, want)
		}
		now = now.Add(want)
	}
	now = now.Add(calm + maxRest + 1)
	d.note(now)
	if !d.ready(now) {
		t.Fatal("does not begin anew")
	}
}
