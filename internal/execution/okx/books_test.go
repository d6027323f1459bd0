package okx_test

import (
	"context"
	"net/http"
	"slices"

	"github.com/fullon/fullon/domain"
)

// wallet is balances in the venue's words.
func wallet(balances ...domain.Balance) object {
	details := []object{}
	for _, b := range balances {
		details = append(details, object{
			"ccy": b.Currency, "cashBal": b.Total.String(), "availBal": b.Free.String(), "frozenBal": b.Used.String(), "uTime": ms(b.Time),
		})
	}
	return object{"uTime": "1", "details": details}
}

func (d *dialect) balance(ctx context.Context, _ *http.Request, _ []byte) ([]object, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, refused(err)
	}
	balances := slices.DeleteFunc(statement.Balances, func(b domain.Balance) bool { return b.Total.IsZero() })
	return []object{wallet(balances...)}, nil
}

// position is a position in the venue's words; ok is false for an account that
// has none.
func (d *dialect) position(p domain.Position) (o object, ok bool) {
	o = object{
		"instType": "SWAP", "instId": d.name(), "posSide": "net", "mgnMode": "cross", "pos": d.size(p.Volume), "avgPx": p.Price.String(),
		"pnl": p.Realised.String(), "fee": p.Fee.Neg().String(), "uTime": ms(p.Time),
	}
	if p.Volume.IsZero() {
		o["avgPx"] = ""
	}
	return o, d.swap()
}

func (d *dialect) positions(ctx context.Context, _ *http.Request, _ []byte) (held []object, err error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, refused(err)
	}
	for _, p := range statement.Positions {
		if o, ok := d.position(p); ok && !p.Volume.IsZero() {
			held = append(held, o)
		}
	}
	return held, nil
}
