package client

import (
	"cmp"
	"context"
	"slices"

	"github.com/fullon/fullon/domain"
)

// Differences lists what the venue said of an account, or of all when that is
// empty, that was not what the account's fills made of it: the newest difference
// of each position and balance, by account and by what it is about. None is an
// empty result: no difference was noticed. It counts what rests: a difference is
// noticed some time after the last change.
func (a *Accounts) Differences(ctx context.Context, account string) ([]domain.Difference, error) {
	accounts := []string{account}
	var err error
	if account == "" {
		accounts, err = a.List(ctx)
	} else {
		err = domain.CheckAccount(account)
	}
	if err != nil {
		return nil, err
	}
	all := []domain.Difference{}
	for _, account := range accounts {
		p := a.partition(account)
		var found []domain.Difference
		err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
			found, at, err = p.Differences(ctx, account)
			return at, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b domain.Difference) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Subject(), b.Subject()))
	})
	return all, nil
}
