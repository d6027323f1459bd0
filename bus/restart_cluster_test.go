package bus_test

import (
	"errors"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A process that begins while a cluster is starting again waits or says that the
// log is away, but not that the deployment is not there. Of a cluster that really
// has none it says so.
func TestWhoConnectsToAClusterThatStartsAgainIsNotToldThatNothingIsThere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	c := testserver.NewNATSCluster(t)
	if err := connect(t, c.URL, bus.Layout{}).Bind(t.Context()); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("before it is provisioned: %v", err)
	}
	c.Bus(t, bus.Layout{Ticks: 8, Trades: 8, Accounts: 8})
	for range 3 {
		for i := range 3 {
			c.Kill(i)
		}
		for i := range 3 {
			c.Start(i)
		}
		eventually(t, "a process that begins has the deployment's layout", func() bool {
			b, err := bus.Connect(t.Context(), bus.Config{URL: c.URL, Log: testserver.Quiet()})
			if err != nil {
				return false
			}
			defer b.Close()
			if err = b.Bind(t.Context()); err != nil && !errors.Is(err, domain.ErrUnreachable) {
				t.Errorf("told %v", err)
			}
			return err == nil && b.Layout().Ticks == 8
		})
	}
}
