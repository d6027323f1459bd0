package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func balance(currency, total string) domain.Balance {
	return domain.Balance{Currency: currency, Total: dec(total), Free: dec(total)}
}

func position(account, symbol, volume string) domain.Position {
	return domain.Position{Account: account, Symbol: symbol, Volume: dec(volume)}
}

// The account example of the quickstart.
func TestTheQuickstartsAccountExample(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	r.visible(r.Accounts.SetBalances(ctx, "1001", []domain.Balance{
		{Currency: "BTC", Total: dec("1.5"), Free: dec("1.2"), Used: dec("0.3")},
		{Currency: "USDT", Total: dec("10000"), Free: dec("8500"), Used: dec("1500")},
	}))
	btc, err := r.Accounts.Balance(ctx, "1001", "BTC")
	if err != nil || btc.Total.String() != "1.5" || btc.Free.String() != "1.2" || btc.Used.String() != "0.3" {
		t.Fatalf("%+v %v", btc, err)
	}
	r.visible(r.Accounts.SetPosition(ctx, domain.Position{
		Account: "1001", Symbol: "BTC/USDT", Volume: dec("0.5"), Cost: dec("25000"), Price: dec("50000"),
	}))
	p, err := r.Accounts.Position(ctx, "1001", "BTC/USDT")
	if err != nil || p.Volume.String() != "0.5" || p.Cost.String() != "25000" || p.Price.String() != "50000" || p.Flat() {
		t.Fatalf("%+v %v", p, err)
	}
	if accounts, err := r.Accounts.List(ctx); err != nil || !slices.Equal(accounts, []string{"1001"}) {
		t.Fatalf("%v %v", accounts, err)
	}
}

func TestD19NoWriterLosesAnothersPositionOrBalance(t *testing.T) {
	t.Parallel()
	const writers = 100
	r := newRig(t, testserver.SharedStore(t), 100)
	positions := make([]domain.LogPosition, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			_, err := r.Accounts.SetBalance(t.Context(), domain.Balance{Account: "1001", Currency: "C" + strconv.Itoa(i), Total: dec("1")})
			if err == nil {
				positions[i], err = r.Accounts.SetPosition(t.Context(), position("1001", fmt.Sprintf("C%d/USDT", i), strconv.Itoa(i+1)))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, pos := range positions {
		r.visible(pos, nil)
	}
	got, err := r.Accounts.Positions(t.Context(), "1001")
	if err != nil || len(got) != writers {
		t.Fatalf("%d positions (%v)", len(got), err)
	}
	for _, p := range got {
		if want := fmt.Sprintf("C%v/USDT", p.Volume.Sub(dec("1"))); p.Symbol != want {
			t.Errorf("%s has the volume of %s", p.Symbol, want)
		}
	}
	if balances, err := r.Accounts.Balances(t.Context(), "1001"); err != nil || len(balances) != writers {
		t.Fatalf("%d balances (%v)", len(balances), err)
	}
}

func TestD20SettingIsNotReplacing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1")))
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "ETH/USDT", "2")))
	r.visible(r.Accounts.SetBalances(ctx, "1001", []domain.Balance{balance("BTC", "1")}))
	r.visible(r.Accounts.SetBalances(ctx, "1001", []domain.Balance{balance("USDT", "2")}))
	wantPositions(t, r, "1001", "BTC/USDT=1 ETH/USDT=2 ")
	if b, err := r.Accounts.Balances(ctx, "1001"); err != nil || len(b) != 2 || b[0].Currency != "BTC" || b[1].Currency != "USDT" {
		t.Fatalf("%+v %v", b, err)
	}
	r.visible(r.Accounts.ReplacePositions(ctx, "1001", []domain.Position{{Symbol: "ETH/USDT", Volume: dec("3")}}, noon))
	wantPositions(t, r, "1001", "ETH/USDT=3 ")
	// Nothing at all is an error for balances, and a statement for positions.
	if _, err := r.Accounts.SetBalances(ctx, "1001", nil); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("no balances: %v", err)
	}
	r.visible(r.Accounts.ReplacePositions(ctx, "1001", nil, noon.Add(time.Second)))
	wantPositions(t, r, "1001", "")
}

