package gateway

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

func accountOperations() []operation {
	return []operation{
		define(operation{name: "get_balance", topic: topicAccounts, area: accounts, about: "what an account has of a currency"}, getBalance),
		define(operation{name: "get_user_balances", aliases: []string{"get_balances"}, topic: topicAccounts, area: accounts, about: "what an account has"}, getBalances),
		define(operation{name: "get_user_positions", aliases: []string{"get_positions"}, topic: topicAccounts, area: accounts, about: "what an account holds, valued with the newest ticks"}, getPositions),
		define(operation{name: "get_portfolio", aliases: []string{"get_account_status"}, topic: topicAccounts, area: accounts, about: "what an account is worth"}, getPortfolio),
		define(operation{name: "list_accounts", area: accounts, about: "the accounts that something is known of"}, listAccounts),
		define(operation{name: "set_user_balances", aliases: []string{"set_balances"}, area: accounts, kind: writes, about: "stores balances, by currency"}, setBalances),
		define(operation{name: "set_position", area: accounts, kind: writes, about: "stores a position"}, setPosition),
		define(operation{name: "delete_position", area: accounts, kind: writes, about: "says that nothing is held of a symbol"}, deletePosition),
		defineStream(operation{name: "stream_user_positions", aliases: []string{"stream_positions"}, topic: topicAccounts, area: accounts,
			about: "positions of an account whenever they change"},
			[]message{sent[Position](positionUpdate), sent[positionKey]("position_deleted")}, streamPositions),
		defineStream(operation{name: "stream_user_balances", aliases: []string{"stream_balances"}, topic: topicAccounts, area: accounts,
			about: "balances of an account whenever they change"}, []message{sent[Balance](balanceUpdate)}, streamBalances),
	}
}

const (
	positionUpdate = "position_update"
	balanceUpdate  = "balance_update"

	codeNoBalance = "BALANCE_NOT_FOUND"
)

// accountParams name an account. The Python server has it as user_id, or as
// exchange, the id of a user's account at one.
type accountParams struct {
	Account  ID `json:"account"`
	UserID   ID `json:"user_id"`
	Exchange ID `json:"exchange"`
}

func (p *accountParams) id() string {
	for _, id := range []ID{p.Account, p.UserID, p.Exchange} {
		if id != "" {
			return string(id)
		}
	}
	return ""
}

func (p *accountParams) check() error { return domain.CheckAccount(p.id()) }

func (p *accountParams) subject() (account, bot string) { return p.id(), notAbout }

// Balance is what an account has of a currency, under both sets of names.
type Balance struct {
	UserID    string `json:"user_id"`
	Currency  string `json:"currency"`
	Total     Number `json:"total"`
	Free      Number `json:"free"`
	Used      Number `json:"used"`
	TotalAs   Number `json:"total_balance"`
	FreeAs    Number `json:"available_balance"`
	UsedAs    Number `json:"reserved_balance"`
	Timestamp *Time  `json:"timestamp"`          // the time that it is the state of; null: not known
	Sequence  uint64 `json:"sequence,omitempty"` // in streams the message has it
}

func viewBalance(b domain.Balance) Balance {
	total, free, used := Number{b.Total}, Number{b.Free}, Number{b.Used}
	return Balance{b.Account, b.Currency, total, free, used, total, free, used, knownTime(b.Time), b.Sequence}
}

func knownTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t}
}

type balanceParams struct {
	accountParams
	Currency string `json:"currency" need:"yes"`
}

func getBalance(ctx context.Context, r *request, p *balanceParams) (Balance, error) {
	b, err := r.client().Accounts.Balance(ctx, p.id(), p.Currency)
	return viewBalance(b), notFound(err, codeNoBalance)
}

// Balances is what an account has, by currency.
type Balances struct {
	UserID   string             `json:"user_id"`
	Balances map[string]Balance `json:"balances"`
}

func getBalances(ctx context.Context, r *request, p *accountParams) (Balances, error) {
	balances, err := r.client().Accounts.Balances(ctx, p.id())
	out := Balances{p.id(), make(map[string]Balance, len(balances))}
	for _, b := range balances {
		out.Balances[b.Currency] = viewBalance(b)
	}
	return out, notFound(err, codeNoBalance)
}

