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

// second is a moment; 0 is "not known".
func second(s int) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}

func holding(symbol, volume string, at int) domain.Position {
	return domain.Position{Account: "1001", Symbol: symbol, Volume: domain.MustDecimal(volume), Time: second(at)}
}

func deletion(symbol string, at int) domain.PositionDeleted {
	return domain.PositionDeleted{Account: "1001", Symbol: symbol, Time: second(at)}
}

func whole(at int, positions ...domain.Position) domain.PositionsReplaced {
	for i := range positions {
		positions[i].Time = second(at)
	}
	return domain.PositionsReplaced{Account: "1001", Positions: positions, Time: second(at)}
}

// foldAll folds events as the log would have them, from sequence 1 on, and
// returns the positions that Redis would then hold and whether they are known.
func foldAll(t *testing.T, events ...domain.Event) (positions string, known bool, late uint64) {
	t.Helper()
	f := newAccountFold(nil, 10)
	f.accounts["1001"] = newAccountState("1001", cachestore.AccountOrders{})
	for i, ev := range events {
		data, err := wire.Encode(ev)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.add(domain.Record{Key: ev.Key(), Seq: uint64(i + 1), Data: data}); err != nil {
			t.Fatalf("%+v: %v", ev, err)
		}
	}
	a := f.accounts["1001"]
	var out []string
	for symbol, w := range a.positions {
		if w.Payload == nil {
			continue
		}
		p, deleted, err := wire.DecodePosition(domain.Key{Symbol: symbol}, w.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if deleted {
			out = append(out, fmt.Sprintf("%s gone @%d", symbol, w.Seq))
		} else {
			out = append(out, fmt.Sprintf("%s %s @%d", symbol, p.Volume, w.Seq))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", "), a.orders.Known, f.outOfOrder
}

func TestOlderNewsOfPositionsChangesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		events []domain.Event
		want   string
		late   uint64
	}{
		"newer replaces":                  {[]domain.Event{holding("A/B", "1", 5), holding("A/B", "2", 6)}, "A/B 2 @2", 0},
		"older does not":                  {[]domain.Event{holding("A/B", "1", 5), holding("A/B", "2", 4)}, "A/B 1 @1", 1},
		"the same time: the log's order":  {[]domain.Event{holding("A/B", "1", 5), holding("A/B", "2", 5)}, "A/B 2 @2", 0},
		"no time: the log's order":        {[]domain.Event{holding("A/B", "1", 5), holding("A/B", "2", 0), holding("A/B", "3", 4)}, "A/B 3 @3", 0},
		"deleted stays deleted":           {[]domain.Event{holding("A/B", "1", 5), deletion("A/B", 7), holding("A/B", "2", 6)}, "A/B gone @2", 1},
		"an old deletion":                 {[]domain.Event{holding("A/B", "1", 5), deletion("A/B", 4)}, "A/B 1 @1", 1},
		"opened again":                    {[]domain.Event{deletion("A/B", 7), holding("A/B", "-2", 8)}, "A/B -2 @2", 0},
		"flat is kept":                    {[]domain.Event{holding("A/B", "0", 5)}, "A/B 0 @1", 0},
		"a set replaces":                  {[]domain.Event{holding("A/B", "1", 5), holding("C/D", "1", 5), whole(6, holding("C/D", "3", 0))}, "C/D 3 @3", 0},
		"an empty set":                    {[]domain.Event{holding("A/B", "1", 5), whole(6)}, "", 0},
		"newer than the set stays":        {[]domain.Event{holding("A/B", "1", 7), whole(6, holding("A/B", "3", 0), holding("C/D", "1", 0))}, "A/B 1 @1, C/D 1 @2", 0},
		"older than the set":              {[]domain.Event{whole(6, holding("C/D", "3", 0)), holding("A/B", "1", 5), holding("C/D", "1", 5)}, "C/D 3 @1", 2},
		"an older set":                    {[]domain.Event{whole(6, holding("C/D", "3", 0)), whole(5, holding("A/B", "1", 0))}, "C/D 3 @1", 1},
		"a set without time":              {[]domain.Event{holding("A/B", "1", 7), whole(0, holding("C/D", "1", 0))}, "C/D 1 @2", 0},
		"behind a set without time":       {[]domain.Event{whole(6), whole(0), holding("A/B", "1", 5)}, "", 1},
		"a deletion newer than the set":   {[]domain.Event{deletion("A/B", 7), whole(6, holding("A/B", "3", 0)), holding("A/B", "4", 8)}, "A/B 4 @3", 0},
		"a set leaves a newer deletion":   {[]domain.Event{deletion("A/B", 7), whole(6, holding("A/B", "3", 0))}, "A/B gone @1", 0},
		"a set forgets an older deletion": {[]domain.Event{deletion("A/B", 5), whole(6)}, "", 0},
	} {
		got, known, late := foldAll(t, c.events...)
		if got != c.want || late != c.late {
			t.Errorf("%s: %q with %d late, want %q with %d", name, got, late, c.want, c.late)
		}
		if !known {
			t.Errorf("%s: positions are not known", name)
		}
	}
}