func wantPositions(t *testing.T, r *rig, account, want string) {
	t.Helper()
	positions, err := r.Accounts.Positions(t.Context(), account)
	got := ""
	for _, p := range positions {
		got += p.Symbol + "=" + p.Volume.String() + " "
	}
	if err != nil || got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

func TestD21TheCallersValuesAreNotChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	balances := []domain.Balance{balance("BTC", "1")}
	positions := []domain.Position{{Symbol: "BTC/USDT", Volume: dec("1")}}
	for _, account := range []string{"1001", "1002"} {
		r.visible(r.Accounts.SetBalances(t.Context(), account, balances))
		r.visible(r.Accounts.ReplacePositions(t.Context(), account, positions, noon))
	}
	if !balances[0].Same(balance("BTC", "1")) || positions[0].Account != "" || !positions[0].Time.IsZero() {
		t.Fatalf("%+v %+v", balances, positions)
	}
	other := []domain.Balance{{Account: "1002", Currency: "BTC"}}
	if _, err := r.Accounts.SetBalances(t.Context(), "1001", other); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("another account's balance: %v", err)
	}
}

func TestD22ReplacingPositionsKeepsBalances(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	r.visible(r.Accounts.SetBalances(ctx, "1001", []domain.Balance{balance("BTC", "1")}))
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1")))
	r.visible(r.Accounts.ReplacePositions(ctx, "1001", nil, time.Time{}))
	wantPositions(t, r, "1001", "")
	if b, err := r.Accounts.Balance(ctx, "1001", "BTC"); err != nil || b.Total.String() != "1" {
		t.Fatalf("%+v %v", b, err)
	}
}

func TestD23FlatIsNotUnknown(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	unknown := func() {
		t.Helper()
		if p, err := r.Accounts.Position(ctx, "1001", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("nobody said anything: %+v %v", p, err)
		}
		if p, err := r.Accounts.Positions(ctx, "1001"); !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("nobody said anything: %+v %v", p, err)
		}
	}
	flat := func(what, symbol string, stored bool) {
		t.Helper()
		p, err := r.Accounts.Position(ctx, "1001", symbol)
		if err != nil || !p.Flat() || p.Symbol != symbol || p.Account != "1001" || stored != (p.Sequence > 0) {
			t.Fatalf("%s: %+v %v", what, p, err)
		}
	}
	unknown()
	r.visible(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "BTC", Total: dec("1")}))
	unknown() // a balance says nothing of positions
	if b, err := r.Accounts.Balance(ctx, "1001", "USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("nobody said anything of USDT: %+v %v", b, err)
	}
	r.visible(r.Accounts.ReplacePositions(ctx, "1001", nil, noon))
	flat("an empty set", "BTC/USDT", false)
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1")))
	flat("another symbol", "ETH/USDT", false)
	r.visible(r.Accounts.DeletePosition(ctx, "1001", "BTC/USDT"))
	flat("deleted", "BTC/USDT", false)
	closed := position("1001", "BTC/USDT", "0")
	closed.Realised = dec("-3.25")
	r.visible(r.Accounts.SetPosition(ctx, closed))
	flat("closed", "BTC/USDT", true)
	if p, err := r.Accounts.Position(ctx, "1001", "BTC/USDT"); err != nil || p.Realised.String() != "-3.25" {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestD24PositionsAreThoseOfTheAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	for i := range 20 {
		r.visible(r.Accounts.SetPosition(t.Context(), position(strconv.Itoa(1000+i), "BTC/USDT", strconv.Itoa(i+1))))
	}
	for i := range 20 {
		wantPositions(t, r, strconv.Itoa(1000+i), fmt.Sprintf("BTC/USDT=%d ", i+1))
	}
	if _, err := r.Accounts.Positions(t.Context(), "10"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("an account that is nobody's: %v", err)
	}
	if accounts, err := r.Accounts.List(t.Context()); err != nil || len(accounts) != 20 || !slices.IsSorted(accounts) {
		t.Fatalf("%v %v", accounts, err)
	}
}

