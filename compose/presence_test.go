package compose

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// present waits until the processes of a deployment are as want says, each as
// "type component status message".
func present(t *testing.T, processes *client.Processes, want ...string) []domain.Process {
	t.Helper()
	var found []domain.Process
	eventually(t, func() (err error) {
		found, err = processes.Active(t.Context(), client.ProcessFilter{Stopped: true})
		if err != nil {
			return err
		}
		got := make([]string, len(found))
		for i, p := range found {
			got[i] = strings.TrimSpace(fmt.Sprintf("%s %s %s %s", p.Type, p.Component, p.Status, p.Message))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			return fmt.Errorf("processes are %q, want %q", got, want)
		}
		return nil
	})
	return found
}

// deployment is a provisioned log and an address where Redis is, or may be.
func deployment(t *testing.T, redis string) *user {
	t.Helper()
	nats := testserver.NewNATS(t)
	nats.Bus(t, bus.Layout{Ticks: 1, Trades: 1})
	credentials := url.UserPassword("bot", secret).String()
	return newUser(t, append(redisEnv(t, redis),
		"NATS_URL="+strings.Replace(nats.URL, "://", "://"+credentials+"@", 1), "FULLON_TICK_PARTITIONS=1", "FULLON_TRADE_PARTITIONS=1",
		"BINANCE_WS_URL=ws://"+nobody(t), "BINANCE_REST_URL=http://"+nobody(t), "FULLON_SILENT_AFTER=100ms", "FULLON_HTTP=off")...)
}

func TestD34EveryCommandUnregistersAtItsEnd(t *testing.T) {
	t.Parallel()
	const silent = "the feed of binance is silent"
	for _, c := range []struct {
		program string
		args    []string
		running []string
		stopped []string
	}{
		{"projector", nil, []string{"projector projector running"}, []string{"projector projector stopped"}},
		// It says, too, what is wrong: its venue does not answer.
		{"ingest", nil, []string{"ingest binance failed " + silent}, []string{"ingest binance stopped"}},
		{"fullon", []string{"up", "--symbols=BTC/USDT"},
			[]string{"projector projector running", "ingest sim running"}, []string{"projector projector stopped", "ingest sim stopped"}},
	} {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel()
			redis := testserver.NewRedis(t)
			processes := client.NewProcesses(redis.Store(t))
			u := deployment(t, redis.Addr)
			p := u.start(c.program, c.args...)
			for _, found := range presentInAnyOrder(t, processes, c.running) {
				if found.PID != p.cmd.Process.Pid || strings.Contains(fmt.Sprint(found), secret) {
					t.Errorf("%+v, want process %d without secrets", found, p.cmd.Process.Pid)
				}
			}
			if r, took := p.interrupt(); r.code != ExitOK || took > stopDeadline {
				t.Errorf("ended with %d in %v\n%s", r.code, took, r.stderr)
			}
			presentInAnyOrder(t, processes, c.stopped)
		})
	}
}

// presentInAnyOrder is present for parts that register at the same time.
func presentInAnyOrder(t *testing.T, processes *client.Processes, want []string) []domain.Process {
	t.Helper()
	if len(want) == 1 {
		return present(t, processes, want...)
	}
	var found []domain.Process
	eventually(t, func() (err error) {
		found, err = processes.Active(t.Context(), client.ProcessFilter{Stopped: true})
		if err != nil || len(found) != len(want) {
			return fmt.Errorf("%d processes, want %d: %w", len(found), len(want), err)
		}
		for _, p := range found {
			if text := fmt.Sprintf("%s %s %s", p.Type, p.Component, p.Status); !strings.Contains(strings.Join(want, "\n"), text) {
				return fmt.Errorf("process is %s, want one of %q", text, want)
			}
		}
		return nil
	})
	return found
}

