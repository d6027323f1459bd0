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
