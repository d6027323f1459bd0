package sim

import (
	"bytes"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/internal/sim/clock"
)

func testConfig(dir string, c clock.Clock) Config {
	return Config{
		StateDir: dir, Clock: c, KeepTrades: 100, Rate: 50, OrderLimit: 1 << 30,
		Symbols: []Symbol{
			{Name: "BTC/USDT", Price: "100", TickSize: "0.01", LotSize: "0.01", MinNotional: "0.01", TradeCost: "450"},
			{Name: "ETH/BTC", Price: "5", TickSize: "0.01", LotSize: "0.01", MinNotional: "0.01", TradeCost: "20"},
		},
		Accounts: []Account{
			{Name: "a", Key: "keyOfAccountA", Secret: "secretOfAccountA", Balances: map[string]string{"USDT": "10000", "BTC": "100"}},
			{Name: "b", Key: "keyOfAccountB", Secret: "secretOfAccountB", Balances: map[string]string{"USDT": "10", "ETH": "50"}},
		},
	}
}

func testExchange(t rapid.TB, dir string, c clock.Clock) *Exchange {
	t.Helper()
	x, err := New(testConfig(dir, c))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// picture is all that an account can see of itself.
func (a *account) picture() (orders []order, fills []ledgerFill, assets map[string]funds) {
	for _, all := range a.orders {
		for _, o := range all {
			state := *o
			state.account, state.market = nil, nil
			orders = append(orders, state)
		}
	}
	for _, all := range a.fills {
		for _, f := range all {
			fills = append(fills, f.line())
		}
	}
	slices.SortFunc(orders, func(o, other order) int { // two markets may give the same number
		return cmp.Or(cmp.Compare(o.ID, other.ID), cmp.Compare(o.ClientID, other.ClientID))
	})
	slices.SortFunc(fills, func(f, other ledgerFill) int {
		return cmp.Or(cmp.Compare(f.Trade[0], other.Trade[0]), cmp.Compare(f.Symbol, other.Symbol))
	})
	assets = map[string]funds{}
	for asset, f := range a.assets {
		assets[asset] = *f
	}
	return orders, fills, assets
}

// Whatever is done to the accounts: what is locked is what the open orders
// lock, nothing is below zero, what there is is what the beginning and the
// fills make, and an exchange that is killed and started again has it all.
func TestTheAccountsAddUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		state := filepath.Join(dir, strconv.Itoa(run))
		manual := clock.NewManual(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
		x := testExchange(t, state, manual)
		booked := map[*account]map[string]fixed{} // by the fills
		begin := func() {
			booked = map[*account]map[string]fixed{}
			for _, a := range x.accounts {
				booked[a] = map[string]fixed{}
				for asset, f := range a.assets {
					booked[a][asset] = f.free + f.locked
				}
			}
		}
		begin()
		check := func() {
			for _, a := range x.accounts {
				locked := map[string]fixed{}
				for _, m := range x.markets {
					for _, o := range a.orders[m] {
						locked[o.pays()] += o.Locked
						if resting := slices.Contains(m.resting, o); resting != o.open() || !o.open() && o.Locked != 0 || o.Filled > o.Lots {
							t.Fatalf("%+v rests: %v", o, resting)
						}
					}
				}
				for asset, f := range a.assets {
					if f.free < 0 || f.locked != locked[asset] {
						t.Fatalf("%s of %s: %+v, the orders lock %d", asset, a.name, f, locked[asset])
					}
					if f.free+f.locked != booked[a][asset] {
						t.Fatalf("%s of %s: %+v, the fills make %d", asset, a.name, f, booked[a][asset])
					}
				}
			}
		}
		counted := func(do func()) {
			before := map[*account]map[*market]int64{}
			for _, a := range x.accounts {
				before[a] = map[*market]int64{}
				for m, fills := range a.fills {
					before[a][m] = fills[len(fills)-1].id
				}
			}
			do()
			for _, a := range x.accounts {
				for m, fills := range a.fills {
					for _, f := range fills {
						if f.id <= before[a][m] {
							continue
						}
						sign := fixed(-1)
						if f.order.Buy {
							sign = 1
						}
						booked[a][m.base] += sign * m.size(f.lots)
						booked[a][m.quoteAsset] -= sign * f.cost
						booked[a][f.asset] -= f.commission
					}
				}
			}
		}
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"order": func(t *rapid.T) {
				m := x.markets[rapid.IntRange(0, 1).Draw(t, "market")]
				n++
				o := &order{
					account: x.accounts[rapid.IntRange(0, 1).Draw(t, "account")], market: m, ClientID: "o" + strconv.Itoa(n),
					Buy: rapid.Bool().Draw(t, "buy"), Type: rapid.SampledFrom([]string{typeLimit, typeMarket, typeMaker, typeStop, typeStopLimit}).Draw(t, "type"),
					TIF: untilCancel, Lots: rapid.Int64Range(1, 3000).Draw(t, "lots"),
				}
				near := func(name string) int64 { return max(1, m.bid+rapid.Int64Range(-5, 5).Draw(t, name)) }
				if o.Type != typeMarket && o.Type != typeStop {
					o.Ticks = near("price")
				}
				if o.Type == typeStop || o.Type == typeStopLimit {
					o.Stop = near("stop")
				}
				if o.Type == typeLimit || o.Type == typeStopLimit {
					o.TIF = rapid.SampledFrom([]string{untilCancel, immediate, allOrNone}).Draw(t, "tif")
				}
				counted(func() { _, _ = x.step(func() (any, error) { return nil, x.enter(o) }) })
			},
			"cancel": func(t *rapid.T) {
				m := x.markets[rapid.IntRange(0, 1).Draw(t, "market")]
				if len(m.resting) == 0 {
					t.Skip("nothing rests")
				}
				o := rapid.SampledFrom(m.resting).Draw(t, "order")
				counted(func() {
					_, err := x.step(func() (any, error) {
						x.finish(o, statusCanceled, "CANCELED", "c")
						m.resting = compact(m.resting)
						return nil, nil
					})
					if err != nil {
						t.Fatal(err)
					}
				})
			},
			"time": func(t *rapid.T) {
				manual.Advance(time.Duration(rapid.IntRange(1, 2000).Draw(t, "ms")) * time.Millisecond)
				counted(func() {
					if _, err := x.step(func() (any, error) { return nil, nil }); err != nil {
						t.Fatal(err)
					}
				})
			},
			"kill": func(t *rapid.T) {
				// Nothing is closed in order: what was told is in the files.
				before := x
				_ = before.listener.Close()
				x = testExchange(t, state, manual)
				for i, a := range before.accounts {
					orders, fills, assets := a.picture()
					gotOrders, gotFills, gotAssets := x.accounts[i].picture()
					// What is forgotten on the way is the oldest.
					if len(orders) >= len(gotOrders) {
						orders = orders[len(orders)-len(gotOrders):]
					}
					if len(fills) >= len(gotFills) {
						fills = fills[len(fills)-len(gotFills):]
					}
					if len(a.orders[before.markets[0]])+len(a.orders[before.markets[1]]) <= 100 && !reflect.DeepEqual(orders, gotOrders) {
						t.Fatalf("orders\n%+v, before\n%+v", gotOrders, orders)
					}
					if len(a.fills[before.markets[0]])+len(a.fills[before.markets[1]]) <= 100 && !reflect.DeepEqual(fills, gotFills) {
						t.Fatalf("fills\n%+v, before\n%+v", gotFills, fills)
					}
					if !maps.Equal(assets, gotAssets) {
						t.Fatalf("balances %+v, before %+v", gotAssets, assets)
					}
				}
				for i, m := range x.markets {
					if old := before.markets[i]; m.nextOrder < old.nextOrder && len(old.resting) > 0 || m.nextID < old.nextID || len(m.resting) != len(old.resting) {
						t.Fatalf("order %d, trade %d, before %d and %d", m.nextOrder, m.nextID, old.nextOrder, old.nextID)
					}
				}
				_ = before.closeJournals()
				begin()
			},
		})
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		_ = os.RemoveAll(state)
	})
}

func TestTheLedgerIsCutOffWhereAKilledProcessLeftIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := clock.NewManual(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
	x := testExchange(t, dir, c)
	for _, amount := range []string{"1", "2"} {
		if err := x.Transfer("a", "BTC", amount); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "accounts.log")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-2], 0o600); err != nil {
		t.Fatal(err)
	}
	x = testExchange(t, dir, c)
	if got := x.accounts[0].assets["BTC"].free; got != 101*unit {
		t.Fatal(got)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte("{"), []byte("["), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(testConfig(dir, c)); err == nil {
		t.Fatal("a damaged file was read")
	}
}

func TestTheLedgerIsWrittenAnewWhenItIsLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := testExchange(t, dir, clock.NewManual(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)))
	for range minLines + 10 {
		if err := x.Transfer("a", "BTC", "1"); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "accounts.log"))
	if err != nil || bytes.Count(data, []byte{'\n'}) > 20 {
		t.Fatalf("%d lines, %v", bytes.Count(data, []byte{'\n'}), err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}
