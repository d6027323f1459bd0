package private

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Venue is one account at one venue. It implements execution.Venue. All
// methods are safe for concurrent use.
type Venue struct {
	own     Own
	account *Account
	api     API

	running   sync.Mutex // held by Run
	delivered *delivered // of all Runs
	taken     taken

	mu   sync.Mutex
	seen map[string]struct{} // the venue's symbols whose fills are asked for
}

var _ execution.Venue = (*Venue)(nil)

// New makes a Venue; it connects to nothing. api makes the venue's part of it.
// The error is a *domain.FieldError, or what api returns.
func New(cfg Config, own Own, api func(*Account) (API, error)) (*Venue, error) {
	cfg = cfg.WithDefaults(own)
	if err := cfg.validate(own); err != nil {
		return nil, err
	}
	account := newAccount(cfg, own)
	part, err := api(account)
	if err != nil {
		return nil, err
	}
	account.time = part.Time
	return &Venue{own: own, account: account, api: part, delivered: newDelivered(own.Late), seen: make(map[string]struct{})}, nil
}

// CloseIdle closes the connections that no request uses.
func (v *Venue) CloseIdle() { v.account.wire.CloseIdleConnections() }

// Submit sends an order: see execution.Venue.
func (v *Venue) Submit(ctx context.Context, order domain.Order) (execution.Report, error) {
	symbol, reason := v.check(order)
	if reason != "" {
		return execution.Report{}, &execution.Rejected{Reason: domain.Shorten(reason, domain.MaxReasonBytes)}
	}
	if order.Attempt != 1 {
		if err := v.vacant(ctx, order, symbol); err != nil {
			return execution.Report{}, err
		}
	}
	v.watch(symbol.VenueSymbol)
	report, err := v.api.Submit(ctx, order, symbol)
	if err != nil {
		return execution.Report{}, refused(err)
	}
	return v.answered(order, symbol, report)
}

// check refuses what the venue would not have to be asked about. reason is
// empty for an order that can be sent.
func (v *Venue) check(o domain.Order) (symbol domain.Symbol, reason string) {
	cfg := v.account.Cfg
	if err := o.Validate(); err != nil {
		return symbol, err.Error()
	}
	symbol, known := v.account.Symbols.Find(o.Symbol)
	switch {
	case o.Exchange != cfg.Exchange || o.Account != cfg.Account:
		return symbol, "it is for " + o.Account + " at " + o.Exchange + ", not for " + cfg.Account + " at " + cfg.Exchange
	case !known:
		return symbol, o.Symbol + " is not in the catalogue of " + cfg.Exchange
	case v.own.refuses(symbol) != "":
		return symbol, v.own.refuses(symbol)
	case symbol.Settle == "" && o.ReduceOnly && o.Side == domain.Buy:
		return symbol, "a spot market has no short position that buying could reduce"
	}
	return symbol, v.api.Check(o, symbol)
}

// vacant makes sure that no order of that id was there before.
func (v *Venue) vacant(ctx context.Context, order domain.Order, symbol domain.Symbol) error {
	_, err := v.api.Query(ctx, order, symbol)
	switch {
	case err == nil:
		return &execution.Rejected{Reason: "the client order id " + order.ID + " is taken", Duplicate: true}
	case !Is(err, NotFound):
		return unanswered(err)
	case v.taken.has(order.ID):
		return &execution.Rejected{Reason: "the venue took an order with the client order id " + order.ID + " already", Duplicate: true}
	}
	return nil
}

// Cancel takes what rests of an order out of the book: see execution.Venue.
func (v *Venue) Cancel(ctx context.Context, order domain.Order) (execution.Report, error) {
	symbol, err := v.place(order)
	if err != nil {
		return execution.Report{}, &execution.Rejected{Reason: err.Error()}
	}
	report, failed := v.api.Cancel(ctx, order, symbol)
	switch {
	case failed == nil:
		return v.answered(order, symbol, report)
	case Is(failed, NotOpen, NotFound):
		// It ended before, or was never there, or the venue does not want to.
		report, err := v.Query(ctx, order)
		if err == nil && !report.Status.Final() {
			return execution.Report{}, refused(failed)
		}
		return report, err
	}
	return execution.Report{}, refused(failed)
}

