package binance_test

import (
	"testing"

	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
)

func TestTheContractOfVenues(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		r := newRig(t)
		return executiontest.Harness{
			Exchange: "binance", Account: "main", Spot: true,
			Venue:      func() execution.Venue { return r.venue() },
			Market:     r.market,
			Restart:    r.restart,
			Disconnect: func() { r.x.Drop() },
		}
	})
}
