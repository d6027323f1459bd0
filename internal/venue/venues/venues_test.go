package venues_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
)

func TestEveryVenueIsComplete(t *testing.T) {
	t.Parallel()
	names := venues.Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || len(names) == 0 {
		t.Errorf("names %q, want each once, sorted", names)
	}
	spellings := map[string]bool{}
	for _, name := range names {
		v, ok := venues.Find(name)
		if !ok || v.Name != name || v.Symbols == "" || len(v.Usual) == 0 || domain.CheckExchange(name) != nil {
			t.Errorf("%s: %+v, %v", name, v, ok)
		}
		for _, symbol := range v.Usual {
			spelled, err := v.Spell(symbol)
			if err != nil || domain.CheckVenueSymbol(spelled) != nil {
				t.Errorf("%s: %s is spelled %q, %v", name, symbol, spelled, err)
			}
			spellings[spelled] = true
		}
		if _, err := v.Spell("nonsense"); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: nonsense is a symbol: %v", name, err)
		}
		a, err := v.New(venue.Config{})
		if err != nil || a.Exchange() != name {
			t.Errorf("%s: %v, %v", name, a, err)
		}
		if a, err := v.New(venue.Config{Exchange: "No"}); !errors.Is(err, domain.ErrInvalid) || a != nil {
			t.Errorf("%s: a wrong exchange name gives %v, %v", name, a, err)
		}
	}
	if _, ok := venues.Find("nowhere"); ok {
		t.Error("an unknown venue was found")
	}
}
