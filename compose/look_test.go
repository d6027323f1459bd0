package compose

import (
	"encoding/json"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func redisEnv(t *testing.T, addr string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"REDIS_HOST=" + host, "REDIS_PORT=" + port}
}

var lookCommands = []string{
	"order list sim",
	"get ticker sim BTC/USDT", "get tickers sim", "get trades sim BTC/USDT", "get candles sim BTC/USDT 1m", "watch tickers sim", "status",
}

func TestWithoutServersEveryCommandEndsSoonWithCodeFour(t *testing.T) {
	t.Parallel()
	log := "NATS_URL=nats://bot:" + secret + "@" + nobody(t)
	u := newUser(t, append(redisEnv(t, nobody(t)), log, "REDIS_PASSWORD="+secret)...)
	commands := append([]string{"provision", "up"}, lookCommands...)
	for _, args := range commands {
		r := u.run("fullon", strings.Fields(args)...)
		t.Logf("fullon %s: %v", args, r.took)
		if args == "up" {
			r.stdout = "" // it says where it looked
		}
		r.complains(t, ExitUnreachable, "unreachable")
	}
	u.run("ingest").complains(t, ExitUnreachable, "unreachable")
	u.run("projector").complains(t, ExitUnreachable, "unreachable")
}

func TestWhoNamedNoServersIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	// Somebody may run a real log on its default port.
	if c, err := net.DialTimeout("tcp", "127.0.0.1:4222", time.Second); err == nil {
		_ = c.Close()
		t.Log("something listens on 4222, nothing to see")
		return
	}
	newUser(t).run("fullon", "status").complains(t, ExitUnreachable, "no 'fullon up' is running; start one, or name servers with --nats-url and --redis-host")
}

func TestWithoutRedisAloneTheMessageNamesRedis(t *testing.T) {
	t.Parallel()
	nats := testserver.NewNATS(t)
	nats.Bus(t, bus.Layout{})
	redis := nobody(t)
	u := newUser(t, append(redisEnv(t, redis), "NATS_URL="+nats.URL)...)
	u.run("fullon", "status").complains(t, ExitUnreachable, "Redis at "+redis)
	u.run("projector").complains(t, ExitUnreachable, "Redis at "+redis)
}

func TestADeploymentThatDoesNotFitIsAClearLine(t *testing.T) {
	t.Parallel()
	nats, redis := testserver.NewNATS(t), testserver.NewRedis(t)
	u := newUser(t, append(redisEnv(t, redis.Addr), "NATS_URL="+nats.URL)...)
	for _, r := range []result{u.run("fullon", "status"), u.run("ingest"), u.run("projector")} {
		r.complains(t, ExitNotFound, "the deployment is not provisioned, run 'fullon provision'")
	}
	r := u.run("fullon", "provision", "--tick-partitions=2", "--trade-partitions=3")
	if r.code != ExitOK || r.stdout != "provisioned: 2 partitions of ticks, 3 of trades, 4 of accounts, orders of binance, bybit, coinbase, kraken, okx, 1 replicas\n" {
		t.Fatalf("provision: %+v", r)
	}
	const wrong = "--tick-partitions=4"
	for _, r := range []result{
		u.run("fullon", "status", wrong), u.run("ingest", wrong), u.run("projector", wrong), u.run("fullon", "provision", wrong),
		u.run("fullon", "up", "--http=off", wrong),
	} {
		r.stdout = ""
		r.complains(t, ExitFailed, "configuration mismatch: the deployment has 2 tick partitions, this process is configured for 4")
	}
	for _, args := range lookCommands[:4] {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitNotFound, "not found", "sim")
	}
}

// keys are the names of an object that a line of JSON holds.
func keys(t *testing.T, line string) (map[string]any, []string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(line), &object); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return object, slices.Sorted(maps.Keys(object))
}

func sorted(names string) []string { return slices.Sorted(slices.Values(strings.Fields(names))) }

const (
	tickKeys   = "exchange symbol price bid bid_size ask ask_size last volume time received sequence age_ms stale"
	tradeKeys  = "exchange symbol trade_id side price volume cost time received sequence"
	candleKeys = "exchange symbol timeframe time open high low close volume trades source closed sequence"
	streamKeys = "stream first last bytes checkpoint lag lag_seconds epoch retention_used projectors rate conflicts"
)

// Programs of other people read these names and types.
func TestJSONHasStableNamesAndDecimalsAsStrings(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	up := u.up("--symbols=BTC/USDT")
	for _, c := range []struct{ args, keys, decimals string }{
		{"get ticker sim BTC/USDT", tickKeys, "price bid bid_size ask ask_size last volume"},
		{"get tickers sim", tickKeys, "price bid bid_size ask ask_size last volume"},
		{"get trades sim BTC/USDT --limit=3", tradeKeys, "price volume cost"},
		{"get candles sim BTC/USDT 1m", candleKeys, "open high low close volume"},
		{"status", streamKeys, ""},
	} {
		r := u.run("fullon", append(strings.Fields(c.args), "--json")...)
		if r.code != ExitOK || r.stderr != "" {
			t.Fatalf("%s: %+v", c.args, r)
		}
		for line := range strings.Lines(r.stdout) {
			object, names := keys(t, line)
			if !slices.Equal(names, sorted(c.keys)) {
				t.Errorf("%s: names %v", c.args, names)
			}
			for _, name := range strings.Fields(c.decimals) {
				text, ok := object[name].(string)
				if _, err := domain.ParseDecimal(name, text); !ok || err != nil {
					t.Errorf("%s: %s is %v, want a decimal as a string", c.args, name, object[name])
				}
			}
		}
	}
	if lines := strings.Count(u.run("fullon", "status", "--json").stdout, "\n"); lines != 3*bus.DefaultPartitions+len(bus.DefaultExchanges())+2 { // the simulated venue and the catalogue
		t.Errorf("status has %d lines", lines)
	}
	watch := u.start("fullon", "watch", "tickers", "sim", "BTC/USDT", "--json")
	watch.says("\n")
	_, names := keys(t, strings.SplitN(watch.out.String(), "\n", 2)[0])
	if !slices.Equal(names, sorted(tickKeys)) {
		t.Errorf("watch: names %v", names)
	}
	if r, _ := watch.interrupt(); r.code != ExitOK || r.stderr != "" {
		t.Errorf("watch after Ctrl-C: %d %s", r.code, r.stderr)
	}
	for _, args := range lookCommands[:4] {
		args = strings.ReplaceAll(args, "BTC", "ETH")
		args = strings.ReplaceAll(args, "tickers sim", "tickers nowhere")
		u.run("fullon", strings.Fields(args)...).complains(t, ExitNotFound, "not found")
	}
	if r, took := up.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("up after Ctrl-C: %d in %v\n%s", r.code, took, r.stderr)
	}
}
