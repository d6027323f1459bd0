package executiontest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// What a Harness's account begins with, and the market that it has.
const (
	Symbol       = "BTC/USDT"
	BeginsQuote  = "1000000" // USDT
	BeginsBase   = "100"     // BTC
	MaxFeeOfCost = "0.01"    // no fee is higher than this part of what is traded
)

// Harness is a venue of its own for one test.
type Harness struct {
	Exchange string
	Account  string
	// Spot says that the account is one of a plain spot venue: it has no
	// positions, so reduce-only means nothing there, and fees come out of what is
	// received, so nothing is held back for them.
	Spot bool
	// QuoteFees says that fees are in quote currency, at a spot venue too.
	QuoteFees bool
	// NoStops says that the venue has no stop orders: they are rejected.
	NoStops bool
	// RejectsKills says that an order that was to be filled at once and whole, and
	// could not be, is rejected: it never was one.
	RejectsKills bool
	// OnlyStopLimits says that the venue knows stops only with a limit.
	OnlyStopLimits bool
	// Venue is the account as it is reached now; asked for anew after Restart.
	Venue func() execution.Venue
	// Market sets the best prices and sizes, and returns when the resting orders
	// have met them. Each call offers its sizes once.
	Market func(bid, bidSize, ask, askSize string)
	// Restart kills the venue and starts it again.
	Restart func()
	// Disconnect cuts whatever delivers to Run.
	Disconnect func()
}

// Run holds an implementation to the contract of execution.Venue. start makes
// a venue that ends with its test.
func Run(t *testing.T, start func(t *testing.T) Harness) {
	for name, test := range map[string]func(*rig){
		"a limit order rests, is found, and is canceled":          testRests,
		"a market order is filled and paid":                       testMarket,
		"a client order id is taken once":                         testDuplicate,
		"an unknown order is not found":                           testUnknown,
		"what is not for the account or not valid is rejected":    testForeign,
		"what is filled in parts adds up":                         testPartial,
		"post-only rests or is rejected":                          testPostOnly,
		"reduce-only reduces":                                     testReduceOnly,
		"immediate or cancel, fill or kill":                       testImmediate,
		"stops wait for their price":                              testStops,
		"nobody spends what he has not":                           testFunds,
		"nothing is taken after its deadline":                     testDeadline,
		"a restart keeps everything":                              testRestart,
		"events come once, and fills are made up for":             testEvents,
		"those who submit at the same time do not disturb others": testConcurrent,
		"of many who submit one id, one succeeds":                 testOneOfMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t)
			r := &rig{TB: t, h: h, venue: h.Venue()}
			h.Market("99", "10", "101", "10")
			test(r)
		})
	}
}