func TestOlderBalancesChangeNothingAndSayNothingOfPositions(t *testing.T) {
	t.Parallel()
	a := newAccountState("1001", cachestore.AccountOrders{Balances: map[string]cachestore.BalanceOrder{"BTC": {Time: second(5).UnixNano()}}})
	for _, c := range []struct {
		at   int
		news bool
	}{{4, false}, {5, true}, {6, true}, {5, false}, {0, true}, {1, true}} {
		b := domain.Balance{Account: "1001", Currency: "BTC", Time: second(c.at)}
		if got := a.setBalance(b, cachestore.Write{Payload: []byte{1}}); got != c.news {
			t.Errorf("of time %d: news %v", c.at, got)
		}
	}
	if a.orders.Known {
		t.Error("balances made the positions known")
	}
}

// storing state again must say nothing new, whatever there is.
func TestWhatIsStoredAgainChangesNothing(t *testing.T) {
	t.Parallel()
	events := []domain.Event{whole(6, holding("A/B", "1", 0), holding("C/D", "2", 0)), holding("E/F", "3", 9), holding("G/H", "4", 0)}
	before, _, _ := foldAll(t, events...)
	after, _, late := foldAll(t, append(events, holding("A/B", "1", 6), holding("C/D", "2", 6), holding("E/F", "3", 9), holding("G/H", "4", 0))...)
	if strip(before) != strip(after) || late != 0 {
		t.Fatalf("%s became %s (%d late)", before, after, late)
	}
}

// strip leaves the sequences out.
func strip(positions string) string {
	var out []string
	for field := range strings.FieldsSeq(positions) {
		if !strings.HasPrefix(field, "@") {
			out = append(out, field)
		}
	}
	return strings.Join(out, " ")
}

func fillOf(id string, first uint64) domain.Fill {
	return domain.Fill{
		Account: "1001", Exchange: "kraken", Symbol: "A/B", ID: id, Side: domain.Buy, Price: domain.MustDecimal("1"),
		Volume: domain.MustDecimal("1"), Time: second(1), First: first,
	}
}

func waiting(f *fillQueue) string {
	var out []string
	for _, w := range f.order {
		out = append(out, fmt.Sprintf("%s@%d", w.id, w.first))
	}
	return strings.Join(out, " ")
}

func TestFillsWaitOnceInTheirOrderUntilAcknowledged(t *testing.T) {
	t.Parallel()
	f := newFillQueue(cachestore.Queue{Account: "1001", Exchange: "kraken"}, 3)
	push := func(id string, first, seq uint64) bool { return f.push(fillOf(id, first), cachestore.Write{Seq: seq}) }
	for _, step := range []struct {
		what string
		do   func() bool
		news bool
		want string
	}{
		{"a fill", func() bool { return push("a", 0, 1) }, true, "a@1"},
		{"another", func() bool { return push("b", 0, 2) }, true, "a@1 b@2"},
		{"the same again", func() bool { return push("a", 0, 3) }, false, "a@1 b@2"},
		{"stored again", func() bool { return push("a", 1, 4) }, true, "a@1 b@2"},
		{"acknowledged", func() bool { return f.ack("a") }, true, "b@2"},
		{"twice", func() bool { return f.ack("a") }, false, "b@2"},
		{"pushed after that", func() bool { return push("a", 0, 5) }, false, "b@2"},
		{"stored again after that", func() bool { return push("a", 1, 6) }, false, "b@2"},
		{"one from before, stored again", func() bool { return push("z", 1, 7) }, true, "z@1 b@2"},
		{"another one", func() bool { return push("c", 0, 8) }, true, "z@1 b@2 c@8"},
		{"one too many", func() bool { return push("d", 0, 9) }, true, "b@2 c@8 d@9"},
		{"the one that had to go", func() bool { return f.ack("z") }, false, "b@2 c@8 d@9"},
	} {
		if got := step.do(); got != step.news || waiting(f) != step.want {
			t.Errorf("%s: news %v, waiting %s; want %v, %s", step.what, got, waiting(f), step.news, step.want)
		}
	}
	if f.dropped != 1 || !f.removed["z"] || !f.removed["a"] || f.removed["b"] {
		t.Errorf("dropped %d, removed %v", f.dropped, f.removed)
	}
}

func TestAFillCannotRepeatOneThatCameLater(t *testing.T) {
	t.Parallel()
	f := newAccountFold(nil, 10)
	fill := fillOf("a", 7)
	f.queues[queueOf(fill.Key())] = newFillQueue(queueOf(fill.Key()), 10)
	data, err := wire.Encode(fill)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.add(domain.Record{Key: fill.Key(), Seq: 7, Data: data}); err == nil {
		t.Fatal("it was taken")
	}
	if err := f.add(domain.Record{Key: domain.Key{Kind: domain.KindTick}, Seq: 8, Data: data}); err == nil {
		t.Fatal("a tick was taken")
	}
}
