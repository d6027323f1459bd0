package projector_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// accountModel is what the answers must be, told as plainly as possible: the
// events in the order of the log, and rules that look at all of them.
type accountModel struct {
	account   string
	balances  map[string]domain.Balance
	positions map[string]modelPosition
	known     bool
	whole     int // time of the newest whole set
	waiting   []string
	pushed    map[string]bool
}

type modelPosition struct {
	at      int
	volume  string
	deleted bool
}

func older(at, than int) bool { return at != 0 && than != 0 && at < than }

func moment(at int) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(at) * time.Second)
}

func (m *accountModel) position(symbol string, p modelPosition) {
	if older(p.at, m.positions[symbol].at) || older(p.at, m.whole) {
		return
	}
	m.positions[symbol], m.known = p, true
}

func (m *accountModel) replace(at int, set map[string]string) {
	if older(at, m.whole) {
		return
	}
	for symbol, p := range m.positions {
		if !older(at, p.at) {
			delete(m.positions, symbol)
		}
	}
	for symbol, volume := range set {
		if _, newer := m.positions[symbol]; !newer {
			m.positions[symbol] = modelPosition{at: at, volume: volume}
		}
	}
	m.known, m.whole = true, max(at, m.whole)
}

// String is what readers must see.
func (m *accountModel) String() string {
	var out []string
	for _, currency := range slices.Sorted(maps.Keys(m.balances)) {
		out = append(out, currency+"="+m.balances[currency].Total.String())
	}
	if !m.known {
		return strings.Join(append(out, "positions unknown"), " ")
	}
	for _, symbol := range slices.Sorted(maps.Keys(m.positions)) {
		if p := m.positions[symbol]; !p.deleted {
			out = append(out, symbol+"="+p.volume)
		}
	}
	return strings.Join(out, " ")
}

// seen is the same, read through the client.
func (r *crashRig) seen(account string) string {
	var out []string
	balances, err := patiently(func(ctx context.Context) ([]domain.Balance, error) { return r.client.Accounts.Balances(ctx, account) })
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err.Error()
	}
	for _, b := range balances {
		out = append(out, b.Currency+"="+b.Total.String())
	}
	positions, err := patiently(func(ctx context.Context) ([]domain.Position, error) {
		return r.client.Accounts.Positions(ctx, account)
	})
	if errors.Is(err, domain.ErrNotFound) {
		return strings.Join(append(out, "positions unknown"), " ")
	}
	if err != nil {
		return err.Error()
	}
	for _, p := range positions {
		out = append(out, p.Symbol+"="+p.Volume.String())
	}
	return strings.Join(out, " ")
}

var modelAccounts atomic.Int64

// What accounts have is what a plain model says, whatever happens to projector
// and Redis between any two steps.
func TestAccountsAreWhatAPlainModelSaysThroughCrashes(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	rapid.Check(t, func(t *rapid.T) {
		m := &accountModel{
			account:  "model-" + strconv.FormatInt(modelAccounts.Add(1), 10),
			balances: make(map[string]domain.Balance), positions: make(map[string]modelPosition), pushed: make(map[string]bool),
		}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			r.step(t, m, anything)
		}
		r.agree(t, m)
	})
}

var (
	published = rapid.IntRange(0, 8)  // the steps that publish
	anything  = rapid.IntRange(0, 11) // all of them
)

// step does one thing to the system and to the model.
func (r *crashRig) step(t *rapid.T, m *accountModel, kinds *rapid.Generator[int]) {
	at := rapid.IntRange(0, 5).Draw(t, "at")
	symbol := rapid.SampledFrom([]string{"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"})
	volume := rapid.SampledFrom([]string{"1", "-0.5", "0", "12345.000000001"})
	var err error
	switch kinds.Draw(t, "step") {
	case 0, 1:
		b := domain.Balance{
			Account: m.account, Currency: rapid.SampledFrom([]string{"BTC", "USDT"}).Draw(t, "currency"),
			Total: domain.MustDecimal(volume.Draw(t, "total")), Time: moment(at),
		}
		if !(!b.Time.IsZero() && b.Time.Before(m.balances[b.Currency].Time)) {
			m.balances[b.Currency] = b
		}
		_, err = r.client.Accounts.SetBalance(context.Background(), b)
	case 2, 3, 4:
		p := domain.Position{Account: m.account, Symbol: symbol.Draw(t, "symbol"), Volume: domain.MustDecimal(volume.Draw(t, "volume")), Time: moment(at)}
		m.position(p.Symbol, modelPosition{at: at, volume: p.Volume.String()})
		_, err = r.client.Accounts.SetPosition(context.Background(), p)
	case 5:
		d := domain.PositionDeleted{Account: m.account, Symbol: symbol.Draw(t, "symbol"), Time: moment(at)}
		m.position(d.Symbol, modelPosition{at: at, deleted: true})
		_, err = r.client.Accounts.DeletePositionAt(context.Background(), d)
	case 6:
		set := make(map[string]string)
		var positions []domain.Position
		for _, s := range rapid.SliceOfNDistinct(symbol, 0, 2, rapid.ID).Draw(t, "set") {
			set[s] = volume.Draw(t, "volume")
			positions = append(positions, domain.Position{Symbol: s, Volume: domain.MustDecimal(set[s])})
		}
		m.replace(at, set)
		_, err = r.client.Accounts.ReplacePositions(context.Background(), m.account, positions, moment(at))
	case 7, 8:
		id := strconv.Itoa(rapid.IntRange(1, 8).Draw(t, "id"))
		if !m.pushed[id] {
			m.pushed[id] = true
			m.waiting = append(m.waiting, id)
		}
		_, err = r.client.Fills.Push(context.Background(), fillOf(m.account, id))
	case 9:
		r.pop(t, m, rapid.Bool().Draw(t, "acknowledge"))
	case 10:
		r.agree(t, m)
	case 11:
		r.crash(rapid.IntRange(0, crashes-1).Draw(t, "crash"), func() { r.step(t, m, published) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (r *crashRig) agree(t *rapid.T, m *accountModel) {
	r.settle()
	if got, want := r.seen(m.account), m.String(); got != want {
		t.Fatalf("%s: %q, want %q", m.account, got, want)
	}
}

// pop takes the next fill, which must be the model's.
func (r *crashRig) pop(t *rapid.T, m *accountModel, acknowledge bool) {
	r.settle()
	d, err := patiently(func(ctx context.Context) (client.Delivery, error) {
		return r.client.Fills.Pop(ctx, m.account, "kraken", time.Hour, 0)
	})
	if len(m.waiting) == 0 {
		if !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("nothing waits, popped %s (%v)", d.ID, err)
		}
		return
	}
	if err != nil || d.ID != m.waiting[0] {
		t.Fatalf("popped %q (%v), want %s", d.ID, err, m.waiting[0])
	}
	if !acknowledge {
		if err := r.client.Fills.Nack(context.Background(), d); err != nil && !errors.Is(err, domain.ErrConflict) {
			t.Fatal(err) // a conflict: the lease was wiped
		}
		return
	}
	m.waiting = m.waiting[1:]
	if _, err := r.client.Fills.Ack(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

func fillOf(account, id string) domain.Fill {
	return domain.Fill{
		Account: account, Exchange: "kraken", Symbol: "BTC/USDT", ID: id, Side: domain.Sell, Price: domain.MustDecimal("50500"),
		Volume: domain.MustDecimal("0.05"), Fee: domain.MustDecimal("-0.01"), FeeCurrency: "USDT", Time: epoch,
	}
}