// rig is what one test works with.
type rig struct {
	testing.TB
	h     Harness
	venue execution.Venue
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// order makes an order; a price makes it a limit order.
func (r *rig) order(id string, side domain.Side, volume, price string) domain.Order {
	o := domain.Order{
		ID: id, Exchange: r.h.Exchange, Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{
			Account: r.h.Account, Bot: "bot", Symbol: Symbol, Side: side, Type: domain.Market, Volume: dec(volume),
		},
	}
	if price != "" {
		o.Type, o.Price = domain.Limit, dec(price)
	}
	return o
}

// stop makes an order that waits for a price, and is filled at any then.
func (r *rig) stop(id string, side domain.Side, volume, at string) domain.Order {
	o := r.order(id, side, volume, "")
	o.Type, o.StopPrice = domain.Stop, dec(at)
	if !r.h.OnlyStopLimits {
		return o
	}
	_ = r.refused(o)
	o.Type, o.Price = domain.StopLimit, o.StopPrice.Mul(dec("2"))
	if side == domain.Sell {
		o.Price = o.StopPrice.Mul(dec("0.5"))
	}
	return o
}

// submit sends an order that the venue must take, and holds what it says to
// the status and to what is filled.
func (r *rig) submit(o domain.Order, status domain.OrderStatus, filled string) execution.Report {
	r.Helper()
	report, err := r.venue.Submit(r.Context(), o)
	if err != nil {
		r.Fatalf("submit %s: %v", o.ID, err)
	}
	r.is(report, o, status, filled)
	return report
}

func (r *rig) is(report execution.Report, o domain.Order, status domain.OrderStatus, filled string) {
	r.Helper()
	if report.ID != o.ID || report.VenueOrderID == "" || report.Symbol != o.Symbol || report.Time.IsZero() ||
		report.Status != status || !report.Filled.Equal(dec(filled)) || report.Filled.IsPos() != report.AveragePrice.IsPos() {
		r.Fatalf("got %+v, want %s %s with %s filled", report, o.ID, status, filled)
	}
}

// refused sends an order that the venue must not take.
func (r *rig) refused(o domain.Order) *execution.Rejected {
	r.Helper()
	report, err := r.venue.Submit(r.Context(), o)
	rejected, ok := errors.AsType[*execution.Rejected](err)
	if !ok || !errors.Is(err, execution.ErrRejected) || rejected.Reason == "" {
		r.Fatalf("submit %s: got %+v, %v, want a rejection with its reason", o.ID, report, err)
	}
	return rejected
}

// query asks for an order that must be there.
func (r *rig) query(o domain.Order, status domain.OrderStatus, filled string) execution.Report {
	r.Helper()
	report, err := r.venue.Query(r.Context(), o)
	if err != nil {
		r.Fatalf("query %s: %v", o.ID, err)
	}
	r.is(report, o, status, filled)
	return report
}

func (r *rig) cancel(o domain.Order, status domain.OrderStatus, filled string) {
	r.Helper()
	report, err := r.venue.Cancel(r.Context(), o)
	if err != nil {
		r.Fatalf("cancel %s: %v", o.ID, err)
	}
	r.is(report, o, status, filled)
}

func (r *rig) missing(o domain.Order) {
	r.Helper()
	if report, err := r.venue.Query(r.Context(), o); !errors.Is(err, domain.ErrNotFound) {
		r.Fatalf("query %s: got %+v, %v, want ErrNotFound", o.ID, report, err)
	}
}

// open holds the resting orders to a list.
func (r *rig) open(want ...domain.Order) {
	r.Helper()
	open, err := r.venue.Open(r.Context())
	if err != nil {
		r.Fatalf("open: %v", err)
	}
	same := len(open) == len(want)
	for i := range min(len(open), len(want)) {
		same = same && open[i].ID == want[i].ID && open[i].Status.Resting()
	}
	if !same {
		r.Fatalf("got %+v, want %d orders", open, len(want))
	}
}

// settled waits until a sink has all fills, each once, that make up what the
// venue says is filled of the orders, and checks that the balances and the
// position are what the fills make of those of the beginning.
func (r *rig) settled(s *Sink, orders ...domain.Order) {
	r.Helper()
	var base, quote domain.Decimal
	for _, o := range orders {
		report, err := r.venue.Query(r.Context(), o)
		if err != nil {
			r.Fatalf("query %s: %v", o.ID, err)
		}
		Eventually(r, "the fills of "+o.ID, func() bool { return sum(s.Fills(o.ID)).Equal(report.Filled) })
		var cost domain.Decimal
		for _, f := range s.Fills(o.ID) {
			if err := f.Validate(); err != nil {
				r.Fatalf("the fill %+v: %v", f, err)
			}
			if f.OrderID != report.VenueOrderID || f.Side != o.Side || f.Account != r.h.Account {
				r.Fatalf("the fill %+v is not one of %+v", f, report)
			}
			of := f.Cost()
			if r.feeCurrency(f.Side) == "BTC" {
				of = f.Volume
				base = base.Sub(f.Fee)
			} else {
				quote = quote.Sub(f.Fee)
			}
			if f.FeeCurrency != r.feeCurrency(f.Side) || f.Fee.Abs().GreaterThan(of.Mul(dec(MaxFeeOfCost))) {
				r.Fatalf("the fill %+v has a strange fee", f)
			}
			cost = cost.Add(f.Cost())
			signed := f.Volume
			if f.Side == domain.Sell {
				signed = signed.Neg()
			}
			base = base.Add(signed)
			quote = quote.Sub(f.Price.Mul(signed))
		}
		if report.Filled.IsPos() && !cost.MustDiv(report.Filled).Equal(report.AveragePrice) {
			r.Fatalf("the fills of %s cost %s, the report says %+v", o.ID, cost, report)
		}
	}
	seen := make(map[string]bool)
	for _, f := range s.Fills("") {
		if seen[f.ID] {
			r.Fatalf("the fill %s came twice", f.ID)
		}
		seen[f.ID] = true
	}
	Eventually(r, "the balances that the fills make", func() bool {
		b, q := s.BalanceOf("BTC"), s.BalanceOf("USDT")
		return b.Total.Equal(dec(BeginsBase).Add(base)) && q.Total.Equal(dec(BeginsQuote).Add(quote)) &&
			b.Total.Equal(b.Free.Add(b.Used)) && q.Total.Equal(q.Free.Add(q.Used))
	})
}

// feeCurrency is what the fees of a side's fills are in.
func (r *rig) feeCurrency(side domain.Side) string {
	if r.h.Spot && !r.h.QuoteFees && side == domain.Buy {
		return "BTC"
	}
	return "USDT"
}

func sum(fills []domain.Fill) (volume domain.Decimal) {
	for _, f := range fills {
		volume = volume.Add(f.Volume)
	}
	return volume
}

// timeout is a context for a call whose deadline does not matter.
func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
