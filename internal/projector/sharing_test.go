package projector_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// mate is one of the projectors that share a rig's partitions.
type mate struct {
	*projector.Projector
	id   string
	mute atomic.Bool // it hears and says nothing, and folds on
	stop func()
}

// mutable is a mate's access to the others.
type mutable struct {
	*bus.Members
	mate *mate
}

func (m mutable) Beat(ctx context.Context, self domain.Member, news bool) ([]domain.Member, error) {
	if m.mate.mute.Load() {
		return nil, fmt.Errorf("mute: %w", domain.ErrUnreachable)
	}
	return m.Members.Beat(ctx, self, news)
}

func (m mutable) Leave(ctx context.Context) error {
	if m.mate.mute.Load() {
		return fmt.Errorf("mute: %w", domain.ErrUnreachable)
	}
	return m.Members.Leave(ctx)
}

var mates atomic.Int64

// join starts a projector that shares the partitions with all that joined.
func (r *rig) join(store *cachestore.Store) *mate {
	r.tb.Helper()
	m := &mate{id: "mate" + strconv.FormatInt(mates.Add(1), 10)}
	members, err := r.bus.Members(r.tb.Context(), m.id)
	if err != nil {
		r.tb.Fatal(err)
	}
	m.Projector = projector.New(projector.Config{
		TickStreams: small.TickStreams(), TradeStreams: small.TradeStreams(), Orders: true, CatalogueStream: bus.CatalogueStream,
		Members: mutable{members, m}, Member: domain.Member{ID: m.id, Host: "test", PID: 1}, BeatInterval: 50 * time.Millisecond,
		ProbeInterval: probe, Log: testserver.Quiet(),
	}, logOf{r.bus}, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	stopped := false
	m.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
		members.Close()
	}
	r.tb.Cleanup(m.stop)
	return m
}

// die ends a projector that nobody hears of.
func (m *mate) die() {
	m.mute.Store(true)
	m.stop()
}

// all are the partitions that the mates share.
var all = slices.Concat(small.TickStreams(), small.TradeStreams(),
	[]string{bus.OrderStream("binance"), bus.OrderStream("kraken"), bus.CatalogueStream})

// shared waits until each partition is folded by one of the mates, and by no
// other, and all of them agree about it.
func (r *rig) shared(crew ...*mate) {
	r.tb.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		missing := unshared(crew)
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			r.tb.Fatal(missing)
		}
		time.Sleep(time.Millisecond)
	}
}

func unshared(crew []*mate) string {
	holder := make(map[string]string)
	for _, m := range crew {
		for _, s := range m.Stats() {
			if s.Held && holder[s.Stream] != "" {
				return s.Stream + " is held twice"
			}
			if s.Held && s.Attached {
				holder[s.Stream] = m.id
			}
		}
	}
	for _, stream := range all {
		if holder[stream] == "" {
			return "nobody folds " + stream
		}
	}
	for _, m := range crew {
		if n := m.Sharing().Projectors; n != len(crew) {
			return fmt.Sprintf("%s knows of %d", m.id, n)
		}
		for _, s := range m.Stats() {
			if s.Owner.ID != holder[s.Stream] {
				return fmt.Sprintf("%s takes %q for the owner of %s", m.id, s.Owner.ID, s.Stream)
			}
		}
	}
	return ""
}

