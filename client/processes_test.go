package client_test

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// timed is the processes of a deployment of the test's own, by a clock that only
// the test moves.
type timed struct {
	*client.Processes
	t   *testing.T
	now time.Time
}

func newTimed(t *testing.T) *timed {
	c := &timed{t: t, now: noon}
	c.Processes = client.NewProcesses(testserver.SharedStore(t)).WithClock(func() time.Time { return c.now })
	return c
}

func (c *timed) pass(d time.Duration) { c.now = c.now.Add(d) }

func bot(component string) domain.Process {
	return domain.Process{Type: domain.ProcessBot, Component: component, Interval: time.Second, Status: domain.ProcessRunning}
}

func (c *timed) register(p domain.Process) *client.Registration {
	c.t.Helper()
	r, err := c.Register(c.t.Context(), p)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

func (c *timed) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *timed) want(id string, status domain.ProcessStatus, health domain.ProcessHealth) domain.Process {
	c.t.Helper()
	p, err := c.Get(c.t.Context(), id)
	if err != nil || p.Status != status || p.Health != health {
		c.t.Fatalf("%s is %s and %s (%v), want %s and %s", id, p.Status, p.Health, err, status, health)
	}
	return p
}

func ids(processes []domain.Process) []string {
	out := []string{}
	for _, p := range processes {
		out = append(out, p.ID)
	}
	return out
}

func (c *timed) wantActive(filter client.ProcessFilter, want ...string) {
	c.t.Helper()
	got, err := c.Active(c.t.Context(), filter)
	if err != nil || strings.Join(ids(got), " ") != strings.Join(want, " ") {
		c.t.Fatalf("active %+v: %v (%v), want %v", filter, ids(got), err, want)
	}
}

