package console

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type differenceView struct {
	Account  string     `json:"account"`
	Symbol   string     `json:"symbol"`
	Currency string     `json:"currency"`
	Counted  string     `json:"counted"`
	Said     string     `json:"said"`
	Off      string     `json:"off"`
	Time     *time.Time `json:"time"`
	Sequence uint64     `json:"sequence"`
}

var differenceColumns = []table.Column{
	{Title: "ACCOUNT"}, {Title: "OF"}, {Title: "BY FILLS", Align: table.Point}, {Title: "VENUE SAYS", Align: table.Point},
	{Title: "OFF", Align: table.Point}, {Title: "NOTICED"},
}

// Differences prints what venues said that is not what the fills make of it: of
// an account, or of all when that is empty.
func (c Console) Differences(ctx context.Context, account string) error {
	differences, err := c.Client.Accounts.Differences(ctx, account)
	if err != nil {
		return err
	}
	if len(differences) == 0 {
		c.Printer.remark("none: the venue was not noticed to say other than the fills make")
		return nil
	}
	return list(c.Printer, differences, func(d domain.Difference) any {
		return differenceView{
			d.Account, d.Symbol, d.Currency, d.Counted.String(), d.Said.String(), d.Off().String(), moment(d.Time), d.Sequence,
		}
	}, differenceColumns, func(d domain.Difference) []string {
		return []string{d.Account, d.Subject(), d.Counted.String(), d.Said.String(), d.Off().String(), clock(d.Time)}
	})
}
