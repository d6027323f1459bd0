package paper

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Statement is all that the books say of an account.
type Statement struct {
	Orders    []Entry       // the oldest first
	Fills     []domain.Fill // the oldest first
	Balances  []domain.Balance
	Positions []domain.Position
}

// Entry is an order in a statement.
type Entry struct {
	Terms  domain.OrderTerms
	Report execution.Report
}

// Statement tells what the books say of the account.
func (a *Account) Statement(ctx context.Context) (s Statement, err error) {
	return call(ctx, a.exchange.faults, func() (Statement, error) {
		_, err := a.exchange.decide(func(e *engine, now time.Time) ([]change, execution.Report, error) {
			changes, _, err := enter(a.name)(e, now)
			if err != nil {
				return nil, execution.Report{}, err
			}
			book := e.books.accounts[a.name]
			s.Balances, s.Positions = book.states()
			for _, o := range slices.SortedFunc(maps.Values(book.orders), func(x, y *order) int { return cmp.Compare(x.Number, y.Number) }) {
				s.Orders = append(s.Orders, Entry{o.Terms, o.report()})
			}
			for _, f := range book.fills {
				s.Fills = append(s.Fills, f.fill)
			}
			return changes, execution.Report{}, nil
		})
		return s, err
	})
}
