package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

// Accounts prints the accounts that something is known of. The error matches
// domain.ErrNotFound when there is none.
func (c Console) Accounts(ctx context.Context) error {
	accounts, err := c.Client.Accounts.List(ctx)
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return fmt.Errorf("accounts: %w", domain.ErrNotFound)
	}
	type view struct {
		Account string `json:"account"`
	}
	return list(c.Printer, accounts, func(a string) any { return view{a} },
		[]table.Column{{Title: "ACCOUNT"}}, func(a string) []string { return []string{a} })
}

// Balances prints what an account has of a currency, of all when that is empty.
// The error matches domain.ErrNotFound when nobody has said.
func (c Console) Balances(ctx context.Context, account, currency string) error {
	var balances []domain.Balance
	var err error
	if currency == "" {
		balances, err = c.Client.Accounts.Balances(ctx, account)
	} else {
		balances = make([]domain.Balance, 1)
		balances[0], err = c.Client.Accounts.Balance(ctx, account, currency)
	}
	if err != nil {
		return err
	}
	return list(c.Printer, balances, func(b domain.Balance) any { return viewBalance(b) }, balanceColumns, balanceRow)
}

// Positions prints what an account holds of a symbol, of all when that is
// empty. A flat one is printed as such; the error matches domain.ErrNotFound when
// nobody has said what the account holds.
func (c Console) Positions(ctx context.Context, account, symbol string) error {
	var positions []domain.Position
	var err error
	if symbol == "" {
		positions, err = c.Client.Accounts.Positions(ctx, account)
	} else {
		positions = make([]domain.Position, 1)
		positions[0], err = c.Client.Accounts.Position(ctx, account, symbol)
	}
	if err != nil {
		return err
	}
	if len(positions) == 0 {
		c.Printer.remark("flat: the account is known to hold nothing")
	}
	return list(c.Printer, positions, func(p domain.Position) any { return viewPosition(p) }, positionColumns, positionRow)
}

// Portfolio prints what an account is worth. The error matches
// domain.ErrNotFound when nothing is known of it.
func (c Console) Portfolio(ctx context.Context, account, quote string) error {
	p, err := c.Client.Accounts.Portfolio(ctx, account, quote)
	if err != nil {
		return err
	}
	if c.Printer.JSON {
		return c.Printer.object(viewPortfolio(p))
	}
	if err := list(c.Printer, p.Holdings, nil, holdingColumns, holdingRow); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Printer.Out, "total %s %s\n", p.Total, p.Quote)
	for _, v := range p.Positions {
		if err == nil && !v.Flat() {
			_, err = fmt.Fprintf(c.Printer.Out, "position %s %s at %s: mark %s, value %s, unrealised %s (%s)\n",
				v.Symbol, v.Volume, orDash(v.Price), orDash(v.Mark), orDash(v.Value), orDash(v.Unrealised), v.Valuation)
		}
	}
	return err
}

// Fills prints the newest fills of an account at an exchange, oldest first. The
// error matches domain.ErrNotFound when there is none.
func (c Console) Fills(ctx context.Context, account, exchange string, limit int) error {
	fills, err := c.Client.Fills.List(ctx, account, exchange, limit)
	if err != nil {
		return err
	}
	if len(fills) == 0 {
		return fmt.Errorf("fills of %s at %s: %w", account, exchange, domain.ErrNotFound)
	}
	return list(c.Printer, fills, func(f domain.Fill) any { return viewFill(f) }, fillColumns, fillRow)
}

// FillStatus prints how the fills of an account are doing. The error matches
// domain.ErrNotFound when there is none.
func (c Console) FillStatus(ctx context.Context, account string) error {
	queues, err := c.Client.Fills.Status(ctx, account)
	if err != nil {
		return err
	}
	if len(queues) == 0 {
		return fmt.Errorf("fills of %s: %w", account, domain.ErrNotFound)
	}
	return list(c.Printer, queues, func(s client.FillStatus) any {
		return fillStatusView{s.Account, s.Exchange, s.Kept, s.Waiting, s.Leased, s.Dropped, moment(s.Last)}
	}, fillStatusColumns, func(s client.FillStatus) []string {
		return []string{
			s.Exchange, strconv.Itoa(s.Kept), strconv.Itoa(s.Waiting), strconv.Itoa(s.Leased), strconv.FormatUint(s.Dropped, 10), clock(s.Last),
		}
	})
}

// SetBalance stores a balance, waits until readers see it and prints it.
func (c Console) SetBalance(ctx context.Context, b domain.Balance) error {
	if err := c.visible(ctx)(c.Client.Accounts.SetBalance(ctx, b)); err != nil {
		return err
	}
	return c.Balances(ctx, b.Account, b.Currency)
}

// SetPosition stores a position, waits until readers see it and prints it.
func (c Console) SetPosition(ctx context.Context, p domain.Position) error {
	if err := c.visible(ctx)(c.Client.Accounts.SetPosition(ctx, p)); err != nil {
		return err
	}
	return c.Positions(ctx, p.Account, p.Symbol)
}

// DeletePosition removes a position, waits until readers see it and prints that
// it is flat. The error matches domain.ErrNotFound when nobody has said what the
// account holds.
func (c Console) DeletePosition(ctx context.Context, account, symbol string) error {
	if _, err := c.Client.Accounts.Position(ctx, account, symbol); err != nil {
		return err
	}
	if err := c.visible(ctx)(c.Client.Accounts.DeletePosition(ctx, account, symbol)); err != nil {
		return err
	}
	return c.Positions(ctx, account, symbol)
}

// visible waits until readers see what was written, if that went well.
func (c Console) visible(ctx context.Context) func(domain.LogPosition, error) error {
	return func(pos domain.LogPosition, err error) error {
		if err != nil {
			return err
		}
		if err := c.Client.Wait(ctx, pos); err != nil {
			return fmt.Errorf("stored, but no projector has folded it yet: %w", err)
		}
		return nil
	}
}

// WatchAccount prints the present balances and positions of an account and each
// change until ctx ends.
func (c Console) WatchAccount(ctx context.Context, account string) error {
	away := outage{printer: c.Printer}
	for event, err := range c.Client.Accounts.Watch(ctx, account) {
		if away.is(err) || errors.Is(err, domain.ErrUnknown) {
			continue // it goes on
		}
		if err != nil {
			return err
		}
		if err := c.accountEvent(event); err != nil {
			return err
		}
	}
	return nil
}

type accountEventView struct {
	Event string `json:"event"` // balance, position or position_deleted
	Value any    `json:"value"`
}

func (c Console) accountEvent(event domain.Event) error {
	var view accountEventView
	var cells []string
	switch ev := event.(type) {
	case domain.Balance:
		view, cells = accountEventView{"balance", viewBalance(ev)}, append([]string{"balance"}, balanceRow(ev)...)
	case domain.Position:
		view, cells = accountEventView{"position", viewPosition(ev)}, append([]string{"position"}, positionRow(ev)...)
	case domain.PositionDeleted:
		flat := domain.Position{Account: ev.Account, Symbol: ev.Symbol, Time: ev.Time}
		view, cells = accountEventView{"position_deleted", viewPosition(flat)}, []string{"position", ev.Symbol, "flat"}
	}
	if c.Printer.JSON {
		return c.Printer.object(view)
	}
	_, err := fmt.Fprintln(c.Printer.Out, strings.TrimRight(strings.Join(cells, "  "), " "))
	return err
}
