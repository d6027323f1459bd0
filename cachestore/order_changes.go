package cachestore

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

var (
	//go:embed scripts/orders_changed.lua
	ordersChangedSource string

	ordersChangedScript = newScript(ordersChangedSource)
)

// changesEntry is what a batch appends to the changes. It is whole when the batch
// is applied.
type changesEntry struct {
	keep             uint64 // messages whose changes are kept
	oldest, from, to string
	ids              []byte // with a space before each
}

func (e *changesEntry) begin(keep int) {
	e.keep, e.ids = uint64(max(keep, 0)), e.ids[:0]
}

func (e *changesEntry) add(id string) { e.ids = append(append(e.ids, ' '), id...) }

// between says which checkpoints the batch is between.
func (e *changesEntry) between(prev, next uint64) {
	if len(e.ids) > 0 {
		e.oldest = strconv.FormatUint(next-min(next, e.keep), 10)
		e.from, e.to = strconv.FormatUint(prev, 10), strconv.FormatUint(next, 10)+"-0"
	}
}

func (b *Batch) putChanges(e *changesEntry) {
	if len(e.ids) > 0 {
		b.do("XADD", b.partition.changesKey(), "MINID", "~", &e.oldest, &e.to, &e.from, e.ids)
	}
}

// OrdersChanged is which orders one batch has changed. The batches between two of
// them have changed none.
type OrdersChanged struct {
	From, To uint64 // the sequences that it began behind and ended with
	IDs      []string
}

// OrderChanges reads what n batches have changed, the first that ended behind the
// sequence since and the next ones. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) OrderChanges(ctx context.Context, since uint64, n int64) ([]OrdersChanged, error) {
	// The greatest id of entries up to since.
	entries, err := p.store.rdb.XRangeN(ctx, p.changesKey(), strconv.FormatUint(since, 10)+"-1", "+", n).Result()
	if err != nil {
		return nil, p.failed(ctx, "read the changes", err)
	}
	changes := make([]OrdersChanged, 0, len(entries))
	for _, entry := range entries {
		to, _, _ := strings.Cut(entry.ID, "-")
		for from, ids := range entry.Values {
			c := OrdersChanged{IDs: strings.Fields(fmt.Sprint(ids))}
			var errs [2]error
			c.From, errs[0] = strconv.ParseUint(from, 10, 64)
			c.To, errs[1] = strconv.ParseUint(to, 10, 64)
			if err := errors.Join(errs[:]...); err != nil {
				return nil, fmt.Errorf("changes %s of %s: %w: %w", entry.ID, p.stream, domain.ErrUnknown, err)
			}
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// ChangedOrders reads the orders whose newest state is from behind the sequence
// since, in the order of those, and stops where it has about n of them: what it
// then has is whole up to the page's Bound. The error matches domain.ErrLagged when
// it is not known any more what has changed since then, domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) ChangedOrders(ctx context.Context, since uint64, n int) (OrderPage, error) {
	reply, err := ordersChangedScript.Run(ctx, p.store.rdb, []string{p.checkpointKey(), p.changesKey(), p.ordersKey()},
		since, min(n, ordersAtOnce)).StringSlice()
	if err == redis.Nil {
		return OrderPage{}, fmt.Errorf("changes of %s since %d: %w", p.stream, since, domain.ErrLagged)
	}
	if err != nil {
		return OrderPage{}, p.failed(ctx, "read the changes", err)
	}
	page, err := p.readPage(reply)
	// What has changed once more behind the bound is in a later page.
	page.Orders = slices.DeleteFunc(page.Orders, func(o domain.Order) bool {
		return o.Sequence <= since || page.Bound != 0 && o.Sequence > page.Bound
	})
	slices.SortFunc(page.Orders, func(a, b domain.Order) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return page, err
}