// Position is what an account holds of a symbol. What is not known is null.
type Position struct {
	UserID     string  `json:"user_id"`
	Symbol     string  `json:"symbol"`
	Exchange   string  `json:"exchange"` // empty: not said
	Side       string  `json:"side"`     // long, short or flat
	Size       Number  `json:"size"`     // base units, never negative
	EntryPrice *Number `json:"entry_price"`
	MarkPrice  *Number `json:"mark_price"` // of a tick that is not stale
	PnL        *Number `json:"pnl"`        // not realised, quote units
	PnLPercent *Number `json:"pnl_percent"`
	Cost       *Number `json:"cost"`
	Fee        Number  `json:"fee"`
	Realised   Number  `json:"realised"`
	Timestamp  *Time   `json:"timestamp"`
	Sequence   uint64  `json:"sequence,omitempty"` // in streams the message has it
}

func viewPosition(p domain.Position) Position {
	side := "long"
	switch {
	case p.Flat():
		side = "flat"
	case p.Volume.IsNeg():
		side = "short"
	}
	return Position{
		UserID: p.Account, Symbol: p.Symbol, Exchange: p.Exchange, Side: side, Size: Number{p.Volume.Abs()}, EntryPrice: known(p.Price),
		Cost: known(p.Cost), Fee: Number{p.Fee}, Realised: Number{p.Realised}, Timestamp: knownTime(p.Time), Sequence: p.Sequence,
	}
}

// valued adds what the position is worth, if a tick says so.
func valued(p client.PositionValue) Position {
	out := viewPosition(p.Position)
	if p.Valuation != client.Valued {
		return out
	}
	out.MarkPrice = known(p.Mark)
	if !p.Price.IsZero() && !p.Flat() {
		out.PnL = &Number{p.Unrealised}
		if share, err := p.Unrealised.Mul(domain.MustDecimal("100")).Div(p.Price.Mul(p.Volume.Abs())); err == nil {
			out.PnLPercent = &Number{share.RoundHAZ(4)}
		}
	}
	return out
}

// Positions is what an account holds.
type Positions struct {
	UserID    string     `json:"user_id"`
	Exchange  string     `json:"exchange"`
	Positions []Position `json:"positions"`
	Count     int        `json:"count"`
}

// quote is what portfolios are valued in unless they say it.
const defaultQuote = "USDT"

func getPositions(ctx context.Context, r *request, p *accountParams) (Positions, error) {
	worth, err := r.client().Accounts.Portfolio(ctx, p.id(), defaultQuote)
	out := Positions{UserID: p.id(), Exchange: string(p.Exchange), Positions: make([]Position, 0, len(worth.Positions))}
	if err == nil && !worth.PositionsKnown {
		err = domain.ErrNotFound
	}
	for _, held := range worth.Positions {
		out.Positions = append(out.Positions, valued(held))
	}
	out.Count = len(out.Positions)
	return out, notFound(err, "POSITIONS_NOT_FOUND")
}

type portfolioParams struct {
	accountParams
	Quote string `json:"quote"` // default USDT
}

// Holding is a balance and what it is worth.
type Holding struct {
	Balance
	Valuation string  `json:"valuation"` // valued, stale or unvalued
	Price     *Number `json:"price"`
	Value     *Number `json:"value"`
}

// Portfolio is what an account is worth.
type Portfolio struct {
	UserID         string     `json:"user_id"`
	Quote          string     `json:"quote"`
	Total          Number     `json:"total"` // of what has a current tick
	Complete       bool       `json:"complete"`
	Stale          []string   `json:"stale"`
	Unvalued       []string   `json:"unvalued"`
	Holdings       []Holding  `json:"holdings"`
	Positions      []Position `json:"positions"`
	PositionsKnown bool       `json:"positions_known"`
}

func getPortfolio(ctx context.Context, r *request, p *portfolioParams) (Portfolio, error) {
	if p.Quote == "" {
		p.Quote = defaultQuote
	}
	worth, err := r.client().Accounts.Portfolio(ctx, p.id(), p.Quote)
	out := Portfolio{
		UserID: p.id(), Quote: p.Quote, Total: Number{worth.Total}, Complete: worth.Complete(), Stale: append([]string{}, worth.Stale...),
		Unvalued: append([]string{}, worth.Unvalued...), Holdings: []Holding{}, Positions: []Position{}, PositionsKnown: worth.PositionsKnown,
	}
	for _, h := range worth.Holdings {
		out.Holdings = append(out.Holdings, Holding{viewBalance(h.Balance), string(h.Valuation), known(h.Price), known(h.Value)})
	}
	for _, held := range worth.Positions {
		out.Positions = append(out.Positions, valued(held))
	}
	return out, notFound(err, "ACCOUNT_NOT_FOUND")
}