func TestARegisteredProcessIsReadAsItWasSaid(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	said := bot("grid")
	said.Message, said.Params = "warming up", map[string]string{"symbols": "BTC/USDT", "empty": ""}
	id := c.register(said).ID()
	c.pass(time.Second)
	got := c.want(id, domain.ProcessRunning, domain.ProcessFresh)
	host, _ := os.Hostname()
	want := domain.Process{
		ID: id, Type: domain.ProcessBot, Component: "grid", Host: host, PID: os.Getpid(), Interval: time.Second,
		Status: domain.ProcessRunning, Message: "warming up", Params: map[string]string{"symbols": "BTC/USDT"},
		Started: noon, Heartbeat: noon, Age: time.Second, Health: domain.ProcessFresh,
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	if said.Params["empty"] != "" || len(said.Params) != 2 {
		t.Fatal("the caller's parameters were changed")
	}
	other := c.register(bot("grid")).ID()
	if other == id || len(id) < 26 {
		t.Fatalf("ids %s and %s", id, other)
	}
}

func TestD30StoppingAnOldProcessLeavesTheNewOne(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	old := c.register(bot("grid"))
	renewed := c.register(bot("grid"))
	c.do(old.Stop(t.Context(), "replaced"))
	c.want(old.ID(), domain.ProcessStopped, domain.ProcessDead)
	c.want(renewed.ID(), domain.ProcessRunning, domain.ProcessFresh)
	c.wantActive(client.ProcessFilter{Component: "grid"}, renewed.ID())
	if p, err := c.Component(t.Context(), "grid"); err != nil || p.ID != renewed.ID() {
		t.Fatalf("the component is %s (%v), want %s", p.ID, err, renewed.ID())
	}
	// The other way round the component follows the one that still runs.
	newest := c.register(bot("grid"))
	c.do(newest.Stop(t.Context(), ""))
	if p, err := c.Component(t.Context(), "grid"); err != nil || p.ID != renewed.ID() {
		t.Fatalf("the component is %s (%v), want %s", p.ID, err, renewed.ID())
	}
	c.do(renewed.Stop(t.Context(), ""))
	if p, err := c.Component(t.Context(), "grid"); err != nil || p.ID != newest.ID() {
		t.Fatalf("the component is %s (%v), want the last of all, %s", p.ID, err, newest.ID())
	}
	if _, err := c.Component(t.Context(), "none"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
}

func TestD30AStoppedProcessIsNotRevived(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	r := c.register(bot("grid"))
	c.do(c.Stop(t.Context(), r.ID(), "by hand"))
	c.do(c.Stop(t.Context(), r.ID(), "again")) // no error, no change
	for what, err := range map[string]error{
		"Heartbeat":              c.Heartbeat(t.Context(), r.ID()),
		"Update":                 c.Update(t.Context(), r.ID(), domain.ProcessChange{Status: domain.ProcessRunning}),
		"Registration.Heartbeat": r.Heartbeat(t.Context()),
		"Run":                    r.Run(bounded(t), nil),
	} {
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
	if p := c.want(r.ID(), domain.ProcessStopped, domain.ProcessDead); p.Message != "by hand" {
		t.Fatalf("the message became %q", p.Message)
	}
	c.wantActive(client.ProcessFilter{})
	// Not even when nothing is left of it.
	mine := c.register(bot("grid"))
	c.do(mine.Stop(t.Context(), ""))
	c.do(c.Remove(t.Context(), mine.ID()))
	if err := mine.Heartbeat(t.Context()); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("%v, want ErrInvalid", err)
	}
	if err := c.Heartbeat(t.Context(), mine.ID()); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
	c.do(mine.Stop(t.Context(), ""))
	c.wantActive(client.ProcessFilter{Stopped: true}, r.ID())
}

func TestD31TheIDsOfDeadProcessesAreRemoved(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	stopped, crashed := c.register(bot("a")), c.register(bot("b"))
	slow := bot("slow")
	slow.Interval = time.Hour
	alive := c.register(slow)
	c.do(stopped.Stop(t.Context(), ""))
	for range 2 {
		c.pass(time.Minute)
		c.wantActive(client.ProcessFilter{Stopped: true}, stopped.ID(), crashed.ID(), alive.ID())
		if n, err := c.CleanUp(t.Context(), time.Hour); err != nil || n != 0 {
			t.Fatalf("%d removed (%v) before their time", n, err)
		}
	}
	if n, err := c.CleanUp(t.Context(), time.Minute); err != nil || n != 2 {
		t.Fatalf("%d removed (%v), want 2", n, err)
	}
	c.wantActive(client.ProcessFilter{Stopped: true}, alive.ID())
	m, err := c.Metrics(t.Context())
	if err != nil || m.Kept != 1 || m.Registered != 3 || m.ByType[domain.ProcessBot] != 1 || m.ByHealth[domain.ProcessFresh] != 1 ||
		m.ByStatus[domain.ProcessRunning] != 1 {
		t.Fatalf("%+v (%v)", m, err)
	}
}

func TestD32ABadTypeIsAFieldError(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	wrong := bot("grid")
	wrong.Type = "Bot"
	_, registerErr := c.Register(t.Context(), wrong)
	_, activeErr := c.Active(t.Context(), client.ProcessFilter{Type: "tick"})
	_, broadcastErr := c.Broadcast(t.Context(), domain.Broadcast{Type: "", Text: "x"})
	var subscribeErr error
	for _, subscribeErr = range c.Subscribe(t.Context(), "x", "") { //nolint:revive // ends by itself
	}
	for what, err := range map[string]error{
		"Register": registerErr, "Active": activeErr, "Broadcast": broadcastErr, "Subscribe": subscribeErr,
	} {
		var fe *domain.FieldError
		if !errors.As(err, &fe) || fe.Field != "type" || !strings.Contains(fe.Allowed, "orderworker") {
			t.Errorf("%s: %v, want a FieldError of type", what, err)
		}
	}
}

func TestD33StaleIsByTheProcessesOwnInterval(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	slow := bot("slow")
	slow.Interval = time.Minute
	quick, lazy := c.register(bot("quick")), c.register(slow)
	for _, at := range []struct {
		after       time.Duration
		quick, lazy domain.ProcessHealth
	}{
		{2 * time.Second, domain.ProcessFresh, domain.ProcessFresh},
		{time.Millisecond, domain.ProcessStale, domain.ProcessFresh},
		{3*time.Second - time.Millisecond, domain.ProcessStale, domain.ProcessFresh},
		{time.Millisecond, domain.ProcessDead, domain.ProcessFresh},
		{2 * time.Minute, domain.ProcessDead, domain.ProcessStale},
		{5 * time.Minute, domain.ProcessDead, domain.ProcessDead},
	} {
		c.pass(at.after)
		c.want(quick.ID(), domain.ProcessRunning, at.quick)
		c.want(lazy.ID(), domain.ProcessRunning, at.lazy)
	}
	// Whatever the list is narrowed to, health is judged the same.
	c.do(lazy.Heartbeat(t.Context()))
	c.pass(3 * time.Minute)
	c.wantActive(client.ProcessFilter{Since: 5 * time.Minute}, lazy.ID())
	c.wantActive(client.ProcessFilter{}, quick.ID(), lazy.ID())
	c.want(lazy.ID(), domain.ProcessRunning, domain.ProcessStale)
	h, err := c.SystemHealth(t.Context())
	if err != nil || h.OK() || h.Stale != 1 || h.Dead != 1 || h.Fresh != 0 || strings.Join(ids(h.Problems), " ") != quick.ID()+" "+lazy.ID() {
		t.Fatalf("%+v (%v)", h, err)
	}
	c.do(quick.Stop(t.Context(), ""))
	c.do(lazy.Update(t.Context(), domain.ProcessChange{Status: domain.ProcessFailed, Message: "no route to host"}))
	h, err = c.SystemHealth(t.Context())
	if err != nil || h.OK() || h.Fresh != 1 || h.Failed != 1 || h.Stopped != 1 || h.Dead != 0 || len(h.Problems) != 1 {
		t.Fatalf("%+v (%v)", h, err)
	}
	c.do(lazy.Update(t.Context(), domain.ProcessChange{Status: domain.ProcessRunning}))
	if h, err = c.SystemHealth(t.Context()); err != nil || !h.OK() {
		t.Fatalf("%+v (%v)", h, err)
	}
	if p := c.want(lazy.ID(), domain.ProcessRunning, domain.ProcessFresh); p.Message != "" {
		t.Fatalf("the old status's message stayed: %q", p.Message)
	}
}

func TestD19AHundredConcurrentUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	c := newTimed(t)
	r := c.register(bot("grid"))
	const writers = 100
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			change := domain.ProcessChange{Params: map[string]string{fmt.Sprint("p", i): fmt.Sprint(i)}}
			switch i {
			case 10:
				change = domain.ProcessChange{Status: domain.ProcessFailed, Message: "broken", Params: change.Params}
			case 20:
				change = domain.ProcessChange{} // a heartbeat
			}
			if err := c.Update(t.Context(), r.ID(), change); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	p := c.want(r.ID(), domain.ProcessFailed, domain.ProcessFresh)
	if len(p.Params) != writers-1 || p.Message != "broken" {
		t.Fatalf("%d of %d parameters are left, message %q", len(p.Params), writers-1, p.Message)
	}
	for i := range writers {
		if got := p.Params[fmt.Sprint("p", i)]; i != 20 && got != fmt.Sprint(i) {
			t.Errorf("parameter %d is %q", i, got)
		}
	}
}
