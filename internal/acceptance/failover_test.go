package acceptance

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/mockvenue"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/servers"
	"github.com/fullon/fullon/internal/testserver"
)

// roles are the users of deploy.
var roles = []string{"admin", "ingest", "projector", "orderworker", "reader"}

// cluster is what the files in deploy describe: three NATS nodes, three Redis
// masters with a replica each, TLS everywhere, and a user for each role.
type cluster struct {
	*rig
	log   *testserver.NATSCluster
	redis *testserver.RedisCluster
	files testserver.Certificates
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	deploy, err := filepath.Abs(filepath.Join("..", "..", "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{files: testserver.NewCertificates(t)}
	env := []string{"NATS_CERT=" + c.files.ServerCert, "NATS_KEY=" + c.files.ServerKey, "NATS_CA=" + c.files.CA}
	for _, role := range roles {
		env = append(env, strings.ToUpper(role)+"_PASSWORD="+password(role))
	}
	c.log = testserver.NewNATSClusterOf(t, testserver.NATSClusterConfig{
		NATSConfig:  servers.NATSConfig{File: filepath.Join(deploy, "nats", "nats.conf"), Env: env},
		Provisioner: bus.Config{Login: c.login(t, "admin")},
	})
	c.redis = testserver.NewRedisClusterOf(t, testserver.RedisClusterConfig{
		Replicas: true, NodeTimeout: 3 * time.Second, // as the file says
		RedisConfig: testserver.RedisConfig{
			File: filepath.Join(deploy, "redis", "redis.conf"),
			Args: []string{
				"--aclfile", filepath.Join(deploy, "redis", "users.acl"), "--tls-ca-cert-file", c.files.CA,
				"--tls-cert-file", c.files.ServerCert, "--tls-key-file", c.files.ServerKey,
			},
			Client: redis.Options{Username: "admin", Password: password("admin"), TLSConfig: c.files.Client(t)},
		},
	})
	provision := exec.Command(testserver.Command(t, "fullon"), "provision", "--replicas=3", "--exchanges="+exchange)
	provision.Env, provision.Dir = append(c.env("admin"), "HOME="+t.TempDir()), t.TempDir()
	if out, err := provision.CombinedOutput(); err != nil {
		t.Fatalf("provision: %v\n%s", err, out)
	}
	b, err := bus.Connect(t.Context(), bus.Config{URL: c.log.URL, Login: c.login(t, "admin"), Log: testserver.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	c.rig = &rig{t: t, bus: b, url: c.log.URL}
	return c
}

// password is what deploy/redis says; NATS gets the same.
func password(role string) string { return "replace-this-" + role }

func (c *cluster) login(t testing.TB, role string) bus.Login {
	return bus.Login{User: role, Password: password(role), TLS: c.files.Client(t)}
}

// env is the configuration of a role's processes, which is all that they need to
// know of clusters.
func (c *cluster) env(role string) []string {
	redis := c.redis.Config()
	return []string{
		"NATS_URL=" + c.log.URL, "NATS_USER=" + role, "NATS_PASSWORD=" + password(role), "NATS_TLS_CA=" + c.files.CA,
		"REDIS_ADDRS=" + strings.Join(redis.Addrs, ","), "REDIS_USERNAME=" + role, "REDIS_PASSWORD=" + password(role), "REDIS_TLS_CA=" + c.files.CA,
	}
}

// connected is a bot with the rights of a role.
func (c *cluster) connected(role string) (*bus.Bus, *client.Client) {
	c.t.Helper()
	b, err := bus.Connect(c.t.Context(), bus.Config{URL: c.log.URL, Login: c.login(c.t, role), Log: testserver.Quiet()})
	if err == nil {
		err = b.Bind(c.t.Context())
	}
	if err != nil {
		c.t.Fatalf("%s: %v", role, err)
	}
	c.t.Cleanup(b.Close)
	cfg := c.redis.Config()
	cfg.Username, cfg.Password = role, password(role)
	store, err := cachestore.Connect(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatalf("%s: %v", role, err)
	}
	c.t.Cleanup(func() { _ = store.Close() })
	handle := client.New(b, store)
	c.t.Cleanup(handle.Close)
	return b, handle
}

// permitted checks that no server has refused anything to a process.
func permitted(p *process) {
	p.t.Helper()
	for text := range strings.Lines(p.out.String()) {
		if strings.Contains(text, "ermissions Violation") || strings.Contains(text, "NOPERM") || strings.Contains(text, "does not permit") || strings.Contains(text, "can't run this command") {
			p.t.Errorf("%s was refused something: %s", p.name, text)
		}
	}
}

// numbered publishes trades with numbers until the context ends, and returns how
// many the log has acknowledged.
func (c *cluster) numbered(ctx context.Context, b *bus.Bus) <-chan uint64 {
	publisher := b.NewOrderedPublisher(100_000)
	acked, ran := make(chan uint64, 1), make(chan error, 1)
	go func() { ran <- publisher.Run(ctx, patience) }()
	go func() {
		for n := 1; ctx.Err() == nil; n++ {
			if err := publisher.Publish(numberedTrade(n)); err != nil {
				c.t.Error(err)
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
		if err := <-ran; err != nil {
			c.t.Error(err)
		}
		acked <- publisher.Stats().Acked
	}()
	return acked
}

const numberedSymbol = "NUM/USDT"

func numberedTrade(n int) domain.Trade {
	return domain.Trade{
		Exchange: exchange, Symbol: numberedSymbol, ID: fmt.Sprint(n), Side: domain.Buy, Price: domain.MustDecimal("1"),
		Volume: domain.MustDecimal("1"), Time: time.Now(), Received: time.Now(),
	}
}

// fresh waits until a reader gets a trade that was made after now.
func (c *cluster) fresh(reader *client.Client) time.Duration {
	c.t.Helper()
	start := time.Now()
	eventually(c.t, "a fresh read", func() string {
		trades, err := reader.Trades.List(c.t.Context(), exchange, numberedSymbol, 1)
		if err != nil {
			return err.Error()
		}
		if len(trades) == 0 || trades[0].Received.Before(start) {
			return "nothing new"
		}
		return ""
	})
	return time.Since(start)
}

func TestTheLeaderOfAStreamAndAMasterOfRedisAreKilledUnderLoad(t *testing.T) {
	t.Parallel()
	rec := recorded(t, eth).excerpt(t, 2000)
	c := newCluster(t)
	projector := start(t, "projector", c.env("projector")...)
	venue := c.play(replay.Config{}, rec)
	c.rig.env = c.env("ingest")
	ingest := c.ingest(venue.WSURL(), venue.RESTURL(), rec)
	mock, err := mockvenue.New(1, orderTimeout)
	if err != nil {
		t.Fatal(err)
	}
	defer mock.Close()
	worker := start(t, "orderworker", append(c.env("orderworker"), "FULLON_PAPER_URL="+mock.URL,
		"FULLON_ORDER_EXCHANGE="+exchange, "FULLON_ORDER_ACCOUNTS="+orderAccount)...)
	_, reader := c.connected("reader")
	publishing, _ := c.connected("ingest")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acked := c.numbered(ctx, publishing)
	c.fresh(reader)

	stream := c.bus.Layout().TradeStreamOf(exchange, numberedSymbol)
	node := c.log.Leader(stream)
	c.log.Kill(node)
	t.Logf("fresh %v after the leader of %s was killed", c.fresh(reader), stream)
	c.log.Start(node)
	master := c.redis.NodeOf(t, "fullon:{"+stream+"}:checkpoint")
	c.redis.Nodes[master].Kill()
	t.Logf("fresh %v after the master of it was killed", c.fresh(reader))
	c.redis.Nodes[master].Start()
	cancel()
	n := <-acked

	c.log.Serving()
	trades := c.trades(numberedSymbol)
	if len(trades) != int(n) || n == 0 {
		t.Fatalf("%d trades were acknowledged, the log has %d", n, len(trades))
	}
	for i, trade := range trades {
		if !strings.HasPrefix(trade.text, fmt.Sprint(i+1)+" ") {
			t.Fatalf("trade %d of the log is %s", i+1, trade.text)
		}
	}
	c.finished(venue)
	c.stored(rec)
	c.ordered()
	c.cached(reader, rec, cap10k)
	ingest.stop()
	worker.stop()
	c.caughtUpIn(projector, c.redis.Store(t))
	c.redis.Serving()
	projector.stop()
	for _, p := range []*process{projector, ingest, worker} {
		permitted(p)
	}
	// What belongs to leases is no fold of the log.
	own := func(key, _ string) bool {
		return strings.Contains(key, "{ORDERS_") || strings.Contains(key, "{RATES}") || strings.Contains(key, "{VENUE_ERRORS}")
	}
	got := make(map[string]string)
	for i, node := range c.redis.Nodes {
		if c.redis.IsMaster(i) {
			maps.Copy(got, contentIn(t, node.Client(t)))
		}
	}
	want := c.undisturbedAlone()
	maps.DeleteFunc(got, own)
	maps.DeleteFunc(want, own)
	same(t, got, want)
}

// ordered pushes orders, which the worker must take to its venue.
func (c *cluster) ordered() {
	c.t.Helper()
	_, trader := c.connected("admin")
	ctx := c.t.Context()
	o := &orderRig{rig: c.rig}
	base, _, _ := strings.Cut(symbolOf(0), "/")
	_, err := trader.Symbols.Set(ctx, domain.Symbol{
		Exchange: exchange, Name: symbolOf(0), VenueSymbol: base + "USDT", Base: base, Quote: "USDT", Trading: true,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range 5 {
		id := fmt.Sprintf("order-%d", i)
		o.tick(ctx, trader)
		if _, _, err := trader.Orders.Push(ctx, orderOf(id, "one", symbolOf(0))); err != nil {
			c.t.Fatal(err)
		}
		eventually(c.t, id, func() string {
			order, err := trader.Orders.Get(ctx, exchange, id)
			switch {
			case err != nil:
				return err.Error()
			case order.Status.Queued():
				return fmt.Sprintf("is %v", order.Status)
			}
			return ""
		})
	}
}

// undisturbedAlone is what one projector makes of the log in a Redis of its own,
// without users.
func (c *cluster) undisturbedAlone() map[string]string {
	c.t.Helper()
	redis := testserver.NewRedis(c.t)
	host, port, _ := strings.Cut(redis.Addr, ":")
	var env []string
	for _, e := range c.env("projector") {
		if !strings.HasPrefix(e, "REDIS_") {
			env = append(env, e)
		}
	}
	p := start(c.t, "projector", append(env, "REDIS_HOST="+host, "REDIS_PORT="+port)...)
	c.caughtUp(p, redis)
	p.stop()
	return contentOf(c.t, redis)
}
