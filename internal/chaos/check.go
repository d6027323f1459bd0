package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/content"
	"github.com/fullon/fullon/internal/ordercheck"
	"github.com/fullon/fullon/internal/servers"
)

// checker holds what is there in the end to what was published.
type checker struct {
	*deployment
	load   *load
	client *client.Client
	log    *bus.Bus

	wrong   []string
	figures []string
}

func (c *checker) complain(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *checker) tell(format string, args ...any) {
	c.figures = append(c.figures, fmt.Sprintf(format, args...))
}

// settleLimit bounds how long everything may take to settle once it is whole.
const settleLimit = 60 * time.Second

// await waits until all orders have come to their end and Redis reflects all of
// the log.
func (c *checker) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	store := c.store()
	defer func() { _ = store.Close() }()
	err := retry(ctx, func() error { return c.ended(ctx) })
	for _, stream := range allStreams() {
		if err != nil {
			break
		}
		err = retry(ctx, func() error { return reflected(ctx, c.log, store, stream) })
	}
	return err
}

// ended tells whether all orders have come to their end.
func (c *checker) ended(ctx context.Context) error {
	orders, err := c.client.Orders.List(ctx, client.OrderFilter{Exchange: exchange})
	if err != nil {
		return err
	}
	for _, o := range orders {
		if !o.Status.Final() {
			return fmt.Errorf("order %s is %s, attempt %d, %q", o.ID, o.Status, o.Attempt, o.Reason)
		}
	}
	return nil
}

// reflected tells whether Redis reflects all of a stream.
func reflected(ctx context.Context, log *bus.Bus, store *cachestore.Store, stream string) error {
	extent, err := log.Extent(ctx, stream)
	if err != nil {
		return err
	}
	at, err := store.Partition(stream).Checkpoint(ctx)
	if err == nil && (at.IsZero() || at.Seq < extent.Last) {
		err = fmt.Errorf("%s is folded up to %d of %d", stream, at.Seq, extent.Last)
	}
	return err
}

// check checks everything. The error is of what kept it from that.
func (c *checker) check(ctx context.Context) error {
	// The workers would go on asking; what they do is over.
	for _, p := range c.workers {
		if code, err := p.Terminate(stopLimit); err != nil || code != exitOK {
			c.complain("%s was told to end: exit code %d (%v)", p.Name, code, err)
		}
	}
	for _, step := range []func(context.Context) error{c.checkLog, c.checkCache, c.checkOrders, c.checkFold} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	letters, err := c.log.Extent(ctx, bus.DeadLetterStream)
	if err == nil && letters.Last != 0 {
		c.complain("the log has %d dead letters", letters.Last)
	}
	c.lookAtProjectors()
	return err
}

// checkOrders holds the orders to the rules.
func (c *checker) checkOrders(ctx context.Context) error {
	l, err := ordercheck.Read(ctx, c.log, exchange)
	if err != nil {
		return err
	}
	wrong, figures := l.Lives()
	c.tell("%s; the venue: %s, %d too late", figures, c.venue.Faults(), c.venue.Late())
	// While neither the log nor Redis is whole, ticks grow stale, and nothing is
	// sent by a stale one.
	c.wrong = append(append(c.wrong, wrong...), l.Venue(c.venue, "is stale")...)
	if pushed := c.load.orders.pushed.Load(); int64(len(l.States)) != pushed {
		c.complain("the log has %d orders, %d were pushed", len(l.States), pushed)
	}
	queues, err := c.client.Orders.Queue(ctx, exchange)
	if err == nil && len(queues) != 0 {
		c.complain("the queue is %+v", queues)
	}
	return err
}

// checkFold compares Redis with what one projector makes of the log in another.
func (c *checker) checkFold(ctx context.Context) error {
	begun := time.Now()
	fresh, err := servers.NewRedis(ctx, c.dir)
	if err != nil {
		return err
	}
	defer fresh.Kill()
	p, err := c.start("projector", projectors, c.projectorEnv(c.direct(), []string{fresh.Addr()}))
	if err != nil {
		return err
	}
	defer p.kill()
	limited, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	store := cachestore.Open(cachestore.Config{Addrs: []string{fresh.Addr()}})
	defer func() { _ = store.Close() }()
	for _, stream := range allStreams() {
		if err := retry(limited, func() error { return reflected(limited, c.log, store, stream) }); err != nil {
			return err
		}
	}
	other, its := fresh.Client(), c.redis.Client()
	defer func() { _, _ = other.Close(), its.Close() }()
	want, err := content.Of(ctx, other)
	if err != nil {
		return err
	}
	got, err := content.Of(ctx, its)
	if err != nil {
		return err
	}
	c.wrong = append(c.wrong, content.Differences(got, want)...)
	c.tell("%d keys compared with an independent fold, which took %v", len(want), time.Since(begun).Round(time.Millisecond))
	return nil
}

// lookAtProjectors counts what they say of lost history.
func (c *checker) lookAtProjectors() {
	lost := make(map[string]int)
	for _, p := range c.projectors {
		text, err := os.ReadFile(filepath.Clean(p.Log))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if _, rest, ok := strings.Cut(line, "history lost or changed"); ok {
				_, reason, _ := strings.Cut(rest, `"reason":"`)
				reason, _, _ = strings.Cut(reason, `"`)
				lost[reason]++
			}
		}
	}
	for reason, n := range lost {
		c.tell("projectors began anew %d times: %s", n, reason)
	}
}
