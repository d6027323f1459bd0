package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// What can never be stored is not waited for: from the moment at which streams are
// sealed to be repartitioned, and when they are gone, publishers that are told to
// end say at once what they have left, however much time they are given.
func TestPublishersDoNotWaitForStreamsThatAreRepartitioned(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 2, 10)
	old := bound(t, n.URL)
	told, end := context.WithCancel(t.Context())
	end()
	check := func(when, kind string) {
		if kind != "trades" {
			ticks, err := old.NewTickPublisher()
			if err == nil {
				err = ticks.Publish(tick("C1/USDT", 1))
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := ticks.Run(told, time.Hour); !errors.Is(err, domain.ErrMismatch) {
				t.Errorf("ticks %s: %v", when, err)
			}
		}
		if kind != "ticks" {
			trades := old.NewOrderedPublisher(10)
			if err := trades.Publish(trade("C1/USDT", 1)); err != nil {
				t.Fatal(err)
			}
			if err := trades.Run(told, time.Hour); !errors.Is(err, domain.ErrMismatch) {
				t.Errorf("trades %s: %v", when, err)
			}
		}
	}
	moves, err := b.PlanRepartition(t.Context(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed := 0
	err = b.Repartition(t.Context(), moves, forgetNothing, func(step bus.RepartitionStep) {
		if step.Doing == "create" && step.Kind != "accounts" {
			sealed++
			check("that are sealed", step.Kind)
		}
	})
	if err != nil || sealed != 2 {
		t.Fatalf("%v, sealed %d", err, sealed)
	}
	check("that are gone", "")
	// Where all is well they wait, and store what they have.
	fresh := bound(t, n.URL)
	trades := fresh.NewOrderedPublisher(10)
	if err := trades.Publish(trade("C1/USDT", 1)); err != nil {
		t.Fatal(err)
	}
	if err := trades.Run(told, time.Hour); err != nil || trades.Stats().Acked != 1 {
		t.Errorf("%v, %+v", err, trades.Stats())
	}
}

// Whoever keeps servers for a repartition knows when it is over, and what one that
// was killed has left.
func TestTheEndOfARepartitionAndWhatItHasLeftAreKnown(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := filled(t, n.URL, 2, 10)
	if err := b.AwaitRepartition(t.Context()); err != nil {
		t.Fatal(err)
	}
	moves, err := b.PlanRepartition(t.Context(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error, 1)
	err = b.Repartition(ctx, moves, forgetNothing, func(step bus.RepartitionStep) {
		switch {
		case step.Kind == "ticks" && step.Doing == "create":
			go func() { over <- b.AwaitRepartition(context.Background()) }()
		case step.Kind == "trades" && step.Doing == "create":
			select {
			case err := <-over:
				t.Errorf("it is not over: %v", err)
			default:
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
	left, err := b.Unfinished(t.Context())
	if err != nil || len(left) != 1 || left[0].Kind != "trades" || left[0].To != 3 || !left[0].Begun {
		t.Fatalf("%+v %v", left, err)
	}
	if err := b.Repartition(t.Context(), left, forgetNothing, unheard); err != nil {
		t.Fatal(err)
	}
	if left, err := b.Unfinished(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%+v %v", left, err)
	}
	if l := bound(t, n.URL).Layout(); l.Ticks != 3 || l.Trades != 3 || l.Accounts != 2 {
		t.Errorf("%+v", l)
	}
}
