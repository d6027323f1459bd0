package paper

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

var (
	tenThousand = domain.MustDecimal("10000")
	maxBPS      = domain.MustDecimal("1000")
	// maxWorth bounds an order's volume and its worth, so that no sum outgrows
	// what the log can carry.
	maxWorth = domain.MustDecimal("1000000000000000")
)

// rules are what an engine decides by.
type rules struct {
	exchange     string
	maker, taker domain.Decimal // fees, fractions of what is traded
	reserve      domain.Decimal // 1 + the higher of the fees
	limitSizes   bool
	maxTickAge   time.Duration
	maxOpen      int
	maxAccounts  int
	balances     map[string]domain.Decimal
	accounts     map[string]map[string]domain.Decimal
}

func rulesOf(c Config) rules {
	fraction := func(bps domain.Decimal) domain.Decimal { return bps.MustDiv(tenThousand) }
	r := rules{
		exchange: c.Exchange, maker: fraction(c.MakerBPS), taker: fraction(c.TakerBPS),
		limitSizes: c.LimitSizes, maxTickAge: c.MaxTickAge, maxOpen: c.MaxOpen, maxAccounts: c.MaxAccounts,
		balances: c.Balances, accounts: c.Accounts,
	}
	r.reserve = maxDecimal(maxDecimal(r.maker, r.taker), domain.Decimal{}).Add64(1)
	return r
}

// engine decides what becomes of orders. It does no input or output: every
// change that it makes is applied to its books, and returned. Not safe for
// concurrent use.
type engine struct {
	rules
	epoch   string
	books   *ledger
	markets map[string]*market
}

func newEngine(r rules, epoch string, books *ledger) *engine {
	return &engine{rules: r, epoch: epoch, books: books, markets: make(map[string]*market)}
}

// enter makes an account where there is none. Its change is empty where there
// is one.
func (e *engine) enter(name string, now time.Time) (change, error) {
	if e.books.accounts[name] != nil {
		return change{}, nil
	}
	if len(e.books.accounts) >= e.maxAccounts {
		return change{}, &execution.Rejected{Reason: "the paper venue has no room for another account"}
	}
	t := e.begin(name, now)
	balances, ok := e.accounts[name]
	if !ok {
		balances = e.balances
	}
	for _, currency := range slices.Sorted(maps.Keys(balances)) {
		t.c.Balances = append(t.c.Balances, domain.Balance{
			Account: name, Currency: currency, Total: balances[currency], Free: balances[currency], Time: t.c.Time,
		})
	}
	return t.end(), nil
}

// place is submit for an account that may not be there yet. It puts the changes
// behind those that there are.
func (e *engine) place(changes []change, in *domain.Order, tick *domain.Tick, missing string, now time.Time) ([]change, execution.Report, error) {
	c, err := e.enter(in.Account, now)
	if err != nil {
		return changes, execution.Report{}, err
	}
	if c.Seq != 0 {
		changes = append(changes, c)
	}
	c, report, err := e.submit(in, tick, missing, now)
	if c.Seq != 0 {
		changes = append(changes, c)
	}
	return changes, report, err
}