// Accounts lists accounts.
type Accounts struct {
	Accounts []string `json:"accounts"`
}

func listAccounts(ctx context.Context, r *request, _ *noParams) (Accounts, error) {
	ids, err := r.client().Accounts.List(ctx)
	out := Accounts{Accounts: []string{}}
	for _, id := range ids {
		if r.rights.about(id, notAbout) == nil {
			out.Accounts = append(out.Accounts, id)
		}
	}
	return out, err
}

type balanceAmounts struct {
	Total Number  `json:"total"`
	Free  *Number `json:"free"` // default: total less used
	Used  *Number `json:"used"` // default: total less free
}

type balancesParams struct {
	accountParams
	Balances map[string]balanceAmounts `json:"balances" need:"yes"`
	Time     Time                      `json:"time"`
}

func setBalances(ctx context.Context, r *request, p *balancesParams) (Stored, error) {
	var balances []domain.Balance
	for currency, b := range p.Balances {
		balance := domain.Balance{Account: p.id(), Currency: currency, Total: b.Total.Decimal, Time: p.Time.Time}
		switch {
		case b.Free != nil && b.Used != nil:
			balance.Free, balance.Used = b.Free.Decimal, b.Used.Decimal
		case b.Free != nil:
			balance.Free, balance.Used = b.Free.Decimal, b.Total.Sub(b.Free.Decimal)
		case b.Used != nil:
			balance.Free, balance.Used = b.Total.Sub(b.Used.Decimal), b.Used.Decimal
		default:
			balance.Free = b.Total.Decimal
		}
		balances = append(balances, balance)
	}
	return stored(r.client().Accounts.SetBalances(ctx, p.id(), balances))
}

type positionParams struct {
	accountParams
	Venue    string  `json:"venue"` // the exchange that it is held at
	Symbol   string  `json:"symbol" need:"yes"`
	Volume   Number  `json:"volume"` // short: negative; 0: flat
	Price    *Number `json:"price"`
	Cost     *Number `json:"cost"`
	Fee      *Number `json:"fee"`
	Realised *Number `json:"realised"`
	Time     Time    `json:"time"`
}

func setPosition(ctx context.Context, r *request, p *positionParams) (Stored, error) {
	position := domain.Position{Account: p.id(), Exchange: p.Venue, Symbol: p.Symbol, Volume: p.Volume.Decimal, Time: p.Time.Time,
		Price: told(p.Price), Cost: told(p.Cost), Fee: told(p.Fee), Realised: told(p.Realised)}
	return stored(r.client().Accounts.SetPosition(ctx, position))
}

type heldParams struct {
	accountParams
	Symbol string `json:"symbol" need:"yes"`
}

func deletePosition(ctx context.Context, r *request, p *heldParams) (Stored, error) {
	return stored(r.client().Accounts.DeletePosition(ctx, p.id(), p.Symbol))
}

// positionKey names a position.
type positionKey struct {
	UserID string `json:"user_id"`
	Symbol string `json:"symbol"`
}

func streamPositions(_ context.Context, r *request, p *accountParams) (*opening, error) {
	c, account := r.client(), p.id()
	return &opening{sources: []source{{
		key: "positions " + account, moves: func(ctx context.Context) iter.Seq[error] { return c.Accounts.Moves(ctx, account) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			positions, err := c.Accounts.Positions(ctx, account)
			return updatesOf(positions, known,
				func(p *domain.Position) (string, uint64, any) { return p.Symbol, p.Sequence, nil },
				func(p domain.Position) *update {
					view := viewPosition(p)
					view.Sequence = 0
					return &update{name: positionUpdate, topic: p.Symbol, view: view, key: positionKey{p.Account, p.Symbol}}
				}), none(err)
		},
	}}}, nil
}

func streamBalances(_ context.Context, r *request, p *accountParams) (*opening, error) {
	c, account := r.client(), p.id()
	return &opening{sources: []source{{
		key: "balances " + account, moves: func(ctx context.Context) iter.Seq[error] { return c.Accounts.Moves(ctx, account) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			balances, err := c.Accounts.Balances(ctx, account)
			return updatesOf(balances, known,
				func(b *domain.Balance) (string, uint64, any) { return b.Currency, b.Sequence, nil },
				func(b domain.Balance) *update {
					view := viewBalance(b)
					view.Sequence = 0
					return &update{name: balanceUpdate, topic: b.Currency, view: view}
				}), none(err)
		},
	}}}, nil
}

// none takes what is not there yet for an empty state: a stream may wait for it.
func none(err error) error {
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	return err
}