// everything is all that a store has of the rig's partitions, but the number of
// the rebuild.
func everything(tb testing.TB, rdb redis.UniversalClient, store *cachestore.Store) map[string]string {
	tb.Helper()
	ctx := context.Background()
	out := make(map[string]string)
	for _, stream := range all {
		prefix := store.Prefix() + "{" + stream + "}:"
		node := testserver.NodeOf(tb, rdb, prefix)
		iter := node.Scan(ctx, 0, prefix+"*", 1000).Iterator()
		for iter.Next(ctx) {
			text, err := textOf(ctx, node, iter.Val())
			key := strings.TrimPrefix(iter.Val(), store.Prefix())
			if strings.HasSuffix(key, "}:checkpoint") {
				_, text, _ = strings.Cut(text, " ")
			}
			if err != nil {
				tb.Fatal(err)
			}
			out[key] = text
		}
		if err := iter.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

// textOf is what a key holds.
func textOf(ctx context.Context, node redis.UniversalClient, key string) (string, error) {
	kind, err := node.Type(ctx, key).Result()
	switch {
	case err != nil:
		return "", err
	case kind == "string":
		return node.Get(ctx, key).Result()
	case kind == "hash":
		fields, err := node.HGetAll(ctx, key).Result()
		return fmt.Sprint(fields), err
	case kind == "set":
		members, err := node.SMembersMap(ctx, key).Result()
		return fmt.Sprint(members), err
	case kind == "stream":
		entries, err := node.XRange(ctx, key, "-", "+").Result()
		return fmt.Sprint(entries), err
	}
	return node.Dump(ctx, key).Result()
}

// load publishes numbered trades and ticks of a few markets until the returned
// function is called.
func (r *rig) load() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			market := fmt.Sprintf("C%d/USDT", i%5)
			_, err := r.bus.Publish(context.Background(), trade(market, i, strconv.Itoa(100+i%7), "1", time.Duration(i)*time.Millisecond))
			if err == nil {
				_, err = r.bus.Publish(context.Background(), tick(market, strconv.Itoa(100+i%9), time.Duration(i)*time.Millisecond, uint64(i)))
			}
			if err != nil {
				r.tb.Error(err)
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// Whatever happens to those that share the partitions: in the end each partition
// has one of them, and Redis holds what a single one would have made of the log.
func TestPartitionsChangeHandsAndTheContentStaysTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	stopLoad := r.load()
	a := r.join(r.store)
	r.shared(a)
	b, c := r.join(r.store), r.join(r.store)
	r.shared(a, b, c)
	c.stop()
	r.shared(a, b)
	b.die()
	r.shared(a)
	d, e := r.join(r.store), r.join(r.store)
	r.shared(a, d, e)
	a.mute.Store(true) // the others take it for dead, and it folds on
	r.shared(d, e)
	r.caughtUp(r.store) // both have folded the same for a while
	a.mute.Store(false)
	r.shared(a, d, e)
	stopLoad()
	r.caughtUp(r.store)
	for _, m := range []*mate{a, d, e} {
		m.stop()
		for _, s := range m.Stats() {
			if s.Lost > 0 {
				t.Errorf("%s: history lost", s.Stream)
			}
		}
	}
	// One that knows of no other, over the same log.
	alone := testserver.SharedStore(t)
	r.shared(r.join(alone))
	r.caughtUp(alone)
	rdb := testserver.SharedClient(t)
	got, want := everything(t, rdb, r.store), everything(t, rdb, alone)
	if len(want) < 10 {
		t.Fatalf("compares with %d keys", len(want))
	}
	if !maps.Equal(got, want) {
		for key := range want {
			if got[key] != want[key] {
				t.Errorf("%s differs", key)
			}
		}
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
}

// Two Redises over one log have nothing to share.
func TestProjectorsOfDifferentRedisesDoNotShare(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	other := testserver.SharedStore(t)
	a, b := r.join(r.store), r.join(other)
	r.shared(a)
	r.shared(b)
	r.wait(r.publish(tick("BTC/USDT", "100", time.Second, 1)))
	r.caughtUp(other)
}

// A wiped Redis is still the same one for all that share its partitions.
func TestProjectorsShareOnAfterAWipe(t *testing.T) {
	t.Parallel()
	store, _, wipe := testserver.OwnStore(t)
	r := newRig(t, store)
	a, b := r.join(store), r.join(store)
	r.shared(a, b)
	before, err := store.FindIdentity(t.Context())
	if err != nil || before == "" {
		t.Fatalf("%q, %v", before, err)
	}
	wipe()
	r.wait(r.publish(tick("BTC/USDT", "100", time.Second, 1)))
	deadline := time.Now().Add(60 * time.Second)
	for after := ""; after != before; {
		if after, err = store.FindIdentity(t.Context()); err != nil || time.Now().After(deadline) {
			t.Fatalf("%q became %q (%v)", before, after, err)
		}
		time.Sleep(time.Millisecond)
	}
	r.shared(a, b)
}

// Without the bucket nobody can tell who is there: each goes on with what it has,
// and shares again when there is one.
func TestWithoutTheBucketEachGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t))
	a, b := r.join(r.store), r.join(r.store)
	r.shared(a, b)
	nc, err := nats.Connect(r.nats.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteKeyValue(t.Context(), bus.MembersBucket); err != nil {
		t.Fatal(err)
	}
	for a.Sharing().CutOff == 0 || b.Sharing().CutOff == 0 {
		time.Sleep(time.Millisecond)
	}
	stopLoad := r.load()
	r.wait(r.publish(trade("BTC/USDT", 1, "1", "1", 0), tick("BTC/USDT", "100", time.Second, 1)))
	stopLoad()
	r.caughtUp(r.store)
	if missing := unshared([]*mate{a, b}); missing != "" {
		t.Fatal(missing)
	}
	if err := r.bus.Provision(t.Context(), bus.Plan{}); err != nil {
		t.Fatal(err)
	}
	for a.Sharing().CutOff > 0 || b.Sharing().CutOff > 0 {
		time.Sleep(time.Millisecond)
	}
	r.shared(a, b)
}
