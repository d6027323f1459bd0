package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Accounts reads and writes what accounts have: balances and positions.
//
// Each balance and each position is an event of its own, so writers do not
// disturb each other. One with an older Time than what is known changes nothing;
// without a Time the order of the log decides. Writes block until the log
// acknowledged; their errors match domain.ErrInvalid, when nothing was stored,
// or domain.ErrUnreachable, when it may have been: then write the same again.
//
// Reads match domain.ErrInvalid, domain.ErrNotFound, domain.ErrUnreachable, or
// domain.ErrUnknown for what cannot be read and while Redis is being folded
// anew, after having waited for it for two seconds. "Flat" and "unknown" are
// two answers: see Position.
type Accounts struct {
	client     *Client
	partitions map[string]*settledPartition
}

func newAccounts(c *Client) *Accounts {
	a := &Accounts{client: c, partitions: make(map[string]*settledPartition)}
	for _, stream := range c.log.Layout().AccountStreams() {
		a.partitions[stream] = c.settled(stream)
	}
	return a
}

func (a *Accounts) partition(account string) *settledPartition {
	return a.partitions[a.client.log.Layout().AccountStreamOf(account)]
}

// SetBalance stores one balance.
func (a *Accounts) SetBalance(ctx context.Context, balance domain.Balance) (domain.LogPosition, error) {
	return a.client.log.Publish(ctx, balance)
}

// SetBalances stores balances of an account, each as SetBalance would; those of
// other currencies stay as they are. Account may be left empty in them; the
// caller's slice is not changed. It returns the position of the last one. After
// domain.ErrUnreachable some are stored.
func (a *Accounts) SetBalances(ctx context.Context, account string, balances []domain.Balance) (domain.LogPosition, error) {
	if err := domain.CheckAccount(account); err != nil {
		return domain.LogPosition{}, err
	}
	if len(balances) == 0 {
		return domain.LogPosition{}, domain.Invalid("balances", "", "at least one")
	}
	balances = slices.Clone(balances)
	for i := range balances {
		b := &balances[i]
		if b.Account == "" {
			b.Account = account
		}
		if b.Account != account {
			return domain.LogPosition{}, domain.Invalid("account", b.Account, "empty, or "+account)
		}
		if err := b.Validate(); err != nil {
			return domain.LogPosition{}, err
		}
	}
	var last domain.LogPosition
	for _, b := range balances {
		var err error
		if last, err = a.client.log.Publish(ctx, b); err != nil {
			return last, err
		}
	}
	return last, nil
}

// Balance reads what an account has of a currency. domain.ErrNotFound: nobody
// has said; that is not zero.
func (a *Accounts) Balance(ctx context.Context, account, currency string) (domain.Balance, error) {
	var balance domain.Balance
	if err := (domain.Balance{Account: account, Currency: currency}).Validate(); err != nil {
		return balance, err
	}
	p, found := a.partition(account), false
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		balance, found, at, err = p.Balance(ctx, account, currency)
		return at, err
	})
	if err == nil && !found {
		err = fmt.Errorf("balance %s %s: %w", account, currency, domain.ErrNotFound)
	}
	return balance, err
}

// Balances reads what an account has, by currency. domain.ErrNotFound: nobody
// has said of any currency.
func (a *Accounts) Balances(ctx context.Context, account string) ([]domain.Balance, error) {
	state, err := a.read(ctx, account)
	if err != nil {
		return nil, err
	}
	if len(state.Balances) == 0 {
		return nil, fmt.Errorf("balances of %s: %w", account, domain.ErrNotFound)
	}
	return state.Balances, nil
}

// read reads all of an account, sorted.
func (a *Accounts) read(ctx context.Context, account string) (cachestore.Account, error) {
	var state cachestore.Account
	if err := domain.CheckAccount(account); err != nil {
		return state, err
	}
	p := a.partition(account)
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		state, err = p.Account(ctx, account)
		return state.At, err
	})
	slices.SortFunc(state.Balances, func(a, b domain.Balance) int { return cmp.Compare(a.Currency, b.Currency) })
	slices.SortFunc(state.Positions, func(a, b domain.Position) int { return cmp.Compare(a.Symbol, b.Symbol) })
	return state, err
}

// SetPosition stores one position; those of other symbols stay as they are. One
// without volume says that the account is flat there, and keeps what its fees
// and gains were.
func (a *Accounts) SetPosition(ctx context.Context, position domain.Position) (domain.LogPosition, error) {
	return a.client.log.Publish(ctx, position)
}

// DeletePosition says that an account is flat in a symbol, and forgets the rest.
func (a *Accounts) DeletePosition(ctx context.Context, account, symbol string) (domain.LogPosition, error) {
	return a.DeletePositionAt(ctx, domain.PositionDeleted{Account: account, Symbol: symbol})
}

// DeletePositionAt is DeletePosition of a known time.
func (a *Accounts) DeletePositionAt(ctx context.Context, deleted domain.PositionDeleted) (domain.LogPosition, error) {
	return a.client.log.Publish(ctx, deleted)
}

// ReplacePositions stores the whole set of an account's positions with one
// event: symbols that are not in it are flat from then on, all at once, unless
// something of a later time is known of them. at is the time that the set is the
// state of; zero: not known. Account and Time may be left empty in the
// positions; the caller's slice is not changed. Balances stay as they are.
func (a *Accounts) ReplacePositions(ctx context.Context, account string, positions []domain.Position, at time.Time) (domain.LogPosition, error) {
	set := domain.PositionsReplaced{Account: account, Positions: slices.Clone(positions), Time: at}
	for i := range set.Positions {
		p := &set.Positions[i]
		if p.Account == "" {
			p.Account = account
		}
		if p.Time.IsZero() {
			p.Time = at
		}
	}
	return a.client.log.Publish(ctx, set)
}

// Position reads what an account holds of a symbol. A position without volume
// and without error means that it is known to be flat: somebody said so, or the
// account's positions are known and this symbol is not among them. When nothing
// is known of the account's positions the error matches domain.ErrNotFound,
// which must not be taken for flat; nor must any other error.
func (a *Accounts) Position(ctx context.Context, account, symbol string) (domain.Position, error) {
	position := domain.Position{Account: account, Symbol: symbol}
	if err := position.Validate(); err != nil {
		return position, err
	}
	p, known := a.partition(account), false
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		position, known, at, err = p.Position(ctx, account, symbol)
		return at, err
	})
	if err == nil && !known {
		err = fmt.Errorf("positions of %s: %w: nobody has said what it holds", account, domain.ErrNotFound)
	}
	return position, err
}

// Positions reads what an account holds, by symbol, flat ones that were set
// included. An empty result means that it is known to hold nothing; when
// nothing is known the error matches domain.ErrNotFound.
func (a *Accounts) Positions(ctx context.Context, account string) ([]domain.Position, error) {
	state, err := a.read(ctx, account)
	if err != nil {
		return nil, err
	}
	if !state.Known {
		return nil, fmt.Errorf("positions of %s: %w: nobody has said what it holds", account, domain.ErrNotFound)
	}
	return state.Positions, nil
}

// List names the accounts that something is known of, sorted.
func (a *Accounts) List(ctx context.Context) ([]string, error) {
	partitions := make([]*cachestore.Partition, 0, len(a.partitions))
	for _, p := range a.partitions {
		err := p.settled(ctx, func() (domain.Checkpoint, error) { return p.Checkpoint(ctx) })
		if err != nil {
			return nil, err
		}
		partitions = append(partitions, p.Partition)
	}
	accounts, err := a.client.store.Accounts(ctx, partitions)
	slices.Sort(accounts)
	return accounts, err
}
