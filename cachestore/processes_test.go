package cachestore_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// modelProcess is a process as a plain Go program would keep it.
type modelProcess struct {
	domain.Process
	number int
}

// processModel runs the same operations on the store and on a map.
type processModel struct {
	now   time.Time
	store *cachestore.Processes
	ids   []string
	model map[string]*modelProcess
	count int
}

func newProcessModel(t *rapid.T, store *cachestore.Store) *processModel {
	m := &processModel{now: noon, model: make(map[string]*modelProcess), ids: []string{"a", "b", "c", "d"}}
	m.store = store.Processes().WithClock(func() time.Time { return m.now })
	if _, err := store.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	drawStatus = rapid.SampledFrom([]domain.ProcessStatus{"", domain.ProcessRunning, domain.ProcessFailed, domain.ProcessStopping, domain.ProcessStopped})
	drawParams = rapid.MapOfN(rapid.SampledFrom([]string{"x", "y", "z"}), rapid.SampledFrom([]string{"", "1", "two"}), 0, 3)
)

func (m *processModel) register(t *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(t, "id")
	p := domain.Process{
		ID: id, Type: rapid.SampledFrom(domain.ProcessTypes()).Draw(t, "type"), Component: rapid.SampledFrom([]string{"k", "l"}).Draw(t, "component"),
		Host: "h", PID: rapid.IntRange(0, 9).Draw(t, "pid"), Interval: rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "interval"),
		Status: domain.ProcessStarting, Params: drawParams.Draw(t, "params"),
	}
	if err := m.store.Register(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if m.model[id] != nil {
		return // it stays as it is
	}
	m.count++
	p.Started, p.Heartbeat = m.now, m.now
	p.Params = maps.Clone(p.Params)
	maps.DeleteFunc(p.Params, func(_, value string) bool { return value == "" })
	m.model[id] = &modelProcess{p, m.count}
}

func (m *processModel) update(t *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(t, "id")
	change := domain.ProcessChange{
		Status: drawStatus.Draw(t, "status"), Message: rapid.SampledFrom([]string{"", "m", "n"}).Draw(t, "message"), Params: drawParams.Draw(t, "params"),
	}
	err := m.store.Update(t.Context(), id, change)
	p := m.model[id]
	switch {
	case p == nil:
		if !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("%v, want ErrNotFound", err)
		}
		return
	case p.Status == domain.ProcessStopped:
		if !errors.Is(err, domain.ErrInvalid) {
			t.Fatalf("%v, want ErrInvalid", err)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	p.Heartbeat = m.now
	if change.Status != "" {
		p.Status, p.Message = change.Status, change.Message
	} else if change.Message != "" {
		p.Message = change.Message
	}
	for name, value := range change.Params {
		if p.Params == nil {
			p.Params = make(map[string]string)
		}
		if p.Params[name] = value; value == "" {
			delete(p.Params, name)
		}
	}
}

func (m *processModel) cleanUp(t *rapid.T) {
	age := time.Duration(rapid.IntRange(0, 200).Draw(t, "age")) * time.Second
	n, err := m.store.CleanUp(t.Context(), age)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for id, p := range m.model {
		if p.HealthAt(m.now) == domain.ProcessDead && m.now.Sub(p.Heartbeat) >= age {
			delete(m.model, id)
			want++
		}
	}
	if n != want {
		t.Fatalf("%d removed, want %d", n, want)
	}
}

func (m *processModel) remove(t *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(t, "id")
	err := m.store.Remove(t.Context(), id)
	if m.model[id] == nil != errors.Is(err, domain.ErrNotFound) || m.model[id] != nil && err != nil {
		t.Fatalf("remove %s: %v", id, err)
	}
	delete(m.model, id)
}

// want is the model's processes as readers must see them.
func (m *processModel) want() []domain.Process {
	var sorted []*modelProcess
	for _, p := range m.model {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b *modelProcess) int { return cmp.Compare(a.number, b.number) })
	var out []domain.Process
	for _, p := range sorted {
		seen := p.Process
		seen.Age, seen.Health = m.now.Sub(p.Heartbeat), p.HealthAt(m.now)
		if len(seen.Params) == 0 {
			seen.Params = nil
		}
		out = append(out, seen)
	}
	return out
}

func (m *processModel) check(t *rapid.T) {
	want := m.want()
	got, now, err := m.store.List(t.Context())
	if err != nil || !now.Equal(m.now) || !reflect.DeepEqual(got, want) {
		t.Fatalf("list at %v (%v):\n got %+v\nwant %+v", now, err, got, want)
	}
	metrics, err := m.store.Metrics(t.Context())
	if err != nil || metrics.Kept != len(want) || metrics.Registered != uint64(m.count) {
		t.Fatalf("metrics %+v (%v), want %d kept, %d registered", metrics, err, len(want), m.count)
	}
	for _, p := range want {
		if one, err := m.store.Get(t.Context(), p.ID); err != nil || !reflect.DeepEqual(one, p) {
			t.Fatalf("get: %+v (%v), want %+v", one, err, p)
		}
	}
}

