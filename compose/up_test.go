package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/internal/testserver"
)

// stopDeadline is twice what people are promised: the machine may be busy.
const stopDeadline = 10 * time.Second

// counters are the newest sequence of each stream.
func (u *user) counters(args ...string) (last map[string]uint64, err error) {
	u.t.Helper()
	r := u.run("fullon", append([]string{"status", "--json"}, args...)...)
	if r.code != ExitOK {
		return nil, fmt.Errorf("status: %d %s", r.code, r.stderr)
	}
	last = map[string]uint64{}
	for line := range strings.Lines(r.stdout) {
		var s struct {
			Stream string
			Last   uint64
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			return nil, err
		}
		last[s.Stream] = s.Last
	}
	return last, nil
}

type tradeLine struct {
	TradeID  string `json:"trade_id"`
	Sequence uint64
}

func (u *user) trades() (trades []tradeLine, err error) {
	u.t.Helper()
	r := u.run("fullon", "get", "trades", "sim", "BTC/USDT", "--limit=10000", "--json")
	if r.code != ExitOK {
		return nil, fmt.Errorf("get trades: %d %s", r.code, r.stderr)
	}
	for line := range strings.Lines(r.stdout) {
		var trade tradeLine
		if err := json.Unmarshal([]byte(line), &trade); err != nil {
			return nil, err
		}
		trades = append(trades, trade)
	}
	return trades, nil
}

// up starts 'fullon up' and waits for what it shows soon after its first quote: a
// trade and the catalogue.
func (u *user) up(args ...string) *process {
	u.t.Helper()
	p := u.start("fullon", append([]string{"up"}, args...)...)
	p.says("sim BTC/USDT bid=6")
	eventually(u.t, func() error {
		if _, err := u.trades(); err != nil {
			return err
		}
		if r := u.run("fullon", "get", "symbol", "sim", "BTC/USDT"); r.code != ExitOK {
			return fmt.Errorf("get symbol: %d %s", r.code, r.stderr)
		}
		return nil
	})
	return p
}

// continues runs up twice on one data directory, and ends it in between.
func continues(t *testing.T, u *user, end func(*process)) {
	t.Helper()
	first := u.up("--symbols=BTC/USDT")
	before, err := u.trades()
	if err != nil {
		t.Fatal(err)
	}
	counted, err := u.counters()
	if err != nil {
		t.Fatal(err)
	}
	end(first)
	second := u.up("--symbols=BTC/USDT")
	eventually(t, func() error {
		after, err := u.trades()
		if err != nil {
			return err
		}
		if len(after) <= len(before) {
			return fmt.Errorf("%d trades after %d", len(after), len(before))
		}
		for i := range before {
			if before[i] != after[i] {
				t.Fatalf("trade %d was %v and is %v", i, before[i], after[i])
			}
		}
		for i := 1; i < len(after); i++ {
			last, err1 := strconv.ParseInt(after[i-1].TradeID, 10, 64)
			next, err2 := strconv.ParseInt(after[i].TradeID, 10, 64)
			if err1 != nil || err2 != nil || next != last+1 {
				t.Fatalf("trade %s follows %s", after[i].TradeID, after[i-1].TradeID)
			}
		}
		return nil
	})
	now, err := u.counters()
	if err != nil {
		t.Fatal(err)
	}
	for stream, last := range counted {
		if now[stream] < last {
			t.Errorf("%s went back from %d to %d", stream, last, now[stream])
		}
	}
	if r, took := second.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("second up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
	}
}

func TestUpStopsByItselfAndSaysWhereTheLogIs(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	r := newUser(t).run("fullon", "up", "--for=3s", "--data="+data)
	t.Logf("up --for=3s took %v", r.took)
	if r.code != ExitOK || !strings.HasSuffix(r.stdout, "stopped; what the log holds is in "+data+"\n") {
		t.Errorf("up: %+v", r)
	}
}

func TestUpThatIsToldToStopWhileItStartsEndsWell(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"1ms", "40ms", "150ms"} {
		if r := newUser(t).run("fullon", "up", "--for="+after); r.code != ExitOK {
			t.Errorf("--for=%s: %+v", after, r)
		}
	}
}

