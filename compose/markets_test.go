package compose

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// Ticks are read together, and one that cannot be read keeps nobody from the
// others.
func TestTicksThatCannotBeReadKeepNobodyFromTheOthers(t *testing.T) {
	t.Parallel()
	log := testserver.NewNATS(t).Bus(t, bus.Layout{Ticks: 2})
	store := testserver.SharedStore(t)
	c := client.New(log, store)
	t.Cleanup(c.Close)
	folding, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	p := projector.New(projector.Config{TickStreams: log.Layout().TickStreams(), Log: testserver.Quiet()}, projectorLog{log}, store)
	go func() { done <- p.Run(folding) }()
	t.Cleanup(func() { stop(); <-done })
	now := time.Now()
	for symbol, received := range map[string]time.Time{"BTC/USDT": now, "ETH/USDT": now.Add(-time.Hour)} {
		pos, err := c.Ticks.Set(t.Context(), domain.Tick{
			Exchange: "kraken", Symbol: symbol, Time: received, Received: received, Bid: domain.MustDecimal("1"), Ask: domain.MustDecimal("2"),
		})
		if err == nil {
			err = c.Wait(t.Context(), pos)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m := newMarkets(c, log)
	known := func(ticks []domain.Tick, errs []error) {
		t.Helper()
		for i, symbol := range []string{"BTC/USDT", "ETH/USDT", ""} {
			if errs[i] != nil || ticks[i].Symbol != symbol {
				t.Errorf("tick %d: %v, %v, want one of %q", i, ticks[i], errs[i], symbol)
			}
		}
	}
	known(m.Ticks(t.Context(), "kraken", []string{"BTC/USDT", "ETH/USDT", "XRP/USDT"}))
	ticks, errs := m.Ticks(t.Context(), "kraken", []string{"BTC/USDT", "ETH/USDT", "XRP/USDT", "nonsense"})
	known(ticks, errs)
	if !errors.Is(errs[3], domain.ErrInvalid) {
		t.Errorf("tick of nonsense: %v", errs[3])
	}
}
