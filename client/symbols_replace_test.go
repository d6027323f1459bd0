package client_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// The refresh of the Python library was one write a symbol, and what was
// delisted stayed for ever.
func TestReplacePublishesOnlyTheDifferences(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const n = 5000
	ctx := t.Context()
	replace := func(symbols []domain.Symbol, want client.SymbolChanges) {
		t.Helper()
		before := r.catalogueEnd()
		changes, pos, err := r.Symbols.Replace(ctx, "binance", symbols)
		if err != nil || changes != want || pos.Seq != before+uint64(want.Total()) || r.catalogueEnd() != pos.Seq {
			t.Fatalf("%+v %+v %v: the log went from %d to %d", changes, pos, err, before, r.catalogueEnd())
		}
		r.visible(pos, nil)
		list, err := r.Symbols.List(ctx, "binance")
		if err != nil || len(list) != len(symbols) {
			t.Fatalf("%d symbols, %v", len(list), err)
		}
	}
	symbols := instruments("", n)
	replace(symbols, client.SymbolChanges{Added: n})
	replace(symbols, client.SymbolChanges{})
	if symbols[0].Exchange != "" {
		t.Fatal("the caller's slice was changed")
	}
	symbols[17].Trading = false
	symbols[n-1] = instrument("binance", "NEW/USDT")
	replace(symbols, client.SymbolChanges{Added: 1, Changed: 1, Removed: 1})
	if s, err := r.Symbols.Get(ctx, "binance", "C17/USDT"); err != nil || s.Trading {
		t.Fatalf("%+v %v", s, err)
	}
	if s, err := r.Symbols.ByVenueSymbol(ctx, "binance", "C4999USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("delisted: %+v %v", s, err)
	}
	for what, wrong := range map[string][]domain.Symbol{
		"none": nil, "twice": {symbols[0], symbols[0]}, "elsewhere": {instrument("okx", "A/B")}, "nameless": {{}},
	} {
		if changes, _, err := r.Symbols.Replace(ctx, "binance", wrong); !errors.Is(err, domain.ErrInvalid) || changes.Total() != 0 {
			t.Errorf("%s: %+v %v", what, changes, err)
		}
	}
}

// Two replacements one after the other: the second must not compare with what
// was before the first.
func TestReplaceComparesWithWhatTheLogHas(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	one, two := instruments("binance", 3), instruments("binance", 3)
	two[1].Trading = false
	var last domain.LogPosition
	for i := range 20 {
		symbols := one
		if i%2 == 1 {
			symbols = two
		}
		changes, pos, err := r.Symbols.Replace(t.Context(), "binance", symbols)
		if err != nil || i > 0 && changes != (client.SymbolChanges{Changed: 1}) {
			t.Fatalf("%d: %+v %v", i, changes, err)
		}
		last = pos
	}
	r.visible(last, nil)
	if s, err := r.Symbols.Get(t.Context(), "binance", "C1/USDT"); err != nil || s.Trading {
		t.Fatalf("%+v %v", s, err)
	}
}

func TestManyWritersOfDifferentSymbolsLoseNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const n = 100
	var group sync.WaitGroup
	positions := make([]domain.LogPosition, n)
	for i, s := range instruments("binance", n) {
		group.Go(func() {
			var err error
			if positions[i], err = r.Symbols.Set(context.Background(), s); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, pos := range positions {
		r.visible(pos, nil)
	}
	if list, err := r.Symbols.List(t.Context(), "binance"); err != nil || len(list) != n {
		t.Fatalf("%d %v", len(list), err)
	}
	for i := range n {
		if ok, err := r.Symbols.Exists(t.Context(), "binance", "C"+strconv.Itoa(i)+"/USDT"); err != nil || !ok {
			t.Fatalf("C%d: %v %v", i, ok, err)
		}
	}
}

func TestOfTwoSymbolsWithOneVenueSymbolTheLastCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	first, second := instrument("binance", "BTC/USDT"), instrument("binance", "XBT/USDT")
	first.VenueSymbol, second.VenueSymbol = "BTCUSDT", "BTCUSDT"
	is := func(want string) {
		t.Helper()
		s, err := r.Symbols.ByVenueSymbol(ctx, "binance", "BTCUSDT")
		if want == "" && errors.Is(err, domain.ErrNotFound) {
			return
		}
		if err != nil || s.Name != want {
			t.Fatalf("%s %v, want %s", s.Name, err, want)
		}
	}
	r.visible(r.Symbols.Set(ctx, first))
	r.visible(r.Symbols.Set(ctx, second))
	is("XBT/USDT")
	r.visible(r.Symbols.Set(ctx, first))
	is("BTC/USDT")
	r.visible(r.Symbols.Delete(ctx, "binance", "XBT/USDT"))
	is("BTC/USDT")
	r.visible(r.Symbols.Set(ctx, second))
	second.VenueSymbol = "XBTUSDT"
	r.visible(r.Symbols.Set(ctx, second))
	is("BTC/USDT")
	r.visible(r.Symbols.Delete(ctx, "binance", "BTC/USDT"))
	is("")
}
