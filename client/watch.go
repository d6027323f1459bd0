package client

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/pause"
)

// watch yields what look finds, at first at once and then after each change of a
// partition, until ctx ends, the client is closed or nobody wants more. look
// tells whether there is more at once. Its error is yielded and, if temporary,
// the watch goes on; any other ends it.
func watch[T any](ctx context.Context, c *Client, p *cachestore.Partition, yield func(T, error) bool, look func() (news []T, more bool, err error)) {
	sub := c.changes.subscribe([]*cachestore.Partition{p})
	defer sub.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changes.ctx.Done():
			return
		case <-sub.signal:
		}
		_, err := sub.take()
		for more := true; more && err == nil; {
			var news []T
			news, more, err = look()
			for _, n := range news {
				if ctx.Err() != nil || !yield(n, nil) {
					return
				}
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			var none T
			if !yield(none, err) || !temporary(err) {
				return
			}
			// Nothing else may change for a long time: read again.
			pause.For(ctx, retryRead)
			sub.mark(p.Stream(), nil)
		}
	}
}
