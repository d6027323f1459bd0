package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestD43SecretsAreNeitherStoredNorShown(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-9f3c"
	redis := testserver.NewRedis(t)
	store, rdb := redis.Store(t), redis.Client(t)
	c, venues := client.NewProcesses(store), client.NewVenueErrors(store)
	ctx := t.Context()
	said := bot("grid")
	said.Message = "cannot reach nats://fullon:" + secret + "@db1:4222"
	said.Params = map[string]string{"nats_url": "nats://fullon:" + secret + "@db1:4222,nats://fullon:" + secret + "@db2:4222", "redis": "fullon:" + secret + "@db1"}
	r, err := c.Register(ctx, said)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		r.Update(ctx, domain.ProcessChange{Message: "GET /order?apiKey=" + secret + "&signature=" + secret, Params: map[string]string{"dsn": "password=" + secret}}),
		venues.Push(ctx, "binance", `401 {"listenKey": "`+secret+`"} Authorization: Bearer `+secret),
		second(c.Broadcast(ctx, domain.Broadcast{Type: domain.ProcessBot, Text: "use wss://a:" + secret + "@x", Data: map[string]string{"to": "wss://a:" + secret + "@x"}})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"password", "REDIS_PASSWORD", "api-key", "apiSecret", "private.key"} {
		err := r.Update(ctx, domain.ProcessChange{Params: map[string]string{name: secret}})
		if !errors.Is(err, domain.ErrInvalid) || strings.Contains(err.Error(), secret) {
			t.Errorf("parameter %s: %v, want ErrInvalid without the value", name, err)
		}
	}
	stored := 0
	for iter := rdb.Scan(ctx, 0, "*", 1000).Iterator(); iter.Next(ctx); {
		stored++
		if dump, err := rdb.Dump(ctx, iter.Val()).Result(); err != nil || strings.Contains(dump, secret) {
			t.Errorf("%s holds the secret (%v)", iter.Val(), err)
		}
		var texts string
		switch kind, _ := rdb.Type(ctx, iter.Val()).Result(); kind {
		case "hash":
			texts = fmt.Sprint(rdb.HGetAll(ctx, iter.Val()).Val())
		case "stream":
			texts = fmt.Sprint(rdb.XRange(ctx, iter.Val(), "-", "+").Val())
		}
		if strings.Contains(texts, secret) {
			t.Errorf("%s holds the secret: %s", iter.Val(), texts)
		}
	}
	if stored < 8 {
		t.Fatalf("only %d keys were looked at", stored)
	}
	if p, err := c.Get(ctx, r.ID()); err != nil || p.Params["nats_url"] != "nats://xxxxx@db2:4222" || p.Params["dsn"] != "password=xxxxx" {
		t.Fatalf("%+v (%v)", p.Params, err)
	}
}

func TestD12ProcessesOfARedisThatIsAwayAreUnreachable(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	store := redis.Store(t)
	c, venues := client.NewProcesses(store), client.NewVenueErrors(store)
	r, err := c.Register(t.Context(), bot("grid"))
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Register(t.Context(), bot("grid"))
	if err != nil {
		t.Fatal(err)
	}
	redis.Kill()
	ctx := bounded(t)
	calls := map[string]func() (any, error){
		"Register":     func() (any, error) { return c.Register(ctx, bot("grid")) },
		"Heartbeat":    func() (any, error) { return nil, r.Heartbeat(ctx) },
		"Stop":         func() (any, error) { return nil, c.Stop(ctx, r.ID(), "") },
		"Handle.Stop":  func() (any, error) { return nil, ended.Stop(ctx, "") },
		"Remove":       func() (any, error) { return nil, c.Remove(ctx, r.ID()) },
		"Get":          func() (any, error) { return c.Get(ctx, r.ID()) },
		"Active":       func() (any, error) { return c.Active(ctx, client.ProcessFilter{}) },
		"Component":    func() (any, error) { return c.Component(ctx, "grid") },
		"SystemHealth": func() (any, error) { return c.SystemHealth(ctx) },
		"CleanUp":      func() (any, error) { return c.CleanUp(ctx, 0) },
		"Broadcast":    func() (any, error) { return c.Broadcast(ctx, domain.Broadcast{Type: domain.ProcessBot, Text: "x"}) },
		"Subscribe": func() (any, error) {
			for m, err := range c.Subscribe(ctx, domain.ProcessBot, "") {
				return m, err
			}
			return nil, nil
		},
		"Push": func() (any, error) { return nil, venues.Push(ctx, "binance", "x") },
		"Pop":  func() (any, error) { return venues.Pop(ctx, "binance", time.Second) },
		"List": func() (any, error) { return venues.List(ctx, "binance", 1) },
	}
	if _, err := c.Metrics(ctx); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("Metrics: %v", err)
	}
	var group sync.WaitGroup // each waits for the client library's own attempts
	for what, call := range calls {
		group.Go(func() {
			value, err := call()
			if !errors.Is(err, domain.ErrUnreachable) {
				t.Errorf("%s: %v, want ErrUnreachable", what, err)
			}
			if v := reflect.ValueOf(value); v.IsValid() && !v.IsZero() {
				t.Errorf("%s: the error comes with %+v", what, value)
			}
		})
	}
	group.Wait()
}