func TestD12RedisAwayIsAnErrorNeverFlat(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, openImpatient(t, server), 100)
	ctx := t.Context()
	r.visible(r.Accounts.ReplacePositions(ctx, "1001", nil, noon))
	if p, err := r.Accounts.Position(ctx, "1001", "BTC/USDT"); err != nil || !p.Flat() {
		t.Fatalf("%+v %v", p, err)
	}
	server.Kill()
	for what, call := range map[string]func() error{
		"Balance":   func() error { _, err := r.Accounts.Balance(ctx, "1001", "BTC"); return err },
		"Balances":  func() error { _, err := r.Accounts.Balances(ctx, "1001"); return err },
		"Position":  func() error { _, err := r.Accounts.Position(ctx, "1001", "BTC/USDT"); return err },
		"Positions": func() error { _, err := r.Accounts.Positions(ctx, "1001"); return err },
		"Portfolio": func() error { _, err := r.Accounts.Portfolio(ctx, "1001", "USDT"); return err },
		"List":      func() error { _, err := r.Accounts.List(ctx); return err },
		"Pop":       func() error { _, err := r.Fills.Pop(ctx, "1001", "kraken", time.Second, 0); return err },
		"Fills":     func() error { _, err := r.Fills.List(ctx, "1001", "kraken", 1); return err },
		"Status":    func() error { _, err := r.Fills.Status(ctx, "1001"); return err },
	} {
		if err := call(); !errors.Is(err, domain.ErrUnreachable) || errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, err := range r.Accounts.Watch(ctx, "1001") {
		if !errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("Watch: %v", err)
		}
		break
	}
}

func openImpatient(t *testing.T, server *testserver.Redis) *cachestore.Store {
	t.Helper()
	s, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{server.Addr}, Timeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// While Redis is folded anew, what it does not have yet must not look flat.
func TestD23ARedisThatIsFoldedAnewSaysNothingBeforeItHasCaughtUp(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	ctx := t.Context()
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "ETH/USDT", "1")))
	last, err := r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1"))
	r.visible(last, err)
	// Another projection of the same log has come as far as the first position.
	other := testserver.SharedStore(t)
	half := newClientOver(t, r, other)
	p := other.Partition(last.Stream)
	b := p.NewBatch()
	b.PutKnown("1001", cachestore.Write{Seq: 1, Payload: []byte{0x93, 1, 0, 0x90}})
	extent, err := r.bus.Extent(ctx, last.Stream)
	if err != nil {
		t.Fatal(err)
	}
	at := domain.Checkpoint{Epoch: 7, Created: extent.Created, Seq: 1, Time: 1}
	if got, err := p.Apply(ctx, domain.Checkpoint{}, at, b); err != nil || got != at {
		t.Fatal(got, err)
	}
	if pos, err := half.Accounts.Position(ctx, "1001", "BTC/USDT"); !errors.Is(err, domain.ErrUnknown) {
		t.Fatalf("%+v %v", pos, err)
	}
	next := at
	next.Seq = last.Seq
	if got, err := p.Apply(ctx, at, next, p.NewBatch()); err != nil || got != next {
		t.Fatal(got, err)
	}
	if pos, err := half.Accounts.Position(ctx, "1001", "BTC/USDT"); err != nil || !pos.Flat() {
		t.Fatalf("it has caught up: %+v %v", pos, err)
	}
}

