package binance

import (
	"context"
	"errors"
	"maps"
	"slices"

	api "github.com/adshao/go-binance/v2"
)

const page = 1000 // the most that the venue lists at once

// sweep delivers the fills that were not, of all symbols that are watched. The
// error is a *failure where the venue refused.
func (d delivery) sweep(ctx context.Context) error {
	d.v.mu.Lock()
	watched := slices.Sorted(maps.Keys(d.v.seen))
	d.v.mu.Unlock()
	for _, symbol := range watched {
		if _, known := d.v.symbols.name(symbol); !known {
			continue
		}
		if err := d.sweepOne(ctx, symbol); err != nil {
			return err
		}
	}
	return nil
}

func (d delivery) sweepOne(ctx context.Context, symbol string) error {
	tape := d.v.delivered.tape(symbol)
	for {
		trades, f := ask(ctx, d.v, "GET /api/v3/myTrades", func(ctx context.Context, c *api.Client, window api.RequestOption) ([]*api.TradeV3, error) {
			list := c.NewListTradesService().Symbol(symbol).Limit(page)
			if tape.next == 0 && !d.v.cfg.Since.IsZero() {
				return list.StartTime(d.v.cfg.Since.UnixMilli()).Do(ctx, window)
			}
			return list.FromID(tape.next).Do(ctx, window)
		})
		if f != nil {
			return f
		}
		last := tape.next - 1
		missed := trades[:0:0]
		for _, t := range trades {
			if t == nil || t.ID <= last || t.Symbol != symbol {
				return errors.New("GET /api/v3/myTrades: the answer makes no sense")
			}
			if last = t.ID; !tape.has(t.ID) {
				missed = append(missed, t)
			}
		}
		if err := d.makeUp(ctx, symbol, missed); err != nil {
			return err
		}
		if len(trades) > 0 {
			tape.through(last)
		}
		if len(trades) < page {
			return nil
		}
	}
}

// makeUp delivers fills that no event brought.
func (d delivery) makeUp(ctx context.Context, symbol string, trades []*api.TradeV3) error {
	names, err := d.names(ctx, symbol, trades)
	if err != nil {
		return err
	}
	for _, t := range trades {
		if err := d.fill(ctx, trade{
			symbol: t.Symbol, id: t.ID, order: t.OrderID, client: names[t.OrderID], buy: t.IsBuyer, price: t.Price, volume: t.Quantity,
			fee: t.Commission, feeAsset: t.CommissionAsset, maker: t.IsMaker, ms: t.Time,
		}); err != nil {
			return err
		}
	}
	return nil
}

// names finds the client order ids of trades, which the venue's list of trades
// does not have. Those of orders that the venue has forgotten stay unknown.
func (d delivery) names(ctx context.Context, symbol string, trades []*api.TradeV3) (map[int64]string, error) {
	wanted := map[int64]struct{}{}
	for _, t := range trades {
		wanted[t.OrderID] = struct{}{}
	}
	names := make(map[int64]string, len(wanted))
	for len(wanted) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(wanted)))
		orders, f := ask(ctx, d.v, "GET /api/v3/allOrders", func(ctx context.Context, c *api.Client, window api.RequestOption) ([]*api.Order, error) {
			return c.NewListOrdersService().Symbol(symbol).OrderID(first).Limit(page).Do(ctx, window)
		})
		if f != nil {
			return nil, f
		}
		delete(wanted, first)
		for _, o := range orders {
			if o != nil && o.OrderID >= first {
				names[o.OrderID] = o.ClientOrderID
				delete(wanted, o.OrderID)
			}
		}
	}
	return names, nil
}
