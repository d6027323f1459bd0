package binance_test

import (
	"slices"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

// contractSession is one private WebSocket.
type contractSession struct {
	d    *contractDialect
	s    *papertest.Socket
	told map[string]bool // orders that were told to be new
	// What there was before: the venue tells changes only.
	balances  map[string]domain.Balance
	positions map[string]domain.Position
}

func newContractSession(d *contractDialect, s *papertest.Socket) *contractSession {
	c := &contractSession{d: d, s: s, told: make(map[string]bool), balances: make(map[string]domain.Balance), positions: make(map[string]domain.Position)}
	statement, _ := d.x.Account().Statement(s.Context()) // an error: the exchange is being stopped
	for _, e := range statement.Orders {
		c.told[e.Report.VenueOrderID] = true
	}
	for _, b := range statement.Balances {
		c.balances[b.Currency] = b
	}
	for _, p := range statement.Positions {
		c.positions[p.Symbol] = p
	}
	return c
}

// event tells of something.
func (c *contractSession) event(name string, o object) {
	now := c.d.now().UnixMilli()
	o["e"], o["E"] = name, now
	if o["T"] == nil {
		o["T"] = now
	}
	c.s.Send(o.String())
}

// update tells of an order, with a trade where there is one.
func (c *contractSession) update(e contractEntry, kind string, trade object) {
	o := object{
		"s": "BTCUSDT", "c": e.Report.ID, "S": contractSides[e.Terms.Side], "o": "LIMIT", "f": timesInForce[e.Terms.TimeInForce], "q": e.Terms.Volume.String(),
		"p": e.Terms.Price.String(), "ap": e.Report.AveragePrice.String(), "sp": "0", "x": kind, "X": contractStatuses[e.Report.Status], "i": e.number, "l": "0",
		"z": e.Report.Filled.String(), "L": "0", "T": e.Report.Time.UnixMilli(), "t": 0, "b": "0", "a": "0", "m": false, "R": e.Terms.ReduceOnly, "ot": "LIMIT",
		"ps": "BOTH", "cp": false, "rp": "0", "pP": false, "si": 0, "ss": 0, "V": "NONE", "pm": "NONE", "gtd": 0, "er": "0",
	}
	if kind == "EXPIRED" {
		o["er"] = "2"
	}
	for name, value := range trade {
		o[name] = value
	}
	c.event("ORDER_TRADE_UPDATE", object{"T": e.Report.Time.UnixMilli(), "o": o})
}

// entry is an order by the paper venue's name of it; one that was killed is none.
func (c *contractSession) entry(venueID string) (e contractEntry, s paper.Statement, ok bool) {
	all, s, err := c.d.entries(c.s.Context())
	i := slices.IndexFunc(all, func(e contractEntry) bool { return e.Report.VenueOrderID == venueID })
	if err != nil || i < 0 {
		return e, s, false // the exchange is being stopped; or as above
	}
	if e = all[i]; !c.told[venueID] {
		c.told[venueID] = true
		first := e
		first.Report.Status, first.Report.Filled, first.Report.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
		c.update(first, "NEW", nil)
	}
	return e, s, true
}

// Connected implements execution.Sink.
func (*contractSession) Connected() {}

// Fill implements execution.Sink: the order as it was after it.
func (c *contractSession) Fill(f domain.Fill) {
	e, statement, ok := c.entry(f.OrderID)
	if !ok {
		return
	}
	e.Report.Status, e.Report.Filled, e.Report.Time = domain.OrderPartial, domain.Decimal{}, f.Time
	var cost domain.Decimal
	for i, part := range statement.Fills {
		if part.OrderID == f.OrderID {
			e.Report.Filled, cost = e.Report.Filled.Add(part.Volume), cost.Add(part.Cost())
		}
		if part.ID != f.ID {
			continue
		}
		if e.Report.Filled.Equal(e.Terms.Volume) {
			e.Report.Status = domain.OrderFilled
		}
		e.Report.AveragePrice = cost.MustDiv(e.Report.Filled)
		c.update(e, "TRADE", object{
			"l": f.Volume.String(), "L": f.Price.String(), "n": f.Fee.String(), "N": f.FeeCurrency, "t": i + 1, "m": f.Maker,
		})
		return
	}
}

// Order implements execution.Sink. What was filled was told with the fill.
func (c *contractSession) Order(r execution.Report) {
	e, _, ok := c.entry(r.VenueOrderID)
	if !ok {
		return
	}
	switch e.Report = r; r.Status {
	case domain.OrderCanceled, domain.OrderExpired:
		c.update(e, contractStatuses[r.Status], nil)
	}
}

// Balance implements execution.Sink.
func (c *contractSession) Balance(b domain.Balance) {
	if old := c.balances[b.Currency]; !old.Total.Equal(b.Total) { // what orders hold back is no news
		c.event("ACCOUNT_UPDATE", object{"a": object{"m": "ORDER", "B": []object{{"a": b.Currency, "wb": b.Total.String(), "cw": b.Total.String(), "bc": "0"}}, "P": []object{}}})
	}
	c.balances[b.Currency] = b
}

// Position implements execution.Sink.
func (c *contractSession) Position(p domain.Position) {
	if c.positions[p.Symbol].Same(p) {
		return
	}
	c.positions[p.Symbol] = p
	c.event("ACCOUNT_UPDATE", object{"T": p.Time.UnixMilli(), "a": object{"m": "ORDER", "B": []object{}, "P": []object{{
		"s": "BTCUSDT", "pa": p.Volume.String(), "ep": p.Price.String(), "bep": "0", "cr": p.Realised.String(), "up": "0", "mt": "cross", "iw": "0", "ps": "BOTH",
	}}}})
}
