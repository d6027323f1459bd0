package acceptance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// What a deployment has that is repartitioned.
const (
	movedTrades   = 12_000
	movedMarkets  = 13
	movedAccounts = 11
	movedOrders   = 3
)

// moving is a deployment on a NATS cluster and a Redis Cluster that is
// repartitioned.
type moving struct {
	t     *testing.T
	log   *testserver.NATSCluster
	redis *testserver.RedisCluster
	env   []string
}

// bound is a connection, and a reader, of a process that begins now.
func (m *moving) bound() (*bus.Bus, *client.Client) {
	m.t.Helper()
	b := connect(m.t, m.log.URL)
	eventually(m.t, "the deployment is as it should be", func() string {
		if err := b.Bind(m.t.Context()); err != nil {
			return err.Error()
		}
		return ""
	})
	c := client.New(b, m.redis.Store(m.t))
	m.t.Cleanup(c.Close)
	return b, c
}

// markets are those that the deployment has trades of.
func (*moving) market(i int) string { return fmt.Sprintf("M%d/USDT", i%movedMarkets) }

// fill stores something of everything and returns the orders.
func (m *moving) fill(b *bus.Bus, c *client.Client) {
	m.t.Helper()
	at := time.Now().Add(-time.Minute)
	streams := make(map[string][]domain.Event)
	for i := range movedTrades {
		trade := domain.Trade{
			Exchange: exchange, Symbol: m.market(i), ID: strconv.Itoa(i + 1), Side: domain.Buy, Price: domain.MustDecimal(strconv.Itoa(i + 1)),
			Volume: domain.MustDecimal("1"), Time: at.Add(time.Duration(i) * time.Millisecond), Received: at,
		}
		stream := b.Layout().TradeStreamOf(exchange, trade.Symbol)
		streams[stream] = append(streams[stream], trade)
	}
	for i := range 40 {
		tick := domain.Tick{Exchange: exchange, Symbol: m.market(i), Last: domain.MustDecimal(strconv.Itoa(i + 1)), Received: at}
		stream := b.Layout().TickStreamOf(exchange, tick.Symbol)
		streams[stream] = append(streams[stream], tick)
		amount := domain.MustDecimal(strconv.Itoa(i + 1))
		if _, err := c.Accounts.SetBalance(m.t.Context(), domain.Balance{Account: strconv.Itoa(i % movedAccounts), Currency: "USDT", Total: amount, Free: amount}); err != nil {
			m.t.Fatal(err)
		}
	}
	for stream, events := range streams {
		if _, err := b.PublishAll(m.t.Context(), events); err != nil {
			m.t.Fatalf("%s: %v", stream, err)
		}
	}
	for i := range movedOrders {
		if _, _, err := c.Orders.Push(m.t.Context(), orderOf(fmt.Sprintf("moved-%d", i), "one", "M0/USDT")); err != nil {
			m.t.Fatal(err)
		}
	}
}

// reads is what a reader is told of everything, without the places in the log,
// which are others in other streams. What is not there yet is an error.
func (m *moving) reads(c *client.Client) (told []string, err error) {
	ctx := m.t.Context()
	say := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	for i := range movedMarkets {
		trades, failed := c.Trades.List(ctx, exchange, m.market(i), movedTrades)
		err = errors.Join(err, failed)
		for _, t := range trades {
			say("%s %s", t.Symbol, textOf(t))
		}
		tick, failed := c.Ticks.Get(ctx, exchange, m.market(i))
		err = errors.Join(err, failed)
		say("%s %s", tick.Symbol, tick.Last)
	}
	for i := range movedAccounts {
		balance, failed := c.Accounts.Balance(ctx, strconv.Itoa(i), "USDT")
		err = errors.Join(err, failed)
		say("%s %s", balance.Account, balance.Total)
	}
	for i := range movedOrders {
		order, failed := c.Orders.Get(ctx, exchange, fmt.Sprintf("moved-%d", i))
		err = errors.Join(err, failed)
		say("%s %v %d", order.ID, order.Status, order.First)
	}
	return told, err
}

// command is 'fullon' with arguments.
func (m *moving) command(args ...string) (cmd *exec.Cmd, out *output) {
	m.t.Helper()
	cmd, out = exec.CommandContext(m.t.Context(), testserver.Command(m.t, "fullon"), args...), &output{}
	cmd.Dir = m.t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}, m.env...)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// repartition runs until it has succeeded, and calls meanwhile, if there is one,
