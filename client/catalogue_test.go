package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func instrument(exchange, name string) domain.Symbol {
	base, quote, settle, err := domain.SplitSymbol(name)
	if err != nil {
		panic(err)
	}
	return domain.Symbol{
		Exchange: exchange, Name: name, VenueSymbol: strings.NewReplacer("/", "", ":", "_").Replace(name), Base: base, Quote: quote, Settle: settle,
		TickSize: dec("0.01"), LotSize: dec("0.00001"), MinVolume: dec("0.00001"), MinNotional: dec("5"), Trading: true,
	}
}

func instruments(exchange string, n int) []domain.Symbol {
	out := make([]domain.Symbol, n)
	for i := range out {
		out[i] = instrument(exchange, "C"+strconv.Itoa(i)+"/USDT")
	}
	return out
}

// catalogueEnd is the last sequence of the catalogue's stream.
func (r *rig) catalogueEnd() uint64 {
	r.tb.Helper()
	extent, err := r.bus.Extent(context.Background(), bus.CatalogueStream)
	if err != nil {
		r.tb.Fatal(err)
	}
	return extent.Last
}

// D28: an update replaced all that a bot said, and changed the caller's map.
func TestD28FeedsThatAreUpdatedAtTheSameTimeAreAllKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const n = 20
	fields := map[string]string{"position": "long", "log": "postgres://bot:hunter2@db"}
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			_, err := r.Bots.UpdateStatus(context.Background(), domain.BotStatus{Bot: "grid-1", Feed: "feed-" + strconv.Itoa(i), Fields: fields})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	r.visible(r.Bots.UpdateStatus(t.Context(), domain.BotStatus{Bot: "other", Feed: "1", Time: noon}))
	statuses, err := r.Bots.Status(t.Context(), "grid-1")
	if err != nil || len(statuses) != n {
		t.Fatalf("%d statuses, %v", len(statuses), err)
	}
	for _, s := range statuses {
		if s.Bot != "grid-1" || s.Fields["position"] != "long" || strings.Contains(s.Fields["log"], "hunter2") || s.Time.IsZero() || s.Sequence == 0 {
			t.Fatalf("%+v", s)
		}
	}
	if len(fields) != 2 || fields["log"] != "postgres://bot:hunter2@db" {
		t.Fatalf("the caller's map was changed: %v", fields)
	}
	r.visible(r.Bots.DeleteStatus(t.Context(), "grid-1", "feed-7"))
	if all, err := r.Bots.Statuses(t.Context()); err != nil || len(all) != n || all[n-1].Bot != "other" || !all[n-1].Time.Equal(noon) {
		t.Fatalf("%+v, %v", all, err)
	}
	r.visible(r.Bots.DeleteStatus(t.Context(), "grid-1", ""))
	if s, err := r.Bots.Status(t.Context(), "grid-1"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%+v %v", s, err)
	}
	r.visible(r.Bots.UpdateStatus(t.Context(), domain.BotStatus{Bot: "grid-1", Feed: "feed-3"}))
	if s, err := r.Bots.Status(t.Context(), "grid-1"); err != nil || len(s) != 1 || s[0].Feed != "feed-3" {
		t.Fatalf("%+v %v", s, err)
	}
}

