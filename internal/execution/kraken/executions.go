package kraken

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/frame"
)

// known is what the stream has told of an order so far: updates leave out what
// did not change.
type known struct {
	report  execution.Report
	side    domain.Side
	inForce domain.TimeInForce
	cost    domain.Decimal // of what is filled
}

// executed takes an execution: of an order's life, or a fill.
func (s *stream) executed(ctx context.Context, f *frame.Fields, snapshot bool, to *private.Delivery) (err error) {
	number, kind := strings.Clone(f.Text("order_id")), strings.Clone(f.Text("exec_type"))
	if f.Err != nil {
		return fmt.Errorf("an execution: %w", f.Err)
	}
	k := s.orders[number]
	if k == nil {
		k = &known{report: execution.Report{VenueOrderID: number, Status: domain.OrderAccepted}}
	}
	k.learn(f)
	status := s.status(f)
	if kind == "trade" {
		k.add(f)
	}
	reason := ""
	if f.Has("reason", fastjson.TypeString) {
		reason = s.Scrub(strings.Clone(f.Text("reason")))
	}
	at := f.Time("timestamp")
	var fill private.Fill
	if kind == "trade" {
		fill = fillOf(f, at)
	}
	if f.Err != nil {
		return fmt.Errorf("an execution of %s: %w", number, f.Err)
	}
	over := false // REST says that it ended, which the event came before
	if k.report.Symbol == "" || k.side == 0 {
		if over, err = s.join(ctx, k); err != nil {
			return fmt.Errorf("an execution of %s: %w", number, err)
		}
	}
	if !over {
		k.report.Status, k.report.Time, k.report.Reason = ended(status, k.inForce, reason), at, reason
	}
	s.orders[number] = k
	if k.report.Status.Final() {
		delete(s.orders, number)
	}
	if kind == "trade" {
		fill.Symbol, fill.OrderID, fill.ClientOrderID, fill.Side = k.report.Symbol, number, k.report.ID, k.side
		if err := to.Fill(ctx, fill); err != nil {
			return err
		}
	}
	if snapshot || kind == "pending_new" {
		return nil // nothing happened, or it is not live yet
	}
	to.Order(k.report)
	to.Recount()
	return nil
}

// status reads the state of an order.
func (*stream) status(f *frame.Fields) domain.OrderStatus {
	switch f.Text("order_status") {
	case "pending_new", "new":
		return domain.OrderAccepted
	case "partially_filled":
		return domain.OrderPartial
	case "filled":
		return domain.OrderFilled
	case "canceled":
		return domain.OrderCanceled
	case "expired":
		return domain.OrderExpired
	}
	f.Fail("order_status", "one that is known")
	return 0
}

// learn takes what an execution says of its order.
func (k *known) learn(f *frame.Fields) {
	if f.Has("symbol", fastjson.TypeString) {
		k.report.Symbol = strings.Clone(f.Text("symbol"))
	}
	if f.Has("cl_ord_id", fastjson.TypeString) {
		k.report.ID = ourID(strings.Clone(f.Text("cl_ord_id")))
	}
	if f.Has("side", fastjson.TypeString) {
		side, err := sideOf(f.Text("side"))
		if err != nil {
			f.Fail("side", "buy or sell")
		}
		k.side = side
	}
	if f.Has("time_in_force", fastjson.TypeString) {
		switch strings.ToUpper(f.Text("time_in_force")) {
		case "IOC":
			k.inForce = domain.ImmediateOrCancel
		case "FOK":
			k.inForce = domain.FillOrKill
		}
	}
	if f.Has("cum_qty", fastjson.TypeNumber) {
		k.report.Filled = f.DecimalNumber("cum_qty")
	}
	if f.Has("cum_cost", fastjson.TypeNumber) {
		k.cost = f.DecimalNumber("cum_cost")
	}
	k.average(f)
}

// add takes a fill into what is filled, where the execution does not say it.
func (k *known) add(f *frame.Fields) {
	volume, price := f.DecimalNumber("last_qty"), f.DecimalNumber("last_price")
	if !f.Has("cum_qty", fastjson.TypeNumber) {
		k.report.Filled = k.report.Filled.Add(volume)
	}
	if !f.Has("cum_cost", fastjson.TypeNumber) {
		k.cost = k.cost.Add(volume.Mul(price))
	}
	k.average(f)
}

func (k *known) average(f *frame.Fields) {
	if f.Err != nil || !k.report.Filled.IsPos() || !k.cost.IsPos() {
		return
	}
	average, err := k.cost.Div(k.report.Filled)
	if err != nil {
		f.Fail("cum_cost", "the cost of cum_qty")
	}
	k.report.AveragePrice = average
}

// fillOf reads the fill of an execution; whose it is, its order tells.
func fillOf(f *frame.Fields, at time.Time) private.Fill {
	fill := private.Fill{Place: at.UnixMicro(), Fill: domain.Fill{
		ID: strings.Clone(f.Text("exec_id")), Price: f.DecimalNumber("last_price"), Volume: f.DecimalNumber("last_qty"), Time: at,
	}}
	if f.Has("liquidity_ind", fastjson.TypeString) {
		fill.Maker = f.Text("liquidity_ind") == "m"
	}
	if !f.Has("fees", fastjson.TypeArray) {
		return fill
	}
	execution := f.Object
	for _, element := range f.List("fees") {
		if !f.Item(element) {
			break
		}
		// Fees in another currency than the first cannot be told.
		if asset := f.Text("asset"); fill.FeeCurrency == "" || asset == fill.FeeCurrency {
			fill.FeeCurrency = strings.Clone(asset)
			fill.Fee = fill.Fee.Add(f.SignedNumber("qty"))
		}
	}
	f.Object = execution
	return fill
}

// join asks for an order of which the stream said too little. over: it has
// ended.
func (s *stream) join(ctx context.Context, k *known) (over bool, err error) {
	number := k.report.VenueOrderID
	orders, err := s.numbered(ctx, number)
	if err != nil {
		return false, err
	}
	o, ok := orders[number]
	if !ok {
		return false, errGone
	}
	if k.side, err = sideOf(o.Descr.Side); err != nil {
		return false, err
	}
	if k.report, err = s.report(number, o, k.inForce); err != nil {
		return false, err
	}
	k.cost = k.report.AveragePrice.Mul(k.report.Filled)
	return k.report.Status.Final(), nil
}

// balance takes what there is of a currency after a change.
func (s *stream) balance(ctx context.Context, f *frame.Fields, to *private.Delivery) error {
	b := domain.Balance{Currency: strings.Clone(f.Text("asset")), Total: f.SignedNumber("balance"), Time: f.Time("timestamp")}
	if f.Err != nil {
		return fmt.Errorf("a balance: %w", f.Err)
	}
	b.Used = s.held(b.Currency)
	b.Free = b.Total.Sub(b.Used)
	to.Balance(ctx, b)
	to.Recount()
	return nil
}
