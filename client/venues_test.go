package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

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