// Query asks for an order: see execution.Venue.
func (v *Venue) Query(ctx context.Context, order domain.Order) (execution.Report, error) {
	symbol, err := v.place(order)
	if err != nil {
		return execution.Report{}, fmt.Errorf("%w: %w", execution.ErrUnanswered, err)
	}
	report, err := v.api.Query(ctx, order, symbol)
	switch {
	case err == nil:
		return v.answered(order, symbol, report)
	case Is(err, NotFound) && v.taken.has(order.ID):
		return execution.Report{}, unanswered(errors.New("the venue does not find an order that it has taken"))
	case Is(err, NotFound):
		return execution.Report{}, fmt.Errorf("order %s at %s: %w", order.ID, v.account.Cfg.Exchange, domain.ErrNotFound)
	}
	return execution.Report{}, unanswered(err)
}

// place finds the symbol of an order that was sent.
func (v *Venue) place(order domain.Order) (domain.Symbol, error) {
	if err := domain.CheckOrderID(order.ID); err != nil {
		return domain.Symbol{}, err
	}
	symbol, known := v.account.Symbols.Find(order.Symbol)
	if !known {
		return symbol, domain.Invalid("symbol", order.Symbol, "one in the catalogue of "+v.account.Cfg.Exchange)
	}
	v.watch(symbol.VenueSymbol)
	return symbol, nil
}

// answered reads the answer to a request about one order. One that is about
// another order, or says nothing, is no answer.
func (v *Venue) answered(order domain.Order, symbol domain.Symbol, report execution.Report) (execution.Report, error) {
	if report.Symbol != symbol.VenueSymbol || report.ID != order.ID {
		return execution.Report{}, unanswered(errors.New("the answer is about another order"))
	}
	if report.Status == 0 {
		return execution.Report{}, unanswered(errors.New("the answer does not say what became of the order"))
	}
	v.taken.add(report.ID)
	return v.unified(report), nil
}

// unified is a report with the name of its symbol, if that is known.
func (v *Venue) unified(report execution.Report) execution.Report {
	if name, known := v.account.Symbols.Name(report.Symbol); known {
		report.Symbol = name
	}
	if report.Status == domain.OrderAccepted && report.Filled.IsPos() {
		report.Status = domain.OrderPartial
	}
	return report
}

// Open lists what rests: see execution.Venue. Orders in symbols that the
// catalogue does not have keep the venue's spelling.
func (v *Venue) Open(ctx context.Context) ([]execution.Report, error) {
	reports, err := v.api.Open(ctx)
	if err != nil {
		return nil, unanswered(err)
	}
	for i, report := range reports {
		v.watch(report.Symbol)
		if reports[i] = v.unified(report); !reports[i].Status.Resting() {
			return nil, unanswered(errors.New("an order that ended is said to be open"))
		}
	}
	return reports, nil
}

// watch makes sure that a symbol's fills are asked for.
func (v *Venue) watch(symbol string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen[symbol] = struct{}{}
}

// lists are the lists of fills that there are to ask for.
func (v *Venue) lists() []string {
	if !v.own.BySymbol {
		return []string{""}
	}
	v.mu.Lock()
	watched := slices.Sorted(maps.Keys(v.seen))
	v.mu.Unlock()
	return slices.DeleteFunc(watched, func(symbol string) bool {
		_, known := v.account.Symbols.Name(symbol)
		return !known
	})
}

// list is the list of fills that those of a symbol are in.
func (v *Venue) list(symbol string) string {
	if v.own.BySymbol {
		return symbol
	}
	return ""
}
