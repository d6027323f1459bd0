package coinbase

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/venue/frame"
)

// firstLag and lastLag bound the wait for fills that the list does not have yet;
// it doubles from one to the other.
const firstLag, lastLag = 25 * time.Millisecond, 800 * time.Millisecond

// update is what the stream tells of an order.
type update struct {
	report execution.Report
	moving bool // it is on its way to another state, which will be told
	spot   bool
}

// Tell implements private.Stream.
func (s *stream) Tell(ctx context.Context, data []byte, to *private.Delivery) error {
	f, err := s.telling.Read(data, time.Now())
	if err != nil {
		return fmt.Errorf("an event: %w", err)
	}
	at := f.Time("timestamp")
	for _, event := range f.List("events") {
		if !f.Item(event) {
			break
		}
		snapshot := f.Text("type") == "snapshot"
		if !f.Told("orders") {
			continue // positions of other markets
		}
		for _, element := range f.List("orders") {
			if !f.Item(element) {
				break
			}
			u := s.read(f)
			u.report.Time = at
			if f.Err != nil {
				break
			}
			if err := s.tell(ctx, u, snapshot, to); err != nil {
				return fmt.Errorf("an event of %s: %w", u.report.VenueOrderID, err)
			}
		}
	}
	if f.Err != nil {
		return fmt.Errorf("an event: %w", f.Err)
	}
	return nil
}

// read reads an order of the stream.
func (s *stream) read(f *frame.Fields) (u update) {
	given := func(key string) string {
		if !f.Has(key, fastjson.TypeString) {
			return ""
		}
		return f.Text(key)
	}
	text := f.Text("status")
	status, known := statuses[text]
	if !known {
		f.Fail("status", "one that is known")
	}
	u.moving = status == domain.OrderAccepted && text != "OPEN"
	kind := given("product_type")
	u.spot = kind == "" || strings.EqualFold(kind, spot)
	r := &u.report
	r.VenueOrderID, r.ID, r.Symbol = strings.Clone(f.Text("order_id")), strings.Clone(f.Text("client_order_id")), strings.Clone(f.Text("product_id"))
	if f.Err == nil && (r.VenueOrderID == "" || r.Symbol == "") {
		f.Fail("order_id", "the number of an order of a product")
	}
	r.Filled = f.Decimal("cumulative_quantity")
	r.Status = ended(status, given("time_in_force"), r.Filled)
	r.Reason = s.reasonOf(status, given("reject_reason"), given("cancel_reason"))
	if f.Err == nil && r.Filled.IsPos() {
		price, err := average(r.Filled, given("filled_value"), f.Text("avg_price"))
		if err != nil {
			f.Fail("avg_price", "the price of cumulative_quantity")
		}
		r.AveragePrice = price
	}
	return u
}

// tell hands on what became of an order: its fills, then its state.
func (s *stream) tell(ctx context.Context, u update, snapshot bool, to *private.Delivery) error {
	if !u.spot {
		return nil
	}
	r := u.report
	s.names.learn(r.ID, r.VenueOrderID)
	if snapshot { // what was filled before it is in the list, which is read anyway
		s.filled[r.VenueOrderID] = r.Filled
		return nil
	}
	more := r.Filled.GreaterThan(s.filled[r.VenueOrderID])
	if more {
		if err := s.fill(ctx, r, to); err != nil {
			return err
		}
	}
	if r.Status.Final() {
		delete(s.filled, r.VenueOrderID)
	}
	if !u.moving || more {
		to.Order(r)
		to.Recount()
	}
	return nil
}

// fill tells the fills of an order. Those that the list does not have in time
// are left to the next sweep.
func (s *stream) fill(ctx context.Context, r execution.Report, to *private.Delivery) error {
	for wait := firstLag; ; wait *= 2 {
		fills, err := s.trades(ctx, url.Values{"order_ids": {r.VenueOrderID}})
		if err != nil && !private.Is(err, private.Limited) {
			return err
		}
		var sum domain.Decimal
		for _, f := range fills {
			f.ClientOrderID = r.ID
			if err := to.Fill(ctx, f); err != nil {
				return err
			}
			sum = sum.Add(f.Volume)
		}
		switch {
		case sum.GreaterThanOrEqual(r.Filled):
			s.filled[r.VenueOrderID] = r.Filled
			return nil
		case wait > lastLag || ctx.Err() != nil:
			s.Cfg.Logger.WarnContext(ctx, "fills are not listed yet", "account", s.Cfg.Account, "order", r.VenueOrderID, "filled", r.Filled, "listed", sum)
			return nil
		}
		pause.For(ctx, wait)
	}
}