// when the first run copies trades.
func (m *moving) repartition(count int, meanwhile func()) {
	m.t.Helper()
	eventually(m.t, "the repartition", func() string {
		cmd, out := m.command("repartition", "--partitions", strconv.Itoa(count), "--yes")
		if err := cmd.Start(); err != nil {
			m.t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for meanwhile != nil && !strings.Contains(out.String(), "trades: copy") {
			select {
			case err := <-ended:
				m.t.Fatalf("it ended before it copied trades: %v\n%s", err, out)
			case <-time.After(time.Millisecond):
			}
		}
		if meanwhile != nil {
			meanwhile()
			meanwhile = nil
		}
		if err := <-ended; err != nil {
			m.t.Logf("%v: %s", err, out)
			if !strings.Contains(out.String(), "unreachable") || !strings.Contains(out.String(), "run it again to finish it") {
				m.t.Fatal("it does not say that the log is away and what is to be done")
			}
			return out.String()
		}
		return ""
	})
}

// A deployment on a NATS cluster and a Redis Cluster is moved to more and to fewer
// partitions, and the second time the leader of a stream that is copied to is
// killed in the middle: readers are told what they were told before, Redis is what
// the log says, and nothing of the old partitions is left.
func TestADeploymentOnClustersIsRepartitioned(t *testing.T) {
	t.Parallel()
	m := &moving{t: t, log: testserver.NewNATSCluster(t), redis: testserver.NewRedisCluster(t)}
	m.env = []string{"NATS_URL=" + m.log.URL, "REDIS_CLUSTER=true", "REDIS_ADDRS=" + strings.Join(m.redis.Config().Addrs, ",")}
	m.log.Bus(t, bus.Layout{Ticks: 4, Trades: 4, Accounts: 4})
	b, reader := m.bound()
	crew := []*process{start(t, "projector", m.env...), start(t, "projector", m.env...)}
	m.fill(b, reader)
	var want []string
	eventually(t, "everything in Redis", func() string {
		told, err := m.reads(reader)
		if want = told; err != nil || len(told) != movedTrades+movedMarkets+movedAccounts+movedOrders {
			return fmt.Sprintf("%d lines (%v)", len(told), err)
		}
		return ""
	})
	rdb := m.redis.Client(t)
	for i, count := range []int{7, 2} {
		old := b.Layout()
		next := bus.Layout{Ticks: count, Trades: count, Accounts: count, Generation: bus.Generation{Ticks: i + 1, Trades: i + 1, Accounts: i + 1}}
		killed := -1
		var kill func()
		if i > 0 {
			kill = func() {
				killed = m.log.Leader(next.TradeStreams()[0])
				m.log.Kill(killed)
			}
		}
		m.repartition(count, kill)
		for _, p := range crew {
			<-p.ended
			if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.out.String(), "were repartitioned since this process began") {
				t.Errorf("a projector of before ended with exit code %d", code)
			}
		}
		for _, stream := range old.Streams() {
			if m.hasKeys(rdb, stream) {
				t.Errorf("Redis has something of %s", stream)
			}
		}
		if killed >= 0 {
			m.log.Start(killed)
			m.log.Serving()
		}
		b, reader = m.bound()
		if l := b.Layout(); l != next {
			t.Fatalf("%+v", l)
		}
		crew = []*process{start(t, "projector", m.env...), start(t, "projector", m.env...)}
		eventually(t, "the same reads as before", func() string {
			told, err := m.reads(reader)
			if err != nil || !slices.Equal(told, want) {
				return fmt.Sprintf("%d lines, want %d (%v)", len(told), len(want), err)
			}
			return ""
		})
		verify, out := m.command("verify")
		if err := verify.Run(); err != nil || strings.Contains(out.String(), "unproven") {
			t.Errorf("%v: %s", err, out)
		}
	}
	for _, p := range crew {
		p.stop()
	}
}

// hasKeys reports whether Redis has something of a stream.
func (m *moving) hasKeys(rdb *redis.ClusterClient, stream string) (found bool) {
	m.t.Helper()
	key := cachestore.DefaultPrefix + "{" + stream + "}"
	master, err := rdb.MasterForKey(m.t.Context(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	keys, err := master.Keys(m.t.Context(), key+"*").Result()
	if err != nil {
		m.t.Fatal(err)
	}
	return len(keys) > 0
}
