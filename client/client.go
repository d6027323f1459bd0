package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Config says where the log and Redis are. The zero value is both on this
// machine with their default ports.
type Config struct {
	Log   bus.Config
	Redis cachestore.Config
	// Orders bounds the queues of orders.
	Orders OrderLimits
}

// Client reads and writes one deployment.
type Client struct {
	Ticks   *Ticks
	Trades  *Trades
	Candles *Candles
	// Accounts are balances and positions, Fills the accounts' own trades.
	Accounts *Accounts
	Fills    *Fills
	// Orders are what became of each order, and the queues of those that wait.
	Orders *Orders
	// Venues and Symbols are the catalogue.
	Venues  *Venues
	Symbols *Symbols
	// Bots is what bots say, and the rights to trade: blocks, opening marks and
	// halts.
	Bots *Bots
	// Processes and VenueErrors are written to Redis directly.
	Processes   *Processes
	VenueErrors *VenueErrors

	log     *bus.Bus
	store   *cachestore.Store
	changes *changes
	owned   bool

	catalogue *settledPartition
	mu        sync.Mutex
	exchanges map[string]*settledPartition // exchange to the partition of its orders, as they are asked for
}

// Connect connects to both servers and checks that the deployment was
// provisioned with the configured layout. Close the client. The error matches
// domain.ErrUnreachable, domain.ErrNotFound (not provisioned),
// domain.ErrMismatch or domain.ErrInvalid.
func Connect(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.Orders.validate(); err != nil {
		return nil, err
	}
	log, err := bus.Connect(ctx, cfg.Log)
	if err != nil {
		return nil, err
	}
	if err := log.Bind(ctx); err != nil {
		log.Close()
		return nil, err
	}
	store, err := cachestore.Connect(ctx, cfg.Redis)
	if err != nil {
		log.Close()
		return nil, err
	}
	c := New(log, store)
	c.owned = true
	c.Orders.limits = cfg.Orders.withDefaults()
	return c, nil
}

// New makes a client over connections that the caller keeps and closes after
// the client.
func New(log *bus.Bus, store *cachestore.Store) *Client {
	c := &Client{log: log, store: store, changes: newChanges(), exchanges: make(map[string]*settledPartition)}
	c.catalogue = c.settled(bus.CatalogueStream)
	layout := log.Layout()
	c.Ticks = &Ticks{client: c, partitions: c.markets(layout.TickStreams())}
	c.Trades = &Trades{client: c, partitions: c.markets(layout.TradeStreams())}
	c.Candles = &Candles{trades: c.Trades}
	c.Accounts = newAccounts(c)
	c.Fills = &Fills{client: c, accounts: c.Accounts}
	c.Orders = newOrders(c)
	c.Venues, c.Symbols = &Venues{client: c}, &Symbols{client: c}
	c.Bots = newBots(c)
	c.Processes, c.VenueErrors = NewProcesses(store), NewVenueErrors(store)
	c.Processes.closed, c.VenueErrors.closed = c.changes.ctx.Done(), c.changes.ctx.Done()
	return c
}

func (c *Client) settled(stream string) *settledPartition {
	return &settledPartition{Partition: c.store.Partition(stream), client: c}
}

// exchange is the partition with the orders of an exchange and the rights to
// trade there. It does no input or output: an exchange without a stream shows as
// domain.ErrNotFound when it is read.
func (c *Client) exchange(name string) *settledPartition {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.exchanges[name]
	if p == nil {
		p = c.settled(bus.OrderStream(name))
		c.exchanges[name] = p
	}
	return p
}

// Exchanges lists the exchanges that the deployment has orders for, sorted. The
// error matches domain.ErrUnreachable.
func (c *Client) Exchanges(ctx context.Context) ([]string, error) { return c.log.Exchanges(ctx) }

// markets are partitions of market data.
func (c *Client) markets(streams []string) map[string]*settledPartition {
	m := make(map[string]*settledPartition, len(streams))
	for _, stream := range streams {
		m[stream] = c.settled(stream)
		m[stream].market = true
	}
	return m
}

// Close ends all watches, and the connections if Connect made them.
func (c *Client) Close() {
	c.changes.close()
	if c.owned {
		_ = c.store.Close()
		c.log.Close()
	}
}

// waitSlice bounds how long one blocking read of Redis lasts, so that a context
// that ends is noticed.
const waitSlice = 500 * time.Millisecond

// Wait blocks until readers see what was written at a position. The error is
// ctx's, or matches domain.ErrNotFound for a stream that the deployment does
// not project. While Redis is away it goes on waiting.
func (c *Client) Wait(ctx context.Context, pos domain.LogPosition) error {
	partition := cmp.Or(c.Ticks.partitions[pos.Stream], c.Trades.partitions[pos.Stream], c.Accounts.partitions[pos.Stream])
	if pos.Stream == bus.CatalogueStream {
		partition = c.catalogue
	} else if exchange, ok := bus.ExchangeOf(pos.Stream); ok {
		its := c.exchange(exchange)
		if !its.want().known { // it may not exist
			if _, err := c.log.Extent(ctx, pos.Stream); err != nil {
				return err
			}
		}
		partition = its
	}
	if partition == nil {
		return fmt.Errorf("stream %q: %w", pos.Stream, domain.ErrNotFound)
	}
	if pos.Seq == 0 {
		return nil // before the first message
	}
	for {
		slice := waitSlice
		if deadline, ok := ctx.Deadline(); ok {
			slice = min(slice, time.Until(deadline))
		}
		if ctx.Err() != nil || slice <= 0 {
			return fmt.Errorf("wait for %s %d: %w", pos.Stream, pos.Seq, context.Cause(contextDone(ctx)))
		}
		seq, err := partition.Wait(ctx, pos.Seq-1, slice)
		if err == nil && seq >= pos.Seq {
			return nil
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			pause.For(ctx, 50*time.Millisecond)
		}
	}
}

// contextDone waits for the end of a context whose deadline has come.
func contextDone(ctx context.Context) context.Context {
	<-ctx.Done()
	return ctx
}

// Health is how the two servers answer.
type Health struct {
	Log      time.Duration // round trip; zero when LogErr is set
	Redis    time.Duration // round trip; zero when RedisErr is set
	LogErr   error
	RedisErr error
}

// Err is what is wrong, nil when both answer.
func (h Health) Err() error { return errors.Join(h.LogErr, h.RedisErr) }

// Health asks both servers for a sign of life.
func (c *Client) Health(ctx context.Context) Health {
	var h Health
	h.Log, h.LogErr = c.log.Ping(ctx)
	h.Redis, h.RedisErr = c.store.Ping(ctx)
	return h
}
