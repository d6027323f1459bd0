package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/sim/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestManualWakesWaitersWhenTheirTimeHasCome(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := clock.NewManual(start)
	woken := make(chan error, 1)
	go func() { woken <- c.Wait(context.Background(), start.Add(2*time.Second)) }()
	c.Advance(time.Second)
	select {
	case err := <-woken:
		t.Fatalf("woken a second early: %v", err)
	default:
	}
	c.Advance(time.Second)
	if err := <-woken; err != nil {
		t.Fatal(err)
	}
	if got := c.Now().Sub(start); got != 2*time.Second {
		t.Fatalf("moved by %v", got)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]clock.Clock{"system": clock.System(), "manual": clock.NewManual(time.Now())} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := c.Wait(ctx, c.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
