package compose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// What somebody did to Redis behind the back of the log is found and mended from
// the command line, and who reads meanwhile is told so.
func TestRedisIsVerifiedAndRebuiltFromTheCommandLine(t *testing.T) {
	t.Parallel()
	nats, redis := testserver.NewNATS(t), testserver.NewRedis(t)
	nats.Bus(t, bus.Layout{})
	u := newUser(t, append(redisEnv(t, redis.Addr), "NATS_URL="+nats.URL)...)
	p := u.start("projector")
	run := func(args string) result { t.Helper(); return u.run("fullon", strings.Fields(args)...) }
	if r := run("set balance 1001 USDT 5"); r.code != ExitOK {
		t.Fatalf("%+v", r)
	}
	stream := bus.Layout{}.WithDefaults().AccountStreamOf("1001")
	if r := run("verify"); r.code != ExitOK || !strings.Contains(r.stdout, stream+": 4 values in 4 keys at 1: as the log says\n") {
		t.Fatalf("undisturbed: %+v", r)
	}
	key := cachestore.DefaultPrefix + "{" + stream + "}:balances:1001"
	if err := redis.Client(t).HSet(t.Context(), key, "EUR", "free money").Err(); err != nil {
		t.Fatal(err)
	}
	const want = `"differences":1,"examples":[{"key":"balances:1001","field":"EUR","log":null,"redis":"free money"}]}`
	if r := run("verify --json --partition " + stream); r.code != ExitFailed || strings.Count(r.stdout, "\n") != 1 || !strings.Contains(r.stdout, want) {
		t.Errorf("disturbed: %+v", r)
	}
	if r := run("verify"); r.code != ExitFailed || !strings.Contains(r.stdout, `balances:1001 "EUR": the log says nothing, Redis has "free money"`) {
		t.Errorf("disturbed: %+v", r)
	}

	run("rebuild --yes").complains(t, ExitUsage, "--partition", "--all")
	run("rebuild --all --partition="+stream).complains(t, ExitUsage, "--partition", "--all")
	run("rebuild --partition=TICKS_9 --yes").complains(t, ExitNotFound, "TICKS_9")
	run("verify --partition=TICKS_9").complains(t, ExitNotFound, "TICKS_9")
	run("rebuild --partition=ticks_0 --yes").complains(t, ExitUsage, "--partition", "ticks_0")
	// Unconfirmed it says what would be lost, and does nothing.
	r := run("rebuild --partition=" + stream)
	if r.code != ExitUsage || !strings.Contains(r.stdout, stream) || !strings.Contains(r.stderr, "nothing was done") {
		t.Errorf("unconfirmed: %+v", r)
	}
	if r := run("rebuild --json --confirm=fullon: --partition=" + stream); r.code != ExitOK || !strings.Contains(r.stdout, `{"stream":"`+stream+`","epoch":`) {
		t.Errorf("confirmed: %+v", r)
	}
	if r := run("verify"); r.code != ExitOK {
		t.Errorf("mended: %+v", r)
	}

	if r, _ := p.interrupt(); r.code != ExitOK {
		t.Fatalf("%+v", r)
	}
	waiting := u.start("fullon", "rebuild", "--all", "--yes")
	rdb := redis.Client(t)
	eventually(t, func() error {
		text, err := rdb.Get(t.Context(), cachestore.DefaultPrefix+"{"+stream+"}:checkpoint").Result()
		if err != nil {
			return err
		}
		if at, err := domain.ParseCheckpoint(text); err != nil || at.Seq != 0 {
			return fmt.Errorf("not begun: %v (%w)", at, err)
		}
		return nil
	})
	run("get balances 1001").complains(t, ExitRebuilding, "being rebuilt")
	if r := run("verify --partition=" + stream); r.code != ExitRebuilding || !strings.Contains(r.stdout, "not compared") {
		t.Errorf("%+v", r)
	}
	u.start("projector")
	if r := waiting.wait(); r.code != ExitOK || !strings.Contains(r.stdout, stream+" is rebuilt, from 1 to 1") {
		t.Errorf("%+v", r)
	}
	if r := run("get balances 1001"); r.code != ExitOK {
		t.Errorf("%+v", r)
	}
}