func TestASecondUpAfterCtrlCGoesOnWithTheSameHistory(t *testing.T) {
	t.Parallel()
	continues(t, newUser(t), func(p *process) {
		r, took := p.interrupt()
		t.Logf("Ctrl-C: %v", took)
		if r.code != ExitOK || took > stopDeadline {
			t.Errorf("up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
		}
	})
}

func TestASecondUpAfterSIGKILLGoesOnWithTheSameHistory(t *testing.T) {
	t.Parallel()
	continues(t, newUser(t), func(p *process) {
		redis := redisChildOf(t, p)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.wait()
		eventually(t, func() error { return gone(redis) })
	})
}

func TestWithoutRedisServerUpSaysSoAndWorksAllTheSame(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.env = append(u.env, "PATH="+t.TempDir())
	continues(t, u, func(p *process) {
		if !strings.Contains(p.out.String(), "in-process miniredis, because no redis-server is on PATH") {
			t.Errorf("up does not say which Redis it has:\n%s", &p.out)
		}
		if r, _ := p.interrupt(); r.code != ExitOK {
			t.Errorf("up after Ctrl-C: %d\n%s", r.code, r.stderr)
		}
	})
}

// The queues' scripts do on the embedded Redis what they do on a server.
func TestWithoutRedisServerAnOrderThatMustWaitLetsThoseOfOtherBotsPass(t *testing.T) {
	t.Parallel()
	u := newUser(t, "FULLON_NO_PAPER=false")
	u.env = append(u.env, "PATH="+t.TempDir())
	u.up("--symbols=BTC/USDT", "--no-bots")
	for _, args := range []string{
		"block sim BTC/USDT --bot holder --for 10m",
		"order push sim BTC/USDT buy 0.1 --account paper --bot other --id waits",
		"order push sim BTC/USDT buy 0.1 --account paper --bot holder --id passes",
	} {
		if r := u.run("fullon", strings.Fields(args)...); r.code != ExitOK {
			t.Fatalf("%s: %+v", args, r)
		}
	}
	eventually(t, func() error {
		if r := u.run("fullon", "order", "get", "sim", "passes", "--json"); !strings.Contains(r.stdout, `"status":"filled"`) {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	if r := u.run("fullon", "order", "get", "sim", "waits", "--json"); !strings.Contains(r.stdout, `"status":"new"`) {
		t.Errorf("%+v", r)
	}
}

// redisChildOf is the process id of the private redis-server.
func redisChildOf(t *testing.T, p *process) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		t.Skip("needs /proc")
	}
	for _, task := range tasks {
		body, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, child := range strings.Fields(string(body)) {
			if name, err := os.ReadFile("/proc/" + child + "/comm"); err == nil && strings.TrimSpace(string(name)) == "redis-server" {
				pid, err := strconv.Atoi(child)
				if err != nil {
					t.Fatal(err)
				}
				return pid
			}
		}
	}
	t.Fatal("no redis-server is a child of up")
	return 0
}

func gone(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) || strings.Contains(string(stat), ") Z ") {
		return nil
	}
	return fmt.Errorf("process %d is still there: %s", pid, stat)
}

func TestOthersFindARunningUpAndCannotShareItsData(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.env = append(u.env, "XDG_DATA_HOME="+t.TempDir())
	other := filepath.Join(t.TempDir(), "data")
	one := u.up("--symbols=BTC/USDT")
	two := u.start("fullon", "up", "--symbols=ETH/USDT", "--data="+other, "--redis-db=3", "--redis-prefix=mine:", "--tick-partitions=2", "--trade-partitions=1", "--account-partitions=1")
	two.says("sim ETH/USDT bid=")
	redis := redisChildOf(t, one)

	u.run("fullon", "up").complains(t, ExitFailed, fmt.Sprintf("in use by 'fullon up' with process id %d", one.cmd.Process.Pid), "--data")
	u.run("fullon", "up", "--data="+other).complains(t, ExitFailed, fmt.Sprintf("in use by 'fullon up' with process id %d", two.cmd.Process.Pid))

	has := func(partitions int, args ...string) {
		t.Helper()
		others := len(bus.DefaultExchanges()) + 2 // orders, also of the simulated venue, and the catalogue
		if last, err := u.counters(args...); err != nil || len(last) != partitions+others {
			t.Errorf("status %v: %v %v", args, last, err)
		}
	}
	has(12)
	has(4, "--data="+other)
	if r := u.run("fullon", "get", "ticker", "sim", "ETH/USDT", "--data="+other); r.code != ExitOK {
		t.Errorf("a ticker of the other: %+v", r)
	}
	if r, took := one.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
	}
	if err := gone(redis); err != nil {
		t.Error(err)
	}
	has(4) // the other is now the only one
	if err := two.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	two.wait()
	if _, err := os.Stat(filepath.Join(other, runningFile)); err != nil {
		t.Fatalf("a killed up leaves its announcement: %v", err)
	}
	u.run("fullon", "status", "--data="+other, "--nats-url=nats://"+nobody(t)).complains(t, ExitUnreachable)
	if _, err := u.counters("--data=" + other); err == nil {
		t.Error("a dead up is found")
	}
}