// D42: the names of exchanges came from a table of a test.
func TestD42AnyExchangeHasACatalogue(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	names := []string{"a-venue-of-tomorrow", "binance", "test_exchange_42", "z"}
	for _, name := range names {
		_, err := r.Venues.Set(t.Context(), domain.Venue{Name: name, Title: "The " + name, Status: domain.VenueMaintenance, Params: map[string]string{"country": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		r.visible(r.Symbols.Set(t.Context(), instrument(name, "BTC/USDT")))
	}
	venues, err := r.Venues.List(t.Context())
	if err != nil || len(venues) != len(names) {
		t.Fatalf("%+v %v", venues, err)
	}
	exchanges, err := r.Symbols.Exchanges(t.Context())
	if err != nil || fmt.Sprint(exchanges) != fmt.Sprint(names) {
		t.Fatalf("%v %v", exchanges, err)
	}
	for i, name := range names {
		if v := venues[i]; v.Name != name || v.Title != "The "+name || v.Status != domain.VenueMaintenance || v.Params["country"] != "x" || v.Time.IsZero() {
			t.Errorf("%+v", v)
		}
		s, err := r.Symbols.ByVenueSymbol(t.Context(), name, "BTCUSDT")
		if err != nil || !s.Same(instrument(name, "BTC/USDT")) || s.Sequence == 0 {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
	if v, err := r.Venues.Get(t.Context(), "kraken"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("nobody has said anything of it: %+v %v", v, err)
	}
	if symbols, err := r.Symbols.List(t.Context(), "kraken"); err != nil || len(symbols) != 0 {
		t.Errorf("%v %v", symbols, err)
	}
}

// D43: whole rows, with what should be secret in them, were stored in clear.
func TestD43SecretsAreRefusedOrTakenOut(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2-9f3c"
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	ctx := t.Context()
	for _, name := range []string{"password", "api_key", "apiKey", "API-SECRET", "listen_key", "auth.token"} {
		params := map[string]string{name: hidden}
		for what, call := range map[string]func() error{
			"venue": func() error {
				_, err := r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen, Params: params})
				return err
			},
			"bot": func() error {
				_, err := r.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: "f", Fields: params})
				return err
			},
		} {
			if err := call(); !errors.Is(err, domain.ErrInvalid) || strings.Contains(err.Error(), hidden) {
				t.Errorf("%s with %s: %v", what, name, err)
			}
		}
	}
	values := map[string]string{"url": "https://me:" + hidden + "@venue.com/?signature=" + hidden, "note": "token=" + hidden}
	r.visible(r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen, Params: values}))
	r.visible(r.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: "f", Fields: values}))
	rdb := server.Client(t)
	keys, err := rdb.Keys(ctx, "*").Result()
	if err != nil || len(keys) < 4 {
		t.Fatal(keys, err)
	}
	for _, key := range keys {
		stored, err := rdb.Dump(ctx, key).Result()
		if err != nil || strings.Contains(stored, hidden) {
			t.Errorf("%s has the secret (%v)", key, err)
		}
	}
	for _, key := range []domain.Key{{Kind: domain.KindVenue, Exchange: "binance"}, {Kind: domain.KindBot, Bot: "b", BotFeed: "f"}} {
		event, _, _, err := r.bus.Last(ctx, key)
		if err != nil || strings.Contains(fmt.Sprintf("%+v", event), hidden) {
			t.Errorf("the log has the secret: %+v (%v)", event, err)
		}
	}
}

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

func TestADeletedVenueTakesItsSymbolsAlongAndTheyStayAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	has := func(want int) {
		t.Helper()
		list, err := r.Symbols.List(ctx, "binance")
		if err != nil || len(list) != want {
			t.Fatalf("%d symbols, want %d (%v)", len(list), want, err)
		}
	}
	r.visible(r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen}))
	_, pos, err := r.Symbols.Replace(ctx, "binance", instruments("binance", 50))
	r.visible(pos, err)
	r.visible(r.Symbols.Set(ctx, instrument("okx", "BTC/USDT")))
	r.visible(r.Venues.Delete(ctx, "binance"))
	has(0)
	if v, err := r.Venues.Get(ctx, "binance"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%+v %v", v, err)
	}
	r.visible(r.Symbols.Set(ctx, instrument("binance", "C7/USDT")))
	has(1)
	for range 2 {
		r.visible(r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen}))
		has(1)
	}
	changes, pos, err := r.Symbols.Replace(ctx, "binance", instruments("binance", 50))
	if r.visible(pos, err); changes != (client.SymbolChanges{Added: 49}) {
		t.Fatalf("%+v", changes)
	}
	has(50)
	if ok, err := r.Symbols.Exists(ctx, "okx", "BTC/USDT"); err != nil || !ok {
		t.Fatalf("%v %v", ok, err)
	}
}

