package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// ConsumeConfig says how Consume deals with orders. Zero values are the defaults.
type ConsumeConfig struct {
	// Concurrency is how many orders are dealt with at once, 1 to MaxPopOrders.
	// Default 1.
	Concurrency int
	// Lease is how long it takes at most until the orders of a consumer that died
	// are handed out again; 100 ms to MaxLease. Default: OrderLimits.Lease.
	Lease time.Duration
	// Report takes what went wrong with an order: the error of the handler, or
	// that its success could not be recorded. It is called from several goroutines
	// at once. Default: nobody is told.
	Report func(OrderDelivery, error)
}

func (c ConsumeConfig) withDefaults(limits OrderLimits) ConsumeConfig {
	if c.Concurrency == 0 {
		c.Concurrency = 1
	}
	if c.Lease == 0 {
		c.Lease = max(limits.Lease, minConsumeLease)
	}
	if c.Report == nil {
		c.Report = func(OrderDelivery, error) {}
	}
	return c
}

const (
	// minConsumeLease leaves time to extend a lease before it ends.
	minConsumeLease = 100 * time.Millisecond
	// ackPatience is for how long an acknowledgement is tried again.
	ackPatience = 30 * time.Second
	// Of a handler that fails, the first and the longest delay before the next try.
	firstDelay = 100 * time.Millisecond
	maxDelay   = 30 * time.Second
)

func (c ConsumeConfig) validate() error {
	if c.Concurrency < 1 || c.Concurrency > MaxPopOrders {
		return domain.Invalid("concurrency", strconv.Itoa(c.Concurrency), "1 to "+strconv.Itoa(MaxPopOrders))
	}
	if c.Lease < minConsumeLease || c.Lease > MaxLease {
		return domain.Invalid("lease", c.Lease.String(), "100ms to 24h")
	}
	return nil
}

// Consume pops the orders of an exchange and has each dealt with by a handler: it
// extends the lease while the handler runs, acknowledges the order when that
// returns nil, and gives it back, with a delay that doubles with each try, when it
// returns an error or panics. The context of a handler ends when its lease is
// lost: somebody else may have the order then.
//
// It returns nil after ctx has ended and all handlers have returned, whose
// contexts do not end with ctx. Outages of the log and of Redis are waited out.
// The error matches domain.ErrInvalid, or domain.ErrNotFound for an exchange that
// the deployment has no orders for.
func (o *Orders) Consume(ctx context.Context, exchange string, cfg ConsumeConfig, handler func(context.Context, OrderDelivery) error) error {
	cfg = cfg.withDefaults(o.limits)
	if err := cfg.validate(); err != nil {
		return err
	}
	its := *o
	its.limits.Lease = cfg.Lease
	c := &consumer{orders: &its, cfg: cfg, handler: handler, slots: make(chan struct{}, cfg.Concurrency)}
	defer c.group.Wait()
	for {
		n := c.acquire(ctx)
		if ctx.Err() != nil {
			return nil
		}
		deliveries, err := its.PopMany(ctx, exchange, n, time.Minute)
		c.release(n - len(deliveries))
		switch {
		case ctx.Err() != nil && len(deliveries) == 0:
			return nil
		case temporary(err):
			pause.For(ctx, retryRead)
		case errors.Is(err, domain.ErrNotFound):
			if _, missing := o.client.log.Extent(ctx, o.client.exchange(exchange).Stream()); errors.Is(missing, domain.ErrNotFound) {
				return missing
			}
		case err != nil:
			return err
		}
		for _, d := range deliveries {
			c.group.Go(func() {
				defer c.release(1)
				c.deal(ctx, d)
			})
		}
	}
}

// consumer is one Consume.
type consumer struct {
	orders  *Orders
	cfg     ConsumeConfig
	handler func(context.Context, OrderDelivery) error
	slots   chan struct{} // one for each order that is dealt with
	group   sync.WaitGroup
}

// acquire waits for a free slot and takes all that are free then.
func (c *consumer) acquire(ctx context.Context) (n int) {
	select {
	case <-ctx.Done():
		return 0
	case c.slots <- struct{}{}:
	}
	for n = 1; ; n++ {
		select {
		case c.slots <- struct{}{}:
		default:
			return n
		}
	}
}

func (c *consumer) release(n int) {
	for range n {
		<-c.slots
	}
}

// deal has one order dealt with.
func (c *consumer) deal(ctx context.Context, d OrderDelivery) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := c.extend(ctx, cancel, d)
	defer stop()
	err := c.handle(ctx, d)
	if err == nil {
		if err = c.ack(ctx, d); err != nil {
			c.cfg.Report(d, fmt.Errorf("done, but not recorded: %w", err))
		}
		return
	}
	c.cfg.Report(d, err)
	stop() // which would take the lease back
	delay := firstDelay << min(d.Tries-1, 16)
	if err := c.orders.Nack(context.WithoutCancel(ctx), d, min(delay, maxDelay)); err != nil && !errors.Is(err, domain.ErrConflict) {
		c.cfg.Report(d, fmt.Errorf("not given back: %w", err)) // it comes back with the end of the lease
	}
}

// handle calls the handler; a panic is an error.
func (c *consumer) handle(ctx context.Context, d OrderDelivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the handler of order %s panicked: %v\n%s", d.ID, p, debug.Stack())
		}
	}()
	return c.handler(ctx, d)
}

// ack records a success, again and again while the log is away and the lease is
// held.
func (c *consumer) ack(ctx context.Context, d OrderDelivery) error {
	for deadline := time.Now().Add(ackPatience); ; {
		_, err := c.orders.Ack(context.WithoutCancel(ctx), d)
		if !temporary(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		pause.For(ctx, retryRead)
	}
}

// extend keeps a lease until stop is called, and cancels when it is lost or when
// it ends because Redis does not answer.
func (c *consumer) extend(ctx context.Context, cancel context.CancelCauseFunc, d OrderDelivery) (stop func()) {
	ctx, end := context.WithCancel(ctx)
	over := time.AfterFunc(c.cfg.Lease, func() {
		cancel(fmt.Errorf("order %s of %s: %w: the lease could not be extended", d.ID, d.Exchange, domain.ErrUnreachable))
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(c.cfg.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			begun := time.Now()
			err := c.orders.Extend(ctx, d, c.cfg.Lease)
			if errors.Is(err, domain.ErrConflict) {
				cancel(err)
				return
			}
			if err == nil {
				over.Reset(c.cfg.Lease - time.Since(begun))
			}
		}
	}()
	return func() {
		over.Stop()
		end()
		<-done
		over.Stop()
	}
}