func TestUpUsesServersThatItIsGiven(t *testing.T) {
	t.Parallel()
	nats, redis := testserver.NewNATS(t), testserver.NewRedis(t)
	u := newUser(t, append(redisEnv(t, redis.Addr), "REDIS_DB=2")...)
	up := u.up("--symbols=BTC/USDT", "--nats-url="+strings.Replace(nats.URL, "://", "://bot:"+secret+"@", 1))
	if out := up.out.String(); strings.Contains(out, "embedded") || strings.Contains(out, "private") || !strings.Contains(out, redis.Addr) {
		t.Errorf("up says\n%s", out)
	}
	if n := redis.Client(t).Do(t.Context(), "SELECT", 2).Err(); n != nil {
		t.Fatal(n)
	}
	if _, err := u.counters(); err != nil {
		t.Error(err)
	}
	if body, err := os.ReadFile(filepath.Join(u.home, ".local/share/fullon", runningFile)); err == nil && strings.Contains(string(body), secret) {
		t.Errorf("the announcement holds the secret:\n%s", body)
	}
	if r, took := up.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
	}
}

func TestAPrivateRedisWantsNoPassword(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"redis-server": os.Getenv("PATH"), "miniredis": "/nowhere"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t, "REDIS_PASSWORD="+secret, "REDIS_USERNAME=bot")
			u.env = append(u.env, "PATH="+path)
			up := u.up("--symbols=BTC/USDT")
			if r := u.run("fullon", "get", "ticker", "sim", "BTC/USDT"); r.code != ExitOK {
				t.Errorf("get ticker: %+v", r)
			}
			if r, _ := up.interrupt(); r.code != ExitOK {
				t.Errorf("up after Ctrl-C: %+v", r)
			}
		})
	}
}

func TestAPortThatIsTakenIsAClearLine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := newUser(t).run("fullon", "up", "--log-level=error", "--http="+l.Addr().String())
	r.stdout = ""
	r.complains(t, ExitFailed, "FULLON_HTTP (--http): cannot listen on "+l.Addr().String()+": address already in use")
}

func TestHealthAndMetricsOfUpAreGood(t *testing.T) {
	t.Parallel()
	addr := nobody(t)
	up := newUser(t).start("fullon", "up", "--http="+addr)
	up.says("sim BTC/USDT bid=6")
	var health struct {
		Status     string
		Log, Redis *struct{ Error string }
		Feeds      []struct{ Exchange, State string }
		Partitions []struct{ Stream string }
	}
	eventually(t, func() error { return getJSON("http://"+addr+"/healthz", &health) })
	if health.Status != "ok" || health.Log == nil || health.Redis == nil || len(health.Feeds) != 1 || health.Feeds[0].State != "live" || len(health.Partitions) < 13 {
		t.Errorf("health %+v", health)
	}
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	problems, err := promlint.New(resp.Body).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if r, took := up.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
	}
}

func getJSON(url string, into any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s %w", url, resp.StatusCode, body, err)
	}
	return json.Unmarshal(body, into)
}
