package projector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// bought is a fill of the account at a second; a negative volume: sold. fee is an
// amount and a currency, or empty.
func bought(symbol, id, volume string, at int, fee ...string) domain.Fill {
	f := domain.Fill{
		Account: "1001", Exchange: "kraken", Symbol: symbol, ID: id, Side: domain.Buy, Price: domain.MustDecimal("10"),
		Volume: domain.MustDecimal(volume), Time: second(at),
	}
	if f.Volume.IsNeg() {
		f.Side, f.Volume = domain.Sell, f.Volume.Neg()
	}
	if len(fee) > 0 {
		f.Fee, f.FeeCurrency = domain.MustDecimal(fee[0]), fee[1]
	}
	return f
}

func has(currency, total string, at int) domain.Balance {
	return domain.Balance{Account: "1001", Currency: currency, Total: domain.MustDecimal(total), Time: second(at)}
}

// off folds events and lists what is then not as the venue says, as
// "<of> <by fills> <venue says>".
func off(t *testing.T, events ...domain.Event) string {
	t.Helper()
	f := newAccountFold(nil, 10)
	f.accounts["1001"] = newAccountState("1001", cachestore.AccountOrders{})
	q := cachestore.Queue{Account: "1001", Exchange: "kraken"}
	f.queues[q] = newFillQueue(q, 10)
	for i, ev := range events {
		data, err := wire.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.add(domain.Record{Key: ev.Key(), Seq: uint64(i + 1), Data: data}); err != nil {
			t.Fatalf("%+v: %v", ev, err)
		}
	}
	now := time.Now()
	var out []string
	for _, ev := range f.accounts["1001"].differences(now, now) {
		d := ev.(domain.Difference)
		if err := d.Validate(); err != nil {
			t.Error(err)
		}
		out = append(out, fmt.Sprintf("%s %s %s", d.Subject(), d.Counted, d.Said))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestFillsAreHeldAgainstWhatTheVenueSays(t *testing.T) {
	t.Parallel()
	noticed := func(of, counted, said string) domain.Difference {
		d := domain.Difference{Account: "1001", Symbol: of, Counted: domain.MustDecimal(counted), Said: domain.MustDecimal(said), Time: second(99)}
		if !strings.Contains(of, "/") {
			d.Symbol, d.Currency = "", of
		}
		return d
	}
	const perpetual = "A/B:B"
	for name, c := range map[string]struct {
		events []domain.Event
		want   string
	}{
		"fill, then position":           {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2), holding("A/B", "3", 2)}, ""},
		"position, then fill":           {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "0", "1", 1), holding("A/B", "3", 2), bought("A/B", "1", "2", 2)}, ""},
		"between the two it is open":    {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2)}, "A/B 3 1"},
		"too much":                      {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2), holding("A/B", "3.1", 2)}, "A/B 3 3.1"},
		"a fill that never came":        {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2), holding("A/B", "3", 2), holding("A/B", "4", 3)}, "A/B 3 4"},
		"and came late":                 {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2), holding("A/B", "4", 3), bought("A/B", "2", "1", 3)}, ""},
		"a fill twice":                  {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "2", 2), bought("A/B", "1", "2", 2), holding("A/B", "3", 2)}, ""},
		"without fills nothing counts":  {[]domain.Event{holding("A/B", "1", 1), holding("A/B", "4", 3), has("A", "1", 1), has("A", "2", 2)}, ""},
		"fills of before the beginning": {[]domain.Event{holding("A/B", "3", 5), bought("A/B", "1", "1", 4), bought("A/B", "2", "2", 5)}, ""},
		"nobody said what there was":    {[]domain.Event{bought("A/B", "1", "1", 4), holding("A/B", "3", 4)}, ""},
		"and then it counts":            {[]domain.Event{bought("A/B", "1", "1", 4), holding("A/B", "3", 4), bought("A/B", "2", "1", 5), holding("A/B", "5", 5)}, "A/B 4 5"},
		"known to be flat":              {[]domain.Event{whole(1), bought("A/B", "1", "1", 4), holding("A/B", "2", 4)}, "A/B 1 2"},
		"another symbol":                {[]domain.Event{holding("A/B", "1", 1), bought("C/D", "1", "1", 2), holding("A/B", "2", 3), holding("C/D", "1", 3)}, "A/B 1 2"},
		"spot is never short":           {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "-3", 2), holding("A/B", "0", 2), bought("A/B", "2", "2", 3), holding("A/B", "2", 3)}, ""},
		"a perpetual may be":            {[]domain.Event{holding(perpetual, "1", 1), bought(perpetual, "1", "-3", 2), holding(perpetual, "-2", 2)}, ""},
		"a set without it":              {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "1", 2), whole(3)}, "A/B 2 0"},
		"a deletion":                    {[]domain.Event{holding("A/B", "1", 1), bought("A/B", "1", "-1", 2), deletion("A/B", 3)}, ""},
		"older news does not count":     {[]domain.Event{holding("A/B", "1", 5), bought("A/B", "1", "1", 6), holding("A/B", "2", 6), holding("A/B", "1", 5)}, ""},
		"a balance, with its fees":      {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2, "0.001", "A"), has("A", "5.999", 2)}, ""},
		"a balance without":             {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2, "0.001", "A"), has("A", "6", 2)}, "A 5.999 6"},
		"a balance sold short":          {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "-1", 2), has("A", "4", 2)}, ""},
		"fees in a third currency":      {[]domain.Event{has("F", "5", 1), bought("F/B", "1", "1", 2), has("F", "6", 2), bought("A/B", "2", "1", 3, "0.5", "F"), has("F", "5.5", 3)}, ""},
		"what is paid with":             {[]domain.Event{has("B", "100", 1), bought("A/B", "1", "1", 2), has("B", "7", 2)}, ""},
		"base here and paid with there": {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2), bought("C/A", "2", "1", 3), has("A", "-4", 3)}, ""},
		"what gains are paid in":        {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2), bought("C/B:A", "2", "1", 3), has("A", "7", 3)}, ""},
		"a deposit":                     {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2), has("A", "16", 2)}, "A 6 16"},
		"told once": {[]domain.Event{
			holding("A/B", "1", 1), bought("A/B", "1", "1", 2), holding("A/B", "5", 2), noticed("A/B", "2", "5"), bought("A/B", "2", "1", 3), holding("A/B", "6", 3),
		}, ""},
		"a fill that was missed then": {[]domain.Event{
			holding("A/B", "1", 1), bought("A/B", "1", "1", 2), holding("A/B", "5", 4), noticed("A/B", "2", "5"), bought("A/B", "2", "3", 3),
		}, ""},
		"told of a balance": {[]domain.Event{has("A", "5", 1), bought("A/B", "1", "1", 2), has("A", "16", 2), noticed("A", "6", "16")}, ""},
		"told of nothing":   {[]domain.Event{noticed("A/B", "6", "16"), noticed("A", "6", "16")}, ""},
	} {
		if got := off(t, c.events...); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