func TestSetsOfAVenueAtTheSameTimeKeepItsDeletion(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	open := domain.Venue{Name: "binance", Status: domain.VenueOpen}
	for round := range 30 {
		if _, err := r.Symbols.Set(ctx, instrument("binance", "BTC/USDT")); err != nil {
			t.Fatal(err)
		}
		var deleted domain.LogPosition
		var group sync.WaitGroup
		begun := make(chan struct{}, 20)
		for range 4 {
			group.Go(func() {
				for range 5 {
					if _, err := r.Venues.Set(context.Background(), open); err != nil {
						t.Error(err)
					}
					begun <- struct{}{}
				}
			})
		}
		group.Go(func() {
			<-begun // then all of them are in the middle of it
			var err error
			if deleted, err = r.Venues.Delete(context.Background(), "binance"); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		r.visible(r.Venues.Set(ctx, open))
		if v, err := r.Venues.Get(ctx, "binance"); err != nil || v.Emptied != deleted.Seq {
			t.Fatalf("round %d: %+v %v, deleted at %d", round, v, err, deleted.Seq)
		}
		if ok, err := r.Symbols.Exists(ctx, "binance", "BTC/USDT"); err != nil || ok {
			t.Fatalf("round %d: %v %v", round, ok, err)
		}
	}
}

// everything reads all of the catalogue.
func (r *rig) everything(ctx context.Context) (string, error) {
	venues, err := r.Venues.List(ctx)
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf("%+v", venues)
	for _, exchange := range []string{"binance", "okx"} {
		symbols, err := r.Symbols.List(ctx, exchange)
		if err != nil {
			return "", err
		}
		out += fmt.Sprintf("%+v", symbols)
	}
	statuses, err := r.Bots.Statuses(ctx)
	return out + fmt.Sprintf("%+v", statuses), err
}

func TestAWipedCatalogueComesBackTheSame(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	ctx := t.Context()
	for range 2 { // so that the log has holes
		r.visible(r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen, Time: noon}))
		for i, s := range instruments("binance", 300) {
			s.Trading = i%2 == 0
			if _, err := r.Symbols.Set(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		r.visible(r.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: "f", Fields: map[string]string{"a": "b"}, Time: noon}))
	}
	r.visible(r.Venues.Delete(ctx, "okx"))
	r.visible(r.Symbols.Delete(ctx, "binance", "C5/USDT"))
	before, err := r.everything(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Client(t).FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	after, err := r.everything(ctx)
	for bounded := bounded(t); errors.Is(err, domain.ErrUnknown) && bounded.Err() == nil; {
		after, err = r.everything(ctx)
	}
	if err != nil || after != before {
		t.Fatalf("%v\n%s\nwas\n%s", err, after, before)
	}
}

func TestWithoutAProjectorTheCatalogueIsUnknownAndWithoutRedisUnreachable(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	r.visible(r.Venues.Set(ctx, domain.Venue{Name: "binance", Status: domain.VenueOpen}))
	r.visible(r.Symbols.Set(ctx, instrument("binance", "BTC/USDT")))
	server := testserver.NewRedis(t)
	empty := newClientOver(t, r, openImpatient(t, server)) // nobody folds into it
	calls := map[string]func() error{
		"Venues.Get":    func() error { _, err := empty.Venues.Get(ctx, "binance"); return err },
		"Venues.List":   func() error { _, err := empty.Venues.List(ctx); return err },
		"Symbols.Get":   func() error { _, err := empty.Symbols.Get(ctx, "binance", "BTC/USDT"); return err },
		"ByVenueSymbol": func() error { _, err := empty.Symbols.ByVenueSymbol(ctx, "binance", "BTCUSDT"); return err },
		"Symbols.List":  func() error { _, err := empty.Symbols.List(ctx, "binance"); return err },
		"Exists":        func() error { _, err := empty.Symbols.Exists(ctx, "binance", "BTC/USDT"); return err },
		"Exchanges":     func() error { _, err := empty.Symbols.Exchanges(ctx); return err },
		"Status":        func() error { _, err := empty.Bots.Status(ctx, "b"); return err },
		"Statuses":      func() error { _, err := empty.Bots.Statuses(ctx); return err },
		"Replace":       func() error { _, _, err := empty.Symbols.Replace(ctx, "binance", instruments("", 1)); return err },
		"the first answer of Watch": func() error {
			for _, err := range empty.Symbols.Watch(ctx, "binance") {
				return err
			}
			return nil
		},
	}
	end := r.catalogueEnd()
	check := func(want error) {
		t.Helper()
		var group sync.WaitGroup
		for what, call := range calls {
			group.Go(func() {
				if err := call(); !errors.Is(err, want) || errors.Is(err, domain.ErrNotFound) {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			})
		}
		group.Wait()
	}
	check(domain.ErrUnknown)
	server.Kill()
	check(domain.ErrUnreachable)
	if r.catalogueEnd() != end {
		t.Fatal("something was stored")
	}
}

func TestWatchedSymbolsAreYieldedAsTheyChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	must := func(_ domain.LogPosition, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r.visible(r.Symbols.Set(ctx, instrument("binance", "A/USDT")))
	r.visible(r.Symbols.Set(ctx, instrument("binance", "B/USDT")))
	var got []string
	for event, err := range r.Symbols.Watch(ctx, "binance") {
		if err != nil {
			t.Fatal(err)
		}
		switch ev := event.(type) {
		case domain.Symbol:
			got = append(got, fmt.Sprint(ev.Name, " ", ev.Trading))
		case domain.SymbolDeleted:
			got = append(got, ev.Name+" gone")
		}
		switch len(got) {
		case 2: // what is the same, or about something else, is no change
			must(r.Symbols.Set(ctx, instrument("binance", "A/USDT")))
			must(r.Symbols.Set(ctx, instrument("okx", "A/USDT")))
			must(r.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: "f"}))
			halted := instrument("binance", "B/USDT")
			halted.Trading = false
			must(r.Symbols.Set(ctx, halted))
		case 3:
			must(r.Symbols.Delete(ctx, "binance", "A/USDT"))
		case 4:
			must(r.Venues.Delete(ctx, "binance"))
		}
		if len(got) == 5 {
			break
		}
	}
	if want := "[A/USDT true B/USDT true B/USDT false A/USDT gone B/USDT gone]"; fmt.Sprint(got) != want {
		t.Fatalf("got %v, want %s", got, want)
	}
	for _, err := range r.Symbols.Watch(ctx, "Binance") {
		if !errors.Is(err, domain.ErrInvalid) {
			t.Fatal(err)
		}
	}
}
