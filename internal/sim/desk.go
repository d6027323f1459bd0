package sim

import (
	"fmt"

	"github.com/fullon/fullon/domain"
)

// Quote sets the best prices and sizes of a unified symbol, decimal text, and
// makes one trade of the smallest size at the bid, which sets off the stops
// that wait for it. Resting orders have met the new book when it returns; what
// they and later ones take of a size is gone until the market changes its book
// by itself, or by the next Quote. The error matches domain.ErrNotFound for a
// symbol that is not listed, domain.ErrInvalid for a book that makes no sense,
// or is the journal's.
func (x *Exchange) Quote(symbol, bid, bidSize, ask, askSize string) error {
	m, err := x.named(symbol)
	if err != nil {
		return err
	}
	var steps [4]int64
	for i, f := range [...]struct {
		name, text string
		step       fixed
	}{{"bid", bid, m.tick}, {"bid_size", bidSize, m.lot}, {"ask", ask, m.tick}, {"ask_size", askSize, m.lot}} {
		n, err := parseFixed(f.name, f.text)
		if err != nil {
			return err
		}
		if n == 0 || n%f.step != 0 {
			return domain.Invalid(f.name, f.text, "a multiple of "+f.step.String())
		}
		steps[i] = int64(n / f.step)
	}
	if steps[0] >= steps[2] {
		return domain.Invalid("ask", ask, "more than the bid, "+bid)
	}
	_, err = x.step(func() (any, error) {
		m.bid, m.bidLots, m.ask, m.askLots = steps[0], steps[1], steps[2], steps[3]
		m.walk.mid = float64(m.bid+m.ask) / 2
		tr := trade{id: m.nextID, ms: x.now.UnixMilli(), ticks: m.bid, lots: 1, agg: m.nextAgg, maker: true}
		if err := x.print(m, tr); err != nil {
			return nil, err
		}
		if err := x.meet(m); err != nil {
			return nil, err
		}
		x.publish(m.streams.book, m.bookFrame)
		return nil, nil
	})
	return err
}

// Transfer adds to what an account has of an asset, as a deposit does; a
// negative amount is a withdrawal. The error matches domain.ErrNotFound for an
// account that is not there, domain.ErrInvalid for a wrong amount or more than
// it has, or is the journal's.
func (x *Exchange) Transfer(account, asset, amount string) error {
	text, negative := amount, false
	if len(text) > 0 && text[0] == '-' {
		text, negative = text[1:], true
	}
	n, err := parseFixed("amount", text)
	if err != nil {
		return err
	}
	if err := domain.CheckCurrency(asset); err != nil {
		return err
	}
	if negative {
		n = -n
	}
	_, err = x.step(func() (any, error) {
		a := x.account(account)
		if a == nil {
			return nil, fmt.Errorf("account %q: %w", account, domain.ErrNotFound)
		}
		if a.funds(asset).free+n < 0 {
			return nil, domain.Invalid("amount", amount, "at most the free "+a.funds(asset).free.String())
		}
		x.move(a, asset, n)
		ms := x.now.UnixMilli()
		x.changes.events = append(x.changes.events, userEvent{
			a, newObject().text("e", "balanceUpdate").int("E", ms).text("a", asset).number("d", n).int("T", ms).end(),
		})
		return nil, nil
	})
	return err
}

func (x *Exchange) account(name string) *account {
	for _, a := range x.accounts {
		if a.name == name {
			return a
		}
	}
	return nil
}

// named is the market of a unified symbol.
func (x *Exchange) named(symbol string) (*market, error) {
	for _, m := range x.markets {
		if m.name == symbol {
			return m, nil
		}
	}
	return nil, fmt.Errorf("symbol %q: %w", symbol, domain.ErrNotFound)
}
