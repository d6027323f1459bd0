package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestProvisionMayBeRepeatedAndKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, small)
	pos := mustPublish(t, b, trade("BTC/USDT", 1))
	before := extent(t, b, pos.Stream)
	if err := b.Provision(t.Context(), bus.Plan{Retention: bus.Retention{Trades: 5 * time.Hour}}); err != nil {
		t.Fatal(err)
	}
	after := extent(t, b, pos.Stream)
	before.Keeps, before.Now = 5*time.Hour, after.Now
	if after != before {
		t.Fatalf("%+v became %+v", before, after)
	}
	s, err := raw(t, n.URL).Stream(t.Context(), pos.Stream)
	if err != nil {
		t.Fatal(err)
	}
	if cfg := s.CachedInfo().Config; cfg.MaxAge != 5*time.Hour || !cfg.DenyDelete || !cfg.DenyPurge {
		t.Fatalf("%+v", cfg)
	}
	if err := b.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestOtherPartitionCountsAreRefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, small)
	for _, layout := range []bus.Layout{{Ticks: 2, Trades: 3}, {Ticks: 1, Trades: 2}} {
		other := connect(t, n.URL, layout)
		for name, err := range map[string]error{
			"Bind": other.Bind(t.Context()), "Provision": other.Provision(t.Context(), bus.Plan{}),
		} {
			if !errors.Is(err, domain.ErrMismatch) {
				t.Errorf("%s with %+v: %v", name, layout, err)
			}
		}
	}
	if _, err := raw(t, n.URL).Stream(t.Context(), bus.TradeStream(2)); err == nil {
		t.Fatal("a refused layout created a stream")
	}
}

// Who goes on running with counts that the deployment does not have any more is
// told as soon as it looks at a stream.
func TestAStreamOfOtherCountsIsRefused(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, bus.Layout{Ticks: 3, Trades: 2, Accounts: 1})
	b := connect(t, n.URL, bus.Layout{Ticks: 2, Trades: 2, Accounts: 1})
	if _, err := b.Extent(t.Context(), bus.TickStream(0)); !errors.Is(err, domain.ErrMismatch) || !strings.Contains(err.Error(), "3 tick partitions") {
		t.Errorf("%v", err)
	}
	for _, stream := range []string{bus.TradeStream(0), bus.AccountStream(0), bus.CatalogueStream, bus.OrderStream("kraken")} {
		if _, err := b.Extent(t.Context(), stream); err != nil {
			t.Errorf("%s: %v", stream, err)
		}
	}
}

// A deployment that lost some of its streams still has its counts.
func TestHalfADeploymentRefusesOtherCountsToo(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Bus(t, small)
	js := raw(t, n.URL)
	for p := range small.Ticks {
		if err := js.DeleteStream(t.Context(), bus.TickStream(p)); err != nil {
			t.Fatal(err)
		}
	}
	other := connect(t, n.URL, bus.Layout{Ticks: 2, Trades: 3})
	if err := other.Provision(t.Context(), bus.Plan{}); !errors.Is(err, domain.ErrMismatch) {
		t.Fatalf("got %v", err)
	}
	same := connect(t, n.URL, small)
	if err := same.Bind(t.Context()); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if err := same.Provision(t.Context(), bus.Plan{}); err != nil {
		t.Fatal(err)
	}
	if err := same.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestBindSaysThatTheDeploymentIsNotProvisioned(t *testing.T) {
	t.Parallel()
	b := connect(t, testserver.NewNATS(t).URL, small)
	err := b.Bind(t.Context())
	if !errors.Is(err, domain.ErrNotFound) || !strings.Contains(err.Error(), "fullon provision") {
		t.Fatalf("got %v", err)
	}
	if _, err := b.Extent(t.Context(), bus.TickStream(0)); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
}

func TestConnectTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	n.Stop()
	if _, err := bus.Connect(t.Context(), bus.Config{URL: n.URL, Log: testserver.Quiet()}); !errors.Is(err, domain.ErrUnreachable) {
		t.Fatalf("nobody there: %v", err)
	}
	_, err := bus.Connect(t.Context(), bus.Config{URL: n.URL, Layout: bus.Layout{Ticks: 1000}, Log: testserver.Quiet()})
	var fe *domain.FieldError
	if !errors.As(err, &fe) || fe.Field != "tick partitions" {
		t.Fatalf("impossible layout: %v", err)
	}
}

func TestALogThatIsAwayIsUnreachableAndComesBackByItself(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	b := n.Bus(t, one)
	if rtt, err := b.Ping(t.Context()); err != nil || rtt <= 0 {
		t.Fatalf("%v %v", rtt, err)
	}
	pos := mustPublish(t, b, trade("BTC/USDT", 1))
	n.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), impatient)
	defer cancel()
	for what, call := range map[string]func() error{
		"Ping":      func() error { _, err := b.Ping(ctx); return err },
		"Publish":   func() error { _, err := b.Publish(ctx, trade("BTC/USDT", 2)); return err },
		"Extent":    func() error { _, err := b.Extent(ctx, pos.Stream); return err },
		"TimeOf":    func() error { _, err := b.TimeOf(ctx, pos.Stream, 1); return err },
		"LastTrade": func() error { _, err := b.LastTrade(ctx, "binance", "BTC/USDT"); return err },
		"Bind":      func() error { return b.Bind(ctx) },
		"Provision": func() error { return b.Provision(ctx, bus.Plan{}) },
		"DeadLetter": func() error {
			return b.DeadLetter(ctx, pos.Stream, domain.Record{Seq: 1}, fmt.Errorf("why"))
		},
	} {
		if err := call(); !errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	n.Start()
	eventually(t, "the log is back", func() bool { _, err := b.Ping(t.Context()); return err == nil })
	if last, err := b.LastTrade(t.Context(), "binance", "BTC/USDT"); err != nil || last.ID != "1" || last.Sequence != pos.Seq {
		t.Fatalf("%+v %v", last, err)
	}
}