func TestUpOnAnInProcessRedisIsSeenToo(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.env = append(u.env, "PATH=/nowhere")
	up := u.up("--symbols=BTC/USDT")
	eventually(t, func() error {
		r := u.run("fullon", "get", "health")
		if r.code != ExitOK || !strings.Contains(r.stdout, "2 fresh, 0 stale, 0 dead, 0 failed") {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	if r, _ := up.interrupt(); r.code != ExitOK {
		t.Errorf("up after Ctrl-C: %+v", r)
	}
}

func TestWhatGoesWrongWithAVenueIsKeptForPeople(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	deployment(t, redis.Addr).start("ingest")
	report, err := client.NewVenueErrors(redis.Store(t)).Pop(t.Context(), "binance", giveUp)
	if err != nil || report.Text != "the feed of binance is silent" {
		t.Fatalf("%+v (%v)", report, err)
	}
}

func TestIngestNeedsNoRedis(t *testing.T) {
	t.Parallel()
	u := deployment(t, nobody(t))
	p := u.start("ingest")
	eventually(t, func() error {
		if !strings.Contains(p.errs.String(), "Redis is away") {
			return fmt.Errorf("it does not say that Redis is away:\n%s", &p.errs)
		}
		return nil
	})
	r, took := p.interrupt()
	if r.code != ExitOK || took > stopDeadline {
		t.Errorf("ended with %d in %v\n%s", r.code, took, r.stderr)
	}
	if n := strings.Count(r.stderr, "Redis is away"); n != 1 {
		t.Errorf("said %d times that Redis is away\n%s", n, r.stderr)
	}
}

// A Redis that hangs answers nothing and refuses nothing.
func TestARedisThatHangsDoesNotDelayTheEnd(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	processes := client.NewProcesses(redis.Store(t))
	p := deployment(t, redis.Addr).start("ingest")
	present(t, processes, "ingest binance failed the feed of binance is silent")
	redis.Pause()
	defer redis.Resume()
	if r, took := p.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("ended with %d in %v\n%s", r.code, took, r.stderr)
	}
}

func TestAProcessRegistersWhenRedisComes(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	processes := client.NewProcesses(redis.Store(t))
	redis.Kill()
	p := deployment(t, redis.Addr).start("ingest")
	eventually(t, func() error {
		if !strings.Contains(p.errs.String(), "Redis is away") {
			return fmt.Errorf("it does not say that Redis is away:\n%s", &p.errs)
		}
		return nil
	})
	for range 2 { // and again when it comes back empty
		redis.Start()
		present(t, processes, "ingest binance failed the feed of binance is silent")
		redis.Kill()
	}
}

func TestAKilledCommandTurnsStaleThenDeadAndCanBeDeleted(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	processes := client.NewProcesses(redis.Store(t))
	u := deployment(t, redis.Addr)
	p := u.start("projector")
	present(t, processes, "projector projector running")
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	last := present(t, processes, "projector projector running")[0]
	for _, at := range []struct {
		after  time.Duration
		health domain.ProcessHealth
	}{{presenceInterval, domain.ProcessFresh}, {3 * presenceInterval, domain.ProcessStale}, {6 * presenceInterval, domain.ProcessDead}} {
		then := processes.WithClock(func() time.Time { return last.Heartbeat.Add(at.after) })
		if found, err := then.Get(t.Context(), last.ID); err != nil || found.Health != at.health {
			t.Errorf("after %v: %+v (%v), want %s", at.after, found, err, at.health)
		}
	}
	u.run("fullon", "delete", "process").complains(t, ExitUsage, "--dead")
	u.run("fullon", "delete", "process", "--dead", last.ID).complains(t, ExitUsage, "--dead")
	if r := u.run("fullon", "delete", "process", last.ID); r.code != ExitOK || r.stdout != "deleted 1 process\n" {
		t.Errorf("%+v", r)
	}
	u.run("fullon", "delete", "process", last.ID).complains(t, ExitNotFound, last.ID)
	u.run("fullon", "get", "process", last.ID).complains(t, ExitNotFound, last.ID)
}

func TestProcessCommandsPrintStableNames(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	store := redis.Store(t)
	processes, venueErrors := client.NewProcesses(store), client.NewVenueErrors(store)
	u := deployment(t, redis.Addr)
	u.run("fullon", "get", "processes").complains(t, ExitNotFound, "not found")
	u.run("fullon", "get", "processes", "--type=tick").complains(t, ExitUsage, "--type", `"tick"`, "orderworker")
	u.run("fullon", "get", "errors", "binance").complains(t, ExitNotFound, "not found")
	u.run("fullon", "broadcast", "tick", "x").complains(t, ExitUsage, `"tick"`, "orderworker")
	u.run("fullon", "watch", "broadcasts", "bot", "--after=x").complains(t, ExitUsage, "--after", `"x"`)
	u.run("fullon", "clear", "--confirm=else:").complains(t, ExitUsage, "confirm", cachestore.DefaultPrefix)
	if r := u.run("fullon", "get", "health"); r.code != ExitOK || !strings.Contains(r.stdout, "0 fresh") {
		t.Errorf("%+v", r)
	}
	registration, err := processes.Register(t.Context(), domain.Process{
		Type: domain.ProcessBot, Component: "grid", Interval: time.Hour, Status: domain.ProcessFailed, Message: "no\nmargin", Params: map[string]string{"a": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := venueErrors.Push(t.Context(), "binance", "429"); err != nil {
		t.Fatal(err)
	}
	const processNames = "id type component host pid status message health started heartbeat age_ms interval_ms params"
	object := func(code int, names string, args ...string) map[string]any {
		t.Helper()
		r := u.run("fullon", append(args, "--json")...)
		var values map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &values); err != nil || r.code != code || len(values) != len(strings.Fields(names)) {
			t.Fatalf("%v: %+v (%v)", args, r, err)
		}
		for _, name := range strings.Fields(names) {
			if _, ok := values[name]; !ok {
				t.Errorf("%v has no %s:\n%s", args, name, r.stdout)
			}
		}
		return values
	}
	object(ExitOK, processNames, "get", "processes", "--component=grid")
	if p := object(ExitOK, processNames, "get", "process", registration.ID()); p["message"] != "no\nmargin" || p["health"] != "fresh" {
		t.Errorf("%v", p)
	}
	h := object(ExitFailed, "ok time log_latency_ms redis_latency_ms fresh stale dead failed stopped problems", "get", "health")
	if h["ok"] != false || h["failed"] != 1.0 || len(h["problems"].([]any)) != 1 {
		t.Errorf("%v", h)
	}
	if e := object(ExitOK, "exchange text time", "get", "errors", "binance"); e["text"] != "429" {
		t.Errorf("%v", e)
	}
	if r := u.run("fullon", "get", "process", registration.ID()); !strings.Contains(r.stdout, "no margin\n") {
		t.Errorf("%+v", r)
	}
	sent := object(ExitOK, "id", "broadcast", "bot", "stand by")
	watch := u.start("fullon", "watch", "broadcasts", "bot", "--after=0-0", "--json")
	watch.says(fmt.Sprintf(`{"id":%q,"type":"bot","from":"","text":"stand by","data":{},"time":"`, sent["id"]))
	if r, _ := watch.interrupt(); r.code != ExitOK {
		t.Errorf("%+v", r)
	}
	if n := object(ExitOK, "deleted", "clear", "--confirm="+cachestore.DefaultPrefix); n["deleted"].(float64) < 8 {
		t.Errorf("%v", n)
	}
	u.run("fullon", "get", "process", registration.ID()).complains(t, ExitNotFound, registration.ID())
}