// submit takes an order, or not; the account is there. missing says why there
// is no tick, where there is none. The error is an *execution.Rejected.
func (e *engine) submit(in *domain.Order, tick *domain.Tick, missing string, now time.Time) (change, execution.Report, error) {
	a := e.books.accounts[in.Account]
	if a.orders[in.ID] != nil {
		return refuse(&execution.Rejected{Reason: "the client order id " + in.ID + " is taken", Duplicate: true})
	}
	if !in.Deadline.IsZero() && now.After(in.Deadline) {
		return refuse(&execution.Rejected{Reason: "it came after its deadline"})
	}
	base, quote, settle, _ := domain.SplitSymbol(in.Symbol)
	m := e.see(in.Symbol, tick)
	if missing == "" {
		missing = e.unfit(m, now)
	}
	t := e.begin(in.Account, now)
	t.base, t.quote = base, quote
	t.o = &order{
		ID: in.ID, Number: e.books.nextOrder, VenueID: e.id(e.books.nextOrder),
		Terms: in.OrderTerms, Status: domain.OrderAccepted, Active: !in.Type.HasStop(), Time: t.c.Time, Basis: in.Price,
	}
	offer, offered := m.offer(in.Side, e.limitSizes)
	offered = offered && missing == ""
	switch in.Type {
	case domain.Market:
		t.o.Basis = offer.price
	case domain.Stop:
		t.o.Basis = in.StopPrice
	}
	reason := ""
	switch {
	case settle != "":
		reason = in.Symbol + " is no spot market; the paper venue has no others"
	case a.open >= e.maxOpen:
		reason = fmt.Sprintf("the account has %d orders resting, the most it may have", a.open)
	case in.Type == domain.Market && missing != "":
		reason = "a market order needs a fresh tick: " + missing
	case in.Type == domain.Market && !offered:
		reason = "nobody is on the other side"
	case in.Volume.GreaterThan(maxWorth) || in.Volume.Mul(t.o.Basis).GreaterThan(maxWorth):
		reason = "it is worth more than the paper venue can count"
	case in.TimeInForce == domain.PostOnly && offered && t.o.takes(offer.price):
		reason = "it would take, and is post-only"
	case in.ReduceOnly && !t.reducible().GreaterThanOrEqual(in.Volume):
		reason = "it would not only reduce the position, which is " + t.position().Volume.String()
	default:
		reason = t.reserve()
	}
	if reason != "" {
		return refuse(&execution.Rejected{Reason: reason})
	}
	t.c.NextOrder++
	if missing == "" {
		t.match(m, true)
	} else if in.TimeInForce == domain.ImmediateOrCancel || in.TimeInForce == domain.FillOrKill {
		if t.o.Active {
			t.expire("nothing fills it: " + missing)
		}
	}
	report := t.o.report()
	return t.end(), report, nil
}

// id is the id of a venue order or a fill.
func (e *engine) id(number uint64) string {
	var room [32]byte
	return string(strconv.AppendUint(append(append(room[:0], e.epoch...), '-'), number, 10))
}

func refuse(err error) (change, execution.Report, error) { return change{}, execution.Report{}, err }

// cancel takes an order out of the book. The change is empty where nothing
// rests. The error matches domain.ErrNotFound.
func (e *engine) cancel(name, id string, now time.Time) (change, execution.Report, error) {
	o, err := e.find(name, id)
	if err != nil {
		return change{}, execution.Report{}, err
	}
	if o.Status.Final() {
		return change{}, o.report(), nil
	}
	t := e.resume(o, now)
	t.close(domain.OrderCanceled, "")
	report := t.o.report()
	return t.end(), report, nil
}

func (e *engine) find(name, id string) (*order, error) {
	if a := e.books.accounts[name]; a != nil {
		if o := a.orders[id]; o != nil {
			return o, nil
		}
	}
	return nil, fmt.Errorf("order %s of account %s: %w", id, name, domain.ErrNotFound)
}

// resting are the reports of an account's open orders, the oldest first.
func (e *engine) resting(name string) []execution.Report {
	var open []*order
	if a := e.books.accounts[name]; a != nil {
		for _, o := range a.orders {
			if o.Status.Resting() {
				open = append(open, o)
			}
		}
	}
	slices.SortFunc(open, func(x, y *order) int { return cmp.Compare(x.Number, y.Number) })
	reports := make([]execution.Report, len(open))
	for i, o := range open {
		reports[i] = o.report()
	}
	return reports
}

// tick lets the resting orders of a market meet a tick, the oldest first. Each
// order that it changes is a change of its own.
func (e *engine) tick(tick domain.Tick, now time.Time) []change {
	m := e.see(tick.Symbol, &tick)
	if len(e.books.open[tick.Symbol]) == 0 || e.unfit(m, now) != "" {
		return nil
	}
	var all []change
	for _, o := range slices.Clone(e.books.open[tick.Symbol]) {
		if !m.meets(o, e.limitSizes) {
			continue
		}
		t := e.resume(o, now)
		if t.match(m, false) {
			all = append(all, t.end())
		}
	}
	return all
}
