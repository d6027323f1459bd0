package sim

import (
	"regexp"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// Account is one customer of the exchange. Without any, all private endpoints
// refuse their callers.
type Account struct {
	// Name is what this package's methods call it; the venue's protocol has no
	// names.
	Name string
	// Key and Secret are its API key, which may do everything.
	Key, Secret string
	// Balances are what it begins with: decimal text by asset. What Config.StateDir
	// remembers of the account comes before them.
	Balances map[string]string
}

// funds are what an account has of an asset.
type funds struct{ free, locked fixed }

// account is an Account's state, guarded by Exchange.mu.
type account struct {
	name        string
	key, secret string
	assets      map[string]*funds
	updated     int64 // unix ms of the last change of a balance
	orders      map[*market][]*order
	fills       map[*market][]fill
	byClient    map[clientID]*order // the newest order of an id

	window int64 // the ten seconds that placed counts in
	placed int
}

type clientID struct {
	market *market
	id     string
}

// fill is an account's part in a trade.
type fill struct {
	trade
	order      *order
	cost       fixed
	commission fixed
	asset      string // of the commission
}

func (a Account) open(symbols []*market) (*account, error) {
	if err := domain.CheckAccount(a.Name); err != nil {
		return nil, err
	}
	for _, f := range [...]struct{ field, value string }{{"key", a.Key}, {"secret", a.Secret}} {
		if !keyForm.MatchString(f.value) {
			return nil, domain.Invalid(f.field, "", "8 to 128 letters and digits")
		}
	}
	opened := &account{
		name: a.Name, key: a.Key, secret: a.Secret,
		assets: map[string]*funds{}, orders: map[*market][]*order{}, fills: map[*market][]fill{}, byClient: map[clientID]*order{},
	}
	for _, m := range symbols {
		opened.funds(m.base)
		opened.funds(m.quoteAsset)
	}
	for asset, text := range a.Balances {
		if err := domain.CheckCurrency(asset); err != nil {
			return nil, err
		}
		free, err := parseFixed("balance", text)
		if err != nil {
			return nil, err
		}
		opened.funds(asset).free = free
	}
	return opened, nil
}

var (
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9]{8,128}$`)
	clientForm = regexp.MustCompile(`^[.A-Z:/a-z0-9_-]{1,36}$`)
)

func (a *account) funds(asset string) *funds {
	f := a.assets[asset]
	if f == nil {
		f = &funds{}
		a.assets[asset] = f
	}
	return f
}

// keep puts an order that is new to the account into its lists.
func (a *account) keep(o *order) {
	a.orders[o.market] = append(a.orders[o.market], o)
	a.byClient[clientID{o.market, o.ClientID}] = o
}

// forget drops the oldest fills and ended orders of a market beyond keep.
func (a *account) forget(m *market, keep int) {
	if fills := a.fills[m]; len(fills) > 2*keep {
		a.fills[m] = slices.Clone(fills[len(fills)-keep:])
	}
	if len(a.orders[m]) <= 2*keep {
		return
	}
	drop := len(a.orders[m]) - keep
	a.orders[m] = slices.DeleteFunc(a.orders[m], func(o *order) bool {
		if drop == 0 || o.open() {
			return false
		}
		drop--
		if id := (clientID{m, o.ClientID}); a.byClient[id] == o {
			delete(a.byClient, id)
		}
		return true
	})
}

// place counts an order that is about to be placed against the limit of ten
// seconds.
func (a *account) place(now time.Time, limit int) (count int, ok bool) {
	if window := now.Unix() / 10; window != a.window {
		a.window, a.placed = window, 0
	}
	if a.placed >= limit {
		return a.placed, false
	}
	a.placed++
	return a.placed, true
}

// find is the order that a request names.
func (a *account) find(m *market, id int64, client string) *order {
	if id == 0 {
		return a.byClient[clientID{m, client}]
	}
	orders := a.orders[m]
	i, found := slices.BinarySearchFunc(orders, id, func(o *order, id int64) int { return int(o.ID - id) })
	if !found || client != "" && orders[i].ClientID != client {
		return nil
	}
	return orders[i]
}
