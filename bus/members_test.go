package bus_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func join(tb testing.TB, b *bus.Bus, id string) *bus.Members {
	tb.Helper()
	m, err := b.Members(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(m.Close)
	return m
}

func TestMembersSeeWhatEachSaidLast(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	a, z := join(t, b, "a"), join(t, b, "z")
	said := domain.Member{ID: "a", Host: "db1", PID: 7, Cache: "c", Ready: true, Shares: []domain.Share{
		{Stream: "TICKS_0", Held: true, Rate: 12.5}, {Stream: "TRADES_0", Conflicts: 3},
	}}
	for range 2 {
		if _, err := a.Beat(t.Context(), said, false); err != nil {
			t.Fatal(err)
		}
	}
	members, err := z.Beat(t.Context(), domain.Member{ID: "z"}, true)
	if err != nil || len(members) != 2 || members[0].ID != "a" || members[1].ID != "z" {
		t.Fatalf("%+v (%v)", members, err)
	}
	got := members[0]
	if got.Revision == 0 || got.Revision >= members[1].Revision || got.Beat.After(members[1].Beat) || got.Beat.IsZero() {
		t.Fatalf("%+v", members)
	}
	got.Revision, got.Beat = 0, time.Time{}
	if !reflect.DeepEqual(got, said) {
		t.Fatalf("%+v, want %+v", got, said)
	}
	select {
	case <-a.Heard():
	case <-time.After(patience):
		t.Fatal("a did not hear the news")
	}
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-z.Heard():
	case <-time.After(patience):
		t.Fatal("z did not hear that a has left")
	}
	members, now, err := b.LastBeats(t.Context())
	if err != nil || len(members) != 2 || members[0].ID != "z" || !members[1].Left || now.Before(members[0].Beat) {
		t.Fatalf("%+v at %v (%v)", members, now, err)
	}
	// Heartbeats outlive a restart of the only server.
	n.Stop()
	if _, err := z.Beat(t.Context(), domain.Member{ID: "z"}, false); !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("got %v", err)
	}
	n.Start()
	eventually(t, "the bucket is back", func() bool {
		members, err := z.Beat(t.Context(), domain.Member{ID: "z"}, false)
		return err == nil && len(members) == 2
	})
}

func TestAMissingBucketIsNamed(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	m := join(t, b, "a")
	if err := raw(t, n.URL).DeleteKeyValue(t.Context(), bus.MembersBucket); err != nil {
		t.Fatal(err)
	}
	_, errMembers := b.Members(t.Context(), "b")
	_, errBeat := m.Beat(t.Context(), domain.Member{ID: "a"}, false)
	_, _, errLast := b.LastBeats(t.Context())
	for what, err := range map[string]error{"Members": errMembers, "Beat": errBeat, "LastBeats": errLast} {
		if !errors.Is(err, domain.ErrNotFound) || !strings.Contains(err.Error(), "fullon provision") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What others put into the bucket disturbs nobody.
func TestWhatIsNoHeartbeatIsNobodys(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	m := join(t, b, "a")
	kv, err := raw(t, n.URL).KeyValue(t.Context(), bus.MembersBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "x", "hello"); err != nil {
		t.Fatal(err)
	}
	members, err := m.Beat(t.Context(), domain.Member{ID: "a"}, false)
	if err != nil || len(members) != 1 || members[0].ID != "a" {
		t.Fatalf("%+v (%v)", members, err)
	}
}
