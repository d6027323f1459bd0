package domain

// SameState tells whether both say the same of one order. When and where it was
// stored does not count.
func (o Order) SameState(other Order) bool {
	return o.ID == other.ID && o.Exchange == other.Exchange && o.Same(other.OrderTerms) && o.Created.Equal(other.Created) &&
		o.Status == other.Status && o.Reason == other.Reason && o.CancelRequested == other.CancelRequested && o.Dead == other.Dead &&
		o.VenueOrderID == other.VenueOrderID && o.VenueTime.Equal(other.VenueTime) && o.Filled.Equal(other.Filled) &&
		o.AveragePrice.Equal(other.AveragePrice) && o.Attempt == other.Attempt && o.Worker == other.Worker &&
		o.Deadline.Equal(other.Deadline) && o.Token == other.Token
}

// InQueue tells whether the order is to be handed out to workers.
func (o Order) InQueue() bool { return o.Status.Queued() && !o.Dead }

// Differs names the first of the terms that is not the same in both, as the
// error of whoever offers other terms for an id that is taken; nil when all are.
// The error is a *FieldError.
func (t OrderTerms) Differs(taken OrderTerms) error {
	for _, f := range [...]struct {
		name      string
		same      bool
		has, want string
	}{
		{"account", t.Account == taken.Account, t.Account, taken.Account},
		{"bot", t.Bot == taken.Bot, t.Bot, taken.Bot},
		{"symbol", t.Symbol == taken.Symbol, t.Symbol, taken.Symbol},
		{"side", t.Side == taken.Side, t.Side.String(), taken.Side.String()},
		{"type", t.Type == taken.Type, t.Type.String(), taken.Type.String()},
		{"time_in_force", t.TimeInForce == taken.TimeInForce, t.TimeInForce.String(), taken.TimeInForce.String()},
		{"volume", t.Volume.Equal(taken.Volume), t.Volume.String(), taken.Volume.String()},
		{"price", t.Price.Equal(taken.Price), t.Price.String(), taken.Price.String()},
		{"stop_price", t.StopPrice.Equal(taken.StopPrice), t.StopPrice.String(), taken.StopPrice.String()},
		{"reduce_only", t.ReduceOnly == taken.ReduceOnly, yesNo(t.ReduceOnly), yesNo(taken.ReduceOnly)},
		{"expires", t.Expires.Equal(taken.Expires), t.Expires.String(), taken.Expires.String()},
	} {
		if !f.same {
			return Invalid(f.name, f.has, f.want+", as the order with this id has")
		}
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