func TestProcessesAreWhatAPlainModelSays(t *testing.T) {
	t.Parallel()
	store := testserver.SharedStore(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := newProcessModel(rt, store)
		rt.Repeat(map[string]func(*rapid.T){
			"register": m.register,
			"update":   m.update,
			"clean up": m.cleanUp,
			"remove":   m.remove,
			"time passes": func(rt *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "ms")) * time.Millisecond)
			},
			"": m.check,
		})
	})
}

func register(tb testing.TB, p *cachestore.Processes, id string) {
	tb.Helper()
	if err := p.Register(tb.Context(), domain.Process{
		ID: id, Type: domain.ProcessBot, Component: "c", Interval: time.Second, Status: domain.ProcessRunning,
		Params: map[string]string{"0": "x"},
	}); err != nil {
		tb.Fatal(err)
	}
}

func TestCleaningUpSparesAProcessThatBeatsMeanwhile(t *testing.T) {
	t.Parallel()
	now := noon
	p := testserver.SharedStore(t).Processes().WithClock(func() time.Time { return now })
	register(t, p, "a")
	register(t, p, "b")
	now = now.Add(time.Hour)
	n, err := p.CleanUpAround(t.Context(), 0, func() {
		if err := p.Update(t.Context(), "a", domain.ProcessChange{}); err != nil {
			t.Error(err)
		}
	})
	if err != nil || n != 1 {
		t.Fatalf("%d removed (%v), want the one that is silent", n, err)
	}
	if _, err := p.Get(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessHasBoundedParameters(t *testing.T) {
	t.Parallel()
	p := testserver.SharedStore(t).Processes()
	register(t, p, "a")
	params := make(map[string]string)
	for i := range domain.MaxProcessParams {
		params[fmt.Sprint(i)] = "x"
	}
	if err := p.Update(t.Context(), "a", domain.ProcessChange{Params: params}); err != nil {
		t.Fatal(err)
	}
	more := map[string]string{"more": "x"}
	if err := p.Update(t.Context(), "a", domain.ProcessChange{Params: more}); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("%v, want ErrInvalid", err)
	}
	more["0"] = "" // one goes, one comes
	if err := p.Update(t.Context(), "a", domain.ProcessChange{Params: more}); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatCannotBeReadIsUnknownAndCanBeRemoved(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	p := s.Processes()
	for field, value := range map[string]string{"about": "\xc1", "registered": "x", "beats": "now", "status": "well"} {
		register(t, p, "a")
		if err := rdb.HSet(t.Context(), key("PROCESSES", field), "a", value).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Get(t.Context(), "a"); !errors.Is(err, domain.ErrUnknown) {
			t.Errorf("%s: Get: %v", field, err)
		}
		if _, _, err := p.List(t.Context()); !errors.Is(err, domain.ErrUnknown) {
			t.Errorf("%s: List: %v", field, err)
		}
		if _, err := p.CleanUp(t.Context(), 0); !errors.Is(err, domain.ErrUnknown) {
			t.Errorf("%s: CleanUp: %v", field, err)
		}
		if err := p.Remove(t.Context(), "a"); err != nil {
			t.Errorf("%s: Remove: %v", field, err)
		}
	}
	if left, err := rdb.Keys(t.Context(), "*PROCESSES*").Result(); err != nil || len(left) != 1 { // the count
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestOnlyThisDeploymentsKeysAreErased(t *testing.T) {
	t.Parallel()
	_, s, rdb := own(t)
	others := []string{"fullon:other:{TICKS_0}:checkpoint", "fullon", "fullon:x", "else", "FULLON:{TICKS_0}:checkpoint"}
	for _, other := range others {
		if err := rdb.Set(t.Context(), other, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Erase(t.Context()); err != nil || n != 0 {
		t.Fatalf("%d erased (%v), want none", n, err)
	}
	const many = 1234
	for i := range many {
		if err := rdb.Set(t.Context(), key(fmt.Sprint("S_", i), "x"), "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Erase(t.Context()); err != nil || n != many {
		t.Fatalf("%d erased (%v), want %d", n, err, many)
	}
	if n, err := rdb.DBSize(t.Context()).Result(); err != nil || int(n) != len(others) {
		t.Fatalf("%d keys left (%v), want %d", n, err, len(others))
	}
}
