package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	api "github.com/adshao/go-binance/v2"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// delivery hands to a Sink what a stream brings. One goroutine has it.
type delivery struct {
	v    *Venue
	sink execution.Sink
}

// follow delivers events until ctx ends or one cannot be understood. Now and
// then it asks for fills that no event brought: the venue's list of trades may
// lag behind its stream, so what was asked for at the connect may have missed
// some that came just before it.
func (d delivery) follow(ctx context.Context, s *stream) error {
	ticker := time.NewTicker(d.v.cfg.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-s.events:
			if err := d.event(ctx, event); err != nil {
				return err
			}
		case <-ticker.C:
			if err := d.sweep(ctx); err != nil && ctx.Err() == nil {
				// The stream goes on; the next sweep begins where this one did.
				d.v.cfg.Logger.WarnContext(ctx, "fills not asked for", "account", d.v.cfg.Account, "error", err)
			}
		}
	}
}

func (d delivery) event(ctx context.Context, data json.RawMessage) error {
	var kind struct {
		Name string `json:"e"`
		Time int64  `json:"E"` // encoding/json takes it for "e" without this
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return errors.New("an event makes no sense")
	}
	switch kind.Name {
	case "executionReport":
		var e api.WsOrderUpdate
		if err := json.Unmarshal(data, &e); err != nil {
			return errors.New("an execution report makes no sense")
		}
		return d.executed(ctx, e)
	case "outboundAccountPosition":
		var e api.WsAccountUpdateList
		if err := json.Unmarshal(data, &e); err != nil {
			return errors.New("an event of balances makes no sense")
		}
		for _, b := range e.WsAccountUpdates {
			if err := d.balance(ctx, b.Asset, b.Free, b.Locked, e.AccountUpdateTime); err != nil {
				return err
			}
		}
	case "balanceUpdate", "externalLockUpdate":
		return d.balances(ctx) // they tell differences, which nobody can add up who missed one
	case "eventStreamTerminated", "listenKeyExpired", "serverShutdown":
		return fmt.Errorf("%w: %s", errOver, kind.Name)
	}
	return nil
}

// executed delivers what became of an order.
func (d delivery) executed(ctx context.Context, e api.WsOrderUpdate) error {
	d.v.watch(e.Symbol)
	id := e.ClientOrderId
	if e.ExecutionType != "NEW" && e.ExecutionType != "TRADE" && e.OrigCustomOrderId != "" {
		id = e.OrigCustomOrderId // the other one is that of the request that canceled it
	}
	s := state{
		symbol: e.Symbol, number: e.Id, clientID: id, status: e.Status, filled: e.FilledVolume, cost: e.FilledQuoteVolume, ms: e.TransactionTime,
	}
	if e.RejectReason != "NONE" {
		s.reason = domain.Shorten(d.v.scrub(e.RejectReason), domain.MaxReasonBytes)
	}
	report, wrong := d.v.report(s)
	if wrong != "" {
		return errors.New("an execution report: " + wrong)
	}
	if e.ExecutionType == "TRADE" {
		if err := d.fill(ctx, trade{
			symbol: e.Symbol, id: e.TradeId, order: e.Id, client: id, buy: e.Side == string(api.SideTypeBuy), price: e.LatestPrice,
			volume: e.LatestVolume, fee: e.FeeCost, feeAsset: e.FeeAsset, maker: e.IsMaker, ms: e.TransactionTime,
		}); err != nil {
			return err
		}
	}
	d.sink.Order(report)
	return nil
}

// balances delivers all balances as they are, those of nothing too: one that
// went to nothing while nobody listened is not told by its absence.
func (d delivery) balances(ctx context.Context) error {
	all, f := ask(ctx, d.v, "GET /api/v3/account", func(ctx context.Context, c *api.Client, window api.RequestOption) (*api.Account, error) {
		return c.NewGetAccountService().Do(ctx, window)
	})
	if f != nil {
		return f
	}
	if all.UpdateTime > 1<<62 || all.Balances == nil {
		return errors.New("GET /api/v3/account: the answer makes no sense")
	}
	for _, b := range all.Balances {
		if err := d.balance(ctx, b.Asset, b.Free, b.Locked, int64(all.UpdateTime)); err != nil {
			return err
		}
	}
	return nil
}

func (d delivery) balance(ctx context.Context, asset, free, locked string, ms int64) error {
	b := domain.Balance{Account: d.v.cfg.Account, Currency: asset}
	var err error
	if b.Free, err = domain.ParseDecimal("free", free); err != nil {
		return fmt.Errorf("a balance: %w", err)
	}
	if b.Used, err = domain.ParseDecimal("locked", locked); err != nil {
		return fmt.Errorf("a balance: %w", err)
	}
	b.Total = b.Free.Add(b.Used)
	if ms > 0 {
		b.Time = unixMilli(ms)
	}
	if err := b.Validate(); err != nil {
		// Assets may be called what this system cannot call a currency.
		d.v.cfg.Logger.DebugContext(ctx, "balance left out", "account", d.v.cfg.Account, "error", err)
		return nil
	}
	if d.v.delivered.balance(b, ms) {
		d.sink.Balance(b)
	}
	return nil
}

// trade is a fill in the venue's words.
type trade struct {
	symbol        string
	id, order     int64
	client        string
	buy           bool
	price, volume string
	fee, feeAsset string
	maker         bool
	ms            int64
}

// fill delivers a trade that was not delivered before.
func (d delivery) fill(ctx context.Context, t trade) error {
	tape := d.v.delivered.tape(t.symbol)
	if tape.has(t.id) {
		return nil
	}
	name, known := d.v.symbols.name(t.symbol)
	if !known {
		d.v.cfg.Logger.WarnContext(ctx, "fill held back: its symbol is not in the catalogue", "account", d.v.cfg.Account, "symbol", t.symbol)
		return nil
	}
	f := domain.Fill{
		Account: d.v.cfg.Account, Exchange: d.v.cfg.Exchange, Symbol: name,
		// The venue numbers the trades of each symbol by themselves.
		ID: t.symbol + "-" + strconv.FormatInt(t.id, 10), OrderID: strconv.FormatInt(t.order, 10), ClientOrderID: t.client,
		Side: domain.Sell, FeeCurrency: t.feeAsset, Maker: t.maker, Time: unixMilli(t.ms),
	}
	if t.buy {
		f.Side = domain.Buy
	}
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"price", t.price, &f.Price}, {"volume", t.volume, &f.Volume}, {"fee", t.fee, &f.Fee}} {
		var err error
		if *n.to, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return fmt.Errorf("the fill %s: %w", f.ID, err)
		}
	}
	if err := f.Validate(); err != nil && f.ClientOrderID != "" {
		f.ClientOrderID = "" // of another maker, whose ids may be none of ours
	}
	if err := f.Validate(); err != nil {
		return fmt.Errorf("the fill %s: %w", f.ID, err)
	}
	tape.some[t.id] = struct{}{}
	d.sink.Fill(f)
	return nil
}
