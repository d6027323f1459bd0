package client

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
)

// Ping returns the round trip to Redis. The error matches
// domain.ErrUnreachable. Health asks the log too.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) { return c.store.Ping(ctx) }

// Prefix is what all keys of the deployment begin with in Redis.
func (c *Client) Prefix() string { return c.store.Prefix() }

// Clear deletes everything that the deployment has in Redis, and nothing else
// there, and returns how many keys it was. confirm must be the deployment's key
// prefix (cachestore.DefaultPrefix unless configured), so that nobody clears
// another one by mistake.
//
// The log is not touched: what is folded from it comes back as soon as a
// projector notices, as far back as the log goes. Processes that run register
// again at their next heartbeat; broadcasts and venue errors are gone. What is
// written meanwhile may stay. The error matches domain.ErrInvalid, or
// domain.ErrUnreachable when only a part may be deleted.
func (c *Client) Clear(ctx context.Context, confirm string) (int, error) {
	if prefix := c.store.Prefix(); confirm != prefix {
		return 0, domain.Invalid("confirm", confirm, "the prefix of the deployment's keys, "+prefix)
	}
	return c.store.Erase(ctx)
}
