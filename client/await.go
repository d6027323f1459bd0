package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// errNothing wraps the reason why there is nothing to hand out now.
var errNothing = errors.New("nothing to hand out")

type nothing struct{ reason error }

func (n nothing) Error() string        { return n.reason.Error() }
func (n nothing) Unwrap() error        { return n.reason }
func (n nothing) Is(target error) bool { return target == errNothing }

// await tries to pop, for at most timeout, for as long as the error matches
// errNothing: after each change of the partition, and when next has passed. It
// returns the last error, without that mark. Waiting takes nothing away and waits
// for the log, not in Redis: giving up in between loses nothing.
func (c *Client) await(ctx context.Context, what string, p *cachestore.Partition, timeout time.Duration, try func() (next time.Duration, err error)) error {
	deadline := time.Now().Add(timeout)
	var sub *subscription
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		next, err := try()
		if !errors.Is(err, errNothing) {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return errors.Unwrap(err)
		}
		if sub == nil {
			// It signals at once, and with that covers what came since the try.
			sub = c.changes.subscribe([]*cachestore.Partition{p})
			defer sub.close()
		}
		timer := time.NewTimer(min(left, next, waitSlice))
		select {
		case <-ctx.Done():
		case <-sub.signal:
			_, _ = sub.take() // that Redis is away, the try tells
		case <-c.changes.ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s: %w: the client was closed", what, domain.ErrUnreachable)
		case <-timer.C:
		}
		timer.Stop()
	}
}
