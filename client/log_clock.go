package client

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// logClock is what the log's clock was when this process last asked. Since then
// only a monotonic clock is needed to tell the time, which nobody sets.
type logClock struct {
	log   time.Time // what it was
	asked time.Time // with its monotonic reading, before the question
	tried time.Time // the last question, which may not have been answered
}

func (c logClock) now() time.Time { return c.log.Add(time.Since(c.asked)) }

// clockAge is how old a reading of the log's clock may be before it is read
// again: a monotonic clock may stand still while the machine sleeps.
const clockAge = 10 * time.Second

// Now is the time by the log's clock of an exchange, with which the expiry of
// claims is to be compared. It is behind by no more than the machine was asleep
// since the log was asked last, and ahead by no more than it takes to ask.
func (b *Bots) Now(ctx context.Context, exchange string) (time.Time, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return time.Time{}, err
	}
	b.mu.Lock()
	clock, known := b.clocks[exchange]
	b.mu.Unlock()
	if known && time.Since(clock.tried) < clockAge {
		return clock.now(), nil
	}
	_, err := b.extent(ctx, exchange)
	if err != nil && !known {
		return time.Time{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	clock = b.clocks[exchange]
	if err != nil { // it went on since then
		clock.tried = time.Now()
		b.clocks[exchange] = clock
	}
	return clock.now(), nil
}

// extent asks the log where an exchange's stream ends, and what time it is.
func (b *Bots) extent(ctx context.Context, exchange string) (domain.Extent, error) {
	asked := time.Now()
	extent, err := b.client.log.Extent(ctx, b.client.exchange(exchange).Stream())
	if err != nil {
		return extent, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clocks[exchange] = logClock{log: extent.Now, asked: asked, tried: asked}
	return extent, nil
}

// Sync waits until readers see what the log holds of an exchange now: who has
// changed something sees it then.
func (b *Bots) Sync(ctx context.Context, exchange string) error {
	if err := domain.CheckExchange(exchange); err != nil {
		return err
	}
	extent, err := b.extent(ctx, exchange)
	if err != nil {
		return err
	}
	return b.client.Wait(ctx, domain.LogPosition{Stream: b.client.exchange(exchange).Stream(), Seq: extent.Last})
}

// rights reads all rights to trade at an exchange from Redis.
func (b *Bots) rights(ctx context.Context, exchange string) (cachestore.Rights, error) {
	var rights cachestore.Rights
	if err := domain.CheckExchange(exchange); err != nil {
		return rights, err
	}
	p := b.client.exchange(exchange)
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		rights, err = p.Rights(ctx)
		return rights.At, err
	})
	if err != nil {
		return cachestore.Rights{}, fmt.Errorf("rights to trade at %s: %w", exchange, err)
	}
	return rights, nil
}
