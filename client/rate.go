package client

import (
	"context"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Rate is how many requests a second an account may make at a venue, and how
// many at once after a rest.
type Rate = cachestore.Rate

// Reserve takes n places of an account's rate, which all processes share, and
// tells how long to wait until the last of them may be used. Places that were
// taken are gone, whether they are used or not. The error matches
// domain.ErrInvalid, domain.ErrUnreachable or domain.ErrUnknown.
func (c *Client) Reserve(ctx context.Context, exchange, account string, rate Rate, n int) (time.Duration, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return 0, err
	}
	if err := domain.CheckAccount(account); err != nil {
		return 0, err
	}
	return c.store.Reserve(ctx, exchange, account, rate, n)
}
