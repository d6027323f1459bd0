package verify

import (
	"context"
	"fmt"
	"strconv"

	"github.com/fullon/fullon/cachestore"
)

// ordersKey is the key of the orders themselves.
const ordersKey = "orders"

// note keeps in mind of which message each order is.
func (c *comparison) note(orders []cachestore.Item) {
	if c.orders == nil {
		c.orders = make(map[string]uint64)
	}
	for _, item := range orders {
		c.orders[item.Field] = item.Seq
	}
}

// changes makes sure that whoever follows the orders was told of each one. What
// was told of a message is never told otherwise later, so it may be read later than
// the orders were.
func (c *comparison) changes(ctx context.Context) error {
	if len(c.orders) == 0 {
		return nil
	}
	c.report.Keys++
	untold := c.orders
	for since, more := uint64(0), true; more; {
		const atOnce = 100
		batches, err := c.of.OrderChanges(ctx, since, atOnce)
		if err != nil {
			return err
		}
		for _, batch := range batches {
			for _, id := range batch.IDs {
				if seq := untold[id]; batch.From < seq && seq <= batch.To {
					delete(untold, id)
					c.report.Values++
				}
			}
		}
		if more = len(batches) == atOnce; more {
			since = batches[atOnce-1].To
		}
	}
	oldest, err := c.of.OrderChanges(ctx, 0, 1) // what is kept now was kept all the time
	if err != nil {
		return err
	}
	at, err := c.of.Checkpoint(ctx)
	if err == nil && at.Epoch != c.epoch {
		err = fmt.Errorf("%s: %w", c.of.Stream(), errAnew)
	}
	if err != nil {
		return err
	}
	for id, seq := range untold {
		if len(oldest) == 0 || seq > oldest[0].From {
			c.report.Values++
			c.differ("changes", id, pointer(strconv.FormatUint(seq, 10)), nil)
		}
	}
	return nil
}