func TestD40DecimalsOfAccountsAreExact(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const text = "-9999999999999999999.1234567890123456789"
	r.visible(r.Accounts.SetBalance(t.Context(), domain.Balance{Account: "1001", Currency: "BTC", Total: dec(text), Free: dec(text)}))
	p := position("1001", "BTC/USDT", text)
	p.Fee, p.Realised = dec(text), dec(text)
	r.visible(r.Accounts.SetPosition(t.Context(), p))
	b, err := r.Accounts.Balance(t.Context(), "1001", "BTC")
	if err != nil || b.Total.String() != text || b.Free.String() != text {
		t.Fatalf("%+v %v", b, err)
	}
	got, err := r.Accounts.Position(t.Context(), "1001", "BTC/USDT")
	if err != nil || got.Volume.String() != text || got.Fee.String() != text || got.Realised.String() != text {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestWhatCannotBeIsRefusedWithTheField(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	for what, c := range map[string]struct {
		field string
		call  func() error
	}{
		"account":    {"account", func() error { _, err := r.Accounts.SetPosition(ctx, position("a.b", "BTC/USDT", "1")); return err }},
		"no account": {"account", func() error { _, err := r.Accounts.Positions(ctx, ""); return err }},
		"currency":   {"currency", func() error { _, err := r.Accounts.Balance(ctx, "1001", "BTC/USDT"); return err }},
		"symbol":     {"symbol", func() error { _, err := r.Accounts.Position(ctx, "1001", "BTC"); return err }},
		"used": {"used", func() error {
			_, err := r.Accounts.SetBalance(ctx, domain.Balance{Account: "1", Currency: "B", Used: dec("-1")})
			return err
		}},
		"price": {"price", func() error {
			p := position("1", "A/B", "1")
			p.Price = dec("-1")
			_, err := r.Accounts.SetPosition(ctx, p)
			return err
		}},
		"quote":    {"currency", func() error { _, err := r.Accounts.Portfolio(ctx, "1001", ""); return err }},
		"lease":    {"lease", func() error { _, err := r.Fills.Pop(ctx, "1001", "kraken", 0, 0); return err }},
		"timeout":  {"timeout", func() error { _, err := r.Fills.Pop(ctx, "1001", "kraken", time.Second, -1); return err }},
		"exchange": {"exchange", func() error { _, err := r.Fills.List(ctx, "1001", "Kraken", 1); return err }},
		"limit":    {"limit", func() error { _, err := r.Fills.List(ctx, "1001", "kraken", 0); return err }},
		"too many": {"positions", func() error {
			_, err := r.Accounts.ReplacePositions(ctx, "1001", make([]domain.Position, 1000), noon)
			return err
		}},
		"another time": {"time", func() error {
			_, err := r.Accounts.ReplacePositions(ctx, "1", []domain.Position{{Symbol: "A/B", Time: noon}}, noon.Add(1))
			return err
		}},
	} {
		var fe *domain.FieldError
		if err := c.call(); !errors.As(err, &fe) || fe.Field != c.field {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWatchYieldsWhatAnAccountHasAndEachChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r.visible(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "BTC", Total: dec("1")}))
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1")))
	must := func(_ domain.LogPosition, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for event, err := range r.Accounts.Watch(ctx, "1001") {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := event.(type) {
		case domain.Balance:
			got = append(got, ev.Currency+"="+ev.Total.String())
		case domain.Position:
			got = append(got, ev.Symbol+"="+ev.Volume.String())
		case domain.PositionDeleted:
			got = append(got, ev.Symbol+" gone")
		}
		switch len(got) {
		case 2: // the same again is no change
			must(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "BTC", Total: dec("1")}))
			must(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1002", Currency: "BTC", Total: dec("9")}))
			must(r.Accounts.SetPosition(ctx, position("1001", "ETH/USDT", "2")))
		case 3:
			must(r.Accounts.SetBalance(ctx, domain.Balance{Account: "1001", Currency: "BTC", Total: dec("3")}))
		case 4:
			must(r.Accounts.DeletePosition(ctx, "1001", "BTC/USDT"))
		}
		if len(got) == 5 {
			break
		}
	}
	want := []string{"BTC=1", "BTC/USDT=1", "ETH/USDT=2", "BTC=3", "BTC/USDT gone"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// newClientOver is a client of the rig's log and another Redis.
func newClientOver(t *testing.T, r *rig, store *cachestore.Store) *client.Client {
	t.Helper()
	c := client.New(r.bus, store)
	t.Cleanup(c.Close)
	return c
}
