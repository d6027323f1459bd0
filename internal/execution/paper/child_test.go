package paper_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

// childDir is the environment variable that makes the test binary a paper
// server, with its journal there.
const childDir = "FULLON_TEST_PAPER_DIR"

func isChild() bool { return os.Getenv(childDir) != "" }

func contains(text, part string) bool { return strings.Contains(text, part) }

// beating is ticks that change all the time by themselves.
type beating struct{ feed *papertest.Ticks }

func (b beating) Get(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	return b.feed.Get(ctx, exchange, symbol)
}

func (b beating) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	return b.feed.GetEach(ctx, exchange, symbols)
}

func (b beating) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for i := 0; ; i++ {
			asks := [...]string{"101", "100", "99", "100.5"}
			tick := b.feed.Store(market("98", "7", asks[i%len(asks)], "3"))
			if !yield(tick, nil) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}
}

// runChild serves until it is killed, or its parent is gone.
func runChild() {
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	f := papertest.NewTicks()
	f.Store(market("98", "7", "101", "3"))
	x, err := paper.Open(paper.Config{
		Exchange: "binance", Dir: os.Getenv(childDir), Ticks: beating{f}, LimitSizes: true, MakerBPS: dec("10"), TakerBPS: dec("20"),
		Balances:     map[string]domain.Decimal{"USDT": dec(executiontest.BeginsQuote), "BTC": dec(executiontest.BeginsBase)},
		CompactBytes: 256 << 10, // so that kills meet compactions too
	})
	fail(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	fail(err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // ends with the parent
		cancel()
	}()
	fmt.Println("listening", listener.Addr())
	go func() { fail(x.Run(ctx)) }()
	fail(paper.NewServer(paper.ServerConfig{Exchanges: []*paper.Exchange{x}}).Run(ctx, listener))
	fail(x.Close())
}

// child is a paper server in a process of its own.
type child struct {
	cmd     *exec.Cmd
	address string
	wait    func()
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), childDir+"="+dir)
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.wait = sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = c.cmd.Wait() // it was killed
	})
	t.Cleanup(c.kill)
	text, err := bufio.NewReader(stdout).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(text), "listening ")
	if err != nil || !ok {
		t.Fatalf("the child says %q, %v", text, err)
	}
	c.address = address
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended
	c.wait()
}

func childClient(t *testing.T, c *child) *paper.Client {
	t.Helper()
	client, err := paper.NewClient(paper.ClientConfig{
		URL: "http://" + c.address, Exchange: "binance", Account: "main", BackoffInitial: time.Millisecond, BackoffMax: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// told is what a venue said of the orders, the furthest of each.
type told struct {
	mu      sync.Mutex
	reports map[string]execution.Report
	sent    []domain.Order
}

func (k *told) hear(o domain.Order, r execution.Report, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil && !r.Filled.LessThan(k.reports[o.ID].Filled) {
		k.reports[o.ID] = r
	}
}

func TestKilledInTheMiddleOfItsWorkItLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	known := &told{reports: make(map[string]execution.Report)}
	fills := make(map[string]domain.Fill) // all that was ever delivered, by id
	for round := range 6 {
		server := startChild(t, dir)
		client := childClient(t, server)
		sink, stop := executiontest.Listen(t, client)
		var group sync.WaitGroup
		for worker := range 4 {
			group.Go(func() { trade(known, client, round, worker) })
		}
		// In the middle: when some of this round's fills were delivered.
		executiontest.Eventually(t, "fills", func() bool {
			news := 0
			for _, f := range sink.Fills("") {
				if _, old := fills[f.ID]; !old {
					news++
				}
			}
			return news >= 40
		})
		server.kill()
		group.Wait()
		stop()
		remember(t, fills, sink)
	}

	server := startChild(t, dir)
	client := childClient(t, server)
	// Nothing moves any more, so that what is compared is of one moment.
	open, err := client.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range open {
		if _, err := client.Cancel(t.Context(), domain.Order{ID: r.ID}); err != nil {
			t.Fatal(err)
		}
	}
	sink, _ := executiontest.Listen(t, client)
	base, quote := dec(executiontest.BeginsBase), dec(executiontest.BeginsQuote)
	expected := 0
	for _, o := range known.sent {
		said := known.reports[o.ID]
		report, err := client.Query(t.Context(), o)
		if errors.Is(err, domain.ErrNotFound) {
			if said.ID != "" {
				t.Fatalf("%s was told to be taken and is gone: %+v", o.ID, said)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if report.Filled.LessThan(said.Filled) || said.ID != "" && said.VenueOrderID != report.VenueOrderID {
			t.Fatalf("told %+v, now it is %+v", said, report)
		}
		var sum domain.Decimal
		executiontest.Eventually(t, "the fills of "+o.ID, func() bool {
			sum = domain.Decimal{}
			for _, f := range sink.Fills(o.ID) {
				sum = sum.Add(f.Volume)
			}
			return sum.GreaterThanOrEqual(report.Filled)
		})
		if !sum.Equal(report.Filled) {
			t.Fatalf("the fills of %s make %s, filled is %s", o.ID, sum, report.Filled)
		}
		for _, f := range sink.Fills(o.ID) {
			expected++
			base, quote = base.Add(f.Volume), quote.Sub(f.Cost()).Sub(f.Fee)
		}
	}
	executiontest.Eventually(t, "the balances that the fills make", func() bool {
		return sink.BalanceOf("BTC").Total.Equal(base) && sink.BalanceOf("USDT").Total.Equal(quote) &&
			sink.BalanceOf("USDT").Used.IsZero()
	})
	all := make(map[string]domain.Fill)
	remember(t, all, sink)
	if len(all) != len(sink.Fills("")) || len(all) != expected {
		t.Fatalf("%d fills, %d ids, %d of orders that were sent", len(sink.Fills("")), len(all), expected)
	}
	for id := range fills {
		if _, ok := all[id]; !ok {
			t.Fatalf("the fill %s was delivered and is gone", id)
		}
	}
	if len(fills) < 240 {
		t.Fatalf("only %d fills were delivered before the kills", len(fills))
	}
}

// remember puts what a sink got to what is known; the same id must be the same
// fill.
func remember(t *testing.T, fills map[string]domain.Fill, sink *executiontest.Sink) {
	t.Helper()
	for _, f := range sink.Fills("") {
		if before, ok := fills[f.ID]; ok && fmt.Sprint(before) != fmt.Sprint(f) {
			t.Fatalf("one id, two fills: %+v and %+v", before, f)
		}
		fills[f.ID] = f
	}
}

// trade sends orders until there are no answers.
func trade(known *told, client *paper.Client, round, worker int) {
	for i := 0; ; i++ {
		o := buy(fmt.Sprintf("r%d-w%d-%d", round, worker, i), "0.5", "")
		if i%3 == 1 {
			o.Type, o.Price = domain.Limit, dec("99.5")
		}
		known.mu.Lock()
		known.sent = append(known.sent, o)
		known.mu.Unlock()
		report, err := client.Submit(context.Background(), o)
		known.hear(o, report, err)
		if errors.Is(err, execution.ErrUnanswered) {
			return
		}
		if i%5 == 4 {
			report, err = client.Cancel(context.Background(), o)
			known.hear(o, report, err)
		}
	}
}
