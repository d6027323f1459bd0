package testserver_test

import (
	"os"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) {
	code := m.Run()
	testserver.Shutdown()
	os.Exit(code)
}

func TestANATSClusterKeepsWhatItAcknowledgedWhenTheLeaderIsKilled(t *testing.T) {
	t.Parallel()
	c := testserver.NewNATSCluster(t)
	b := c.Bus(t, bus.Layout{Ticks: 1, Trades: 1, Accounts: 1})
	_, err := b.Publish(t.Context(), domain.Trade{
		Exchange: "binance", Symbol: "BTC/USDT", ID: "1", Side: domain.Buy,
		Price: domain.MustDecimal("1"), Volume: domain.MustDecimal("1"), Time: time.Now(), Received: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	stream := bus.TradeStream(0)
	first := c.Leader(stream)
	c.Kill(first)
	second := c.Leader(stream)
	if second == first {
		t.Fatal("the dead node still leads")
	}
	last, err := b.LastTrade(t.Context(), "binance", "BTC/USDT")
	if err != nil || last.ID != "1" {
		t.Fatalf("%+v (%v)", last, err)
	}
	c.Start(first)
	c.Serving()
	c.Pause(second)
	for deadline := time.Now().Add(time.Minute); c.Leader(stream) == second; { // a signal takes a moment to stop all threads
		if time.Now().After(deadline) {
			t.Fatal("the paused node still leads")
		}
	}
	c.Resume(second)
	c.Serving()
}
