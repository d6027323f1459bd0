package binance

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"sync"

	api "github.com/adshao/go-binance/v2"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Venue is one account at Binance spot. It implements execution.Venue, and has
// no positions to deliver. All methods are safe for concurrent use.
type Venue struct {
	cfg     Config
	symbols *symbols
	clock   clock
	reading chan struct{} // held by who reads the clock
	wire    transport
	http    *http.Client
	silent  *log.Logger // the library's

	running   sync.Mutex // held by Run
	delivered delivered  // of all Runs

	mu   sync.Mutex
	seen map[string]struct{} // the venue's symbols whose fills are asked for
}

var _ execution.Venue = (*Venue)(nil)

// New makes a Venue; it connects to nothing. The error is a *domain.FieldError.
func New(cfg Config) (*Venue, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	wire := newTransport(cfg.Timeout)
	return &Venue{
		cfg: cfg, symbols: &symbols{now: cfg.Symbols}, reading: make(chan struct{}, 1), wire: wire,
		http: &http.Client{
			Transport: wire,
			// A redirect would carry the key elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		silent:    log.New(io.Discard, "", 0),
		delivered: delivered{markets: map[string]*tape{}, balances: map[string]int64{}},
		seen:      map[string]struct{}{},
	}, nil
}

// CloseIdle closes the connections that no request uses.
func (v *Venue) CloseIdle() { v.wire.CloseIdleConnections() }

// Submit sends an order: see execution.Venue.
func (v *Venue) Submit(ctx context.Context, order domain.Order) (execution.Report, error) {
	const what = "POST /api/v3/order"
	symbol, reason := v.check(order)
	if reason != "" {
		return execution.Report{}, &execution.Rejected{Reason: domain.Shorten(reason, domain.MaxReasonBytes)}
	}
	if order.Attempt != 1 {
		if err := v.vacant(ctx, order, symbol.VenueSymbol); err != nil {
			return execution.Report{}, err
		}
	}
	v.watch(symbol.VenueSymbol)
	got, f := ask(ctx, v, what, func(ctx context.Context, c *api.Client, window api.RequestOption) (*api.CreateOrderResponse, error) {
		return request(c, order, symbol.VenueSymbol).Do(ctx, window)
	})
	if f != nil {
		return execution.Report{}, f.refused()
	}
	return v.answered(what, order, symbol.VenueSymbol, state{
		symbol: got.Symbol, number: got.OrderID, clientID: got.ClientOrderID, status: string(got.Status),
		filled: got.ExecutedQuantity, cost: got.CummulativeQuoteQuantity, ms: got.TransactTime,
	})
}

// vacant makes sure that no order of that id was there before.
func (v *Venue) vacant(ctx context.Context, order domain.Order, symbol string) error {
	_, f := v.query(ctx, order, symbol)
	switch {
	case f == nil, f.is(codeArchived):
		return &execution.Rejected{Reason: "the client order id " + order.ID + " is taken", Duplicate: true}
	case f.is(codeNoOrder):
		return nil
	}
	return f.unanswered()
}

// Cancel takes what rests of an order out of the book: see execution.Venue.
func (v *Venue) Cancel(ctx context.Context, order domain.Order) (execution.Report, error) {
	const what = "DELETE /api/v3/order"
	symbol, err := v.place(order)
	if err != nil {
		return execution.Report{}, &execution.Rejected{Reason: err.Error()}
	}
	got, f := ask(ctx, v, what, func(ctx context.Context, c *api.Client, window api.RequestOption) (*api.CancelOrderResponse, error) {
		return c.NewCancelOrderService().Symbol(symbol).OrigClientOrderID(order.ID).Do(ctx, window)
	})
	switch {
	case f == nil:
		return v.answered(what, order, symbol, state{
			symbol: got.Symbol, number: got.OrderID, clientID: got.OrigClientOrderID, status: string(got.Status),
			filled: got.ExecutedQuantity, cost: got.CummulativeQuoteQuantity, ms: got.TransactTime,
		})
	case f.is(codeCancel, codeNoOrder):
		// It ended before, or was never there, or the venue does not want to.
		report, err := v.Query(ctx, order)
		if err == nil && !report.Status.Final() {
			return execution.Report{}, f.refused()
		}
		return report, err
	}
	return execution.Report{}, f.refused()
}

// Query asks for an order: see execution.Venue.
func (v *Venue) Query(ctx context.Context, order domain.Order) (execution.Report, error) {
	symbol, err := v.place(order)
	if err != nil {
		return execution.Report{}, fmt.Errorf("%w: %w", execution.ErrUnanswered, err)
	}
	got, f := v.query(ctx, order, symbol)
	switch {
	case f == nil:
		return v.answered(queryOrder, order, symbol, stateOf(got))
	case f.is(codeNoOrder):
		return execution.Report{}, fmt.Errorf("order %s at %s: %w", order.ID, v.cfg.Exchange, domain.ErrNotFound)
	case f.is(codeArchived):
		return execution.Report{ID: order.ID, Symbol: order.Symbol, Status: domain.OrderCanceled, Reason: f.message}, nil
	}
	return execution.Report{}, f.unanswered()
}

const queryOrder = "GET /api/v3/order"

func (v *Venue) query(ctx context.Context, order domain.Order, symbol string) (*api.Order, *failure) {
	return ask(ctx, v, queryOrder, func(ctx context.Context, c *api.Client, window api.RequestOption) (*api.Order, error) {
		return c.NewGetOrderService().Symbol(symbol).OrigClientOrderID(order.ID).Do(ctx, window)
	})
}

// place is the venue's spelling of an order's symbol.
func (v *Venue) place(order domain.Order) (string, error) {
	if err := domain.CheckOrderID(order.ID); err != nil {
		return "", err
	}
	symbol, known := v.symbols.byName(order.Symbol)
	if !known {
		return "", domain.Invalid("symbol", order.Symbol, "one in the catalogue of "+v.cfg.Exchange)
	}
	v.watch(symbol.VenueSymbol)
	return symbol.VenueSymbol, nil
}

// answered reads the answer to a request about one order. One that is about
// another order, or says nothing, is no answer.
func (v *Venue) answered(what string, order domain.Order, symbol string, s state) (execution.Report, error) {
	if s.symbol != symbol || s.clientID != order.ID {
		return execution.Report{}, nonsense(what, "the answer is about another order")
	}
	report, wrong := v.report(s)
	if wrong != "" {
		return execution.Report{}, nonsense(what, wrong)
	}
	return report, nil
}

// Open lists what rests: see execution.Venue. Orders in symbols that the
// catalogue does not have keep the venue's spelling.
func (v *Venue) Open(ctx context.Context) ([]execution.Report, error) {
	const what = "GET /api/v3/openOrders"
	all, f := ask(ctx, v, what, func(ctx context.Context, c *api.Client, window api.RequestOption) ([]*api.Order, error) {
		return c.NewListOpenOrdersService().Do(ctx, window)
	})
	if f != nil {
		return nil, f.unanswered()
	}
	if slices.Contains(all, nil) {
		return nil, nonsense(what, "an order is missing")
	}
	slices.SortStableFunc(all, func(o, other *api.Order) int {
		return cmp.Or(cmp.Compare(o.Time, other.Time), cmp.Compare(o.OrderID, other.OrderID))
	})
	reports := make([]execution.Report, 0, len(all))
	for _, o := range all {
		report, wrong := v.report(stateOf(o))
		if wrong == "" && !report.Status.Resting() {
			wrong = "an order that ended is said to be open"
		}
		if wrong != "" {
			return nil, nonsense(what, wrong)
		}
		v.watch(o.Symbol)
		reports = append(reports, report)
	}
	return reports, nil
}

// watch makes sure that a symbol's fills are asked for.
func (v *Venue) watch(symbol string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[symbol] = struct{}{}
}