// A Redis that comes back empty knows nobody: who runs says so again.
func TestAProcessThatRedisLostIsRegisteredAgain(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	c := client.NewProcesses(redis.Store(t))
	said := bot("grid")
	said.Interval, said.Params = 5*time.Millisecond, map[string]string{"a": "1", "b": "2"}
	r, err := c.Register(t.Context(), said)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Update(t.Context(), domain.ProcessChange{Status: domain.ProcessFailed, Message: "hm", Params: map[string]string{"a": "", "c": "3"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(bounded(t))
	done, told := make(chan error, 1), make(chan error, 1000)
	go func() {
		done <- r.Run(ctx, func(err error) {
			select {
			case told <- err:
			default:
			}
		})
	}()
	redis.Kill()
	if err := <-told; !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("told %v", err)
	}
	redis.Start()
	for {
		p, err := c.Get(ctx, r.ID())
		if err == nil {
			if p.Status != domain.ProcessFailed || p.Message != "hm" || !reflect.DeepEqual(p.Params, map[string]string{"b": "2", "c": "3"}) {
				t.Errorf("came back as %+v", p)
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatal("it did not come back")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// victimVariable makes the test binary register a process and wait to be killed.
const victimVariable = "CLIENT_TEST_VICTIM"

func TestVictim(t *testing.T) {
	addr := os.Getenv(victimVariable)
	if addr == "" {
		return // only for TestAKilledProcessTurnsStaleThenDead
	}
	store, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := client.NewProcesses(store).Register(t.Context(), bot("victim"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nid=%s\n", r.ID())
	t.Fatal(r.Run(t.Context(), nil))
}

func TestAKilledProcessTurnsStaleThenDead(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	store := redis.Store(t)
	victim := exec.CommandContext(bounded(t), os.Args[0], "-test.run=^TestVictim$")
	victim.Env = append(os.Environ(), victimVariable+"="+redis.Addr)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var id string
	for lines := bufio.NewScanner(out); id == "" && lines.Scan(); {
		id, _ = strings.CutPrefix(lines.Text(), "id=")
		if id == lines.Text() {
			id = ""
		}
	}
	_ = victim.Process.Kill()
	_ = victim.Wait()
	c := client.NewProcesses(store)
	last, err := c.Get(t.Context(), id)
	if err != nil || last.PID != victim.Process.Pid {
		t.Fatalf("%+v (%v), want process %d", last, err, victim.Process.Pid)
	}
	for _, at := range []struct {
		after  time.Duration
		health domain.ProcessHealth
	}{{2 * time.Second, domain.ProcessFresh}, {3 * time.Second, domain.ProcessStale}, {6 * time.Second, domain.ProcessDead}} {
		later := c.WithClock(func() time.Time { return last.Heartbeat.Add(at.after) })
		if p, err := later.Get(t.Context(), id); err != nil || p.Health != at.health || p.Status != domain.ProcessRunning || p.Age != at.after {
			t.Fatalf("after %v: %+v (%v), want %s", at.after, p, err, at.health)
		}
	}
}
