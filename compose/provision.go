package compose

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fullon/fullon/bus"
)

// ProvisionCommand creates a deployment's streams.
type ProvisionCommand struct {
	Servers          `group:"Servers (default: those of a running 'fullon up', else nats://127.0.0.1:4222):"`
	Replicas         ReplicaCount `group:"Streams:" env:"FULLON_REPLICAS" default:"1" help:"Copies of each stream in a cluster."`
	TickRetention    Period       `group:"Streams:" env:"FULLON_TICK_RETENTION" default:"1h" help:"How long ticks are kept."`
	TradeRetention   Period       `group:"Streams:" env:"FULLON_TRADE_RETENTION" default:"48h" help:"How long trades are kept: longer than the worst outage."`
	AccountRetention Period       `group:"Streams:" env:"FULLON_ACCOUNT_RETENTION" default:"168h" help:"How long balances, positions and fills are kept; what is still valid is stored again before that."`
	Logging          `group:"Looking in:"`
}

// Run provisions; it may be repeated.
func (c *ProvisionCommand) Run() error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	servers, _ := c.Located("")
	b, err := bus.Connect(ctx, servers.Log())
	if err != nil {
		return err
	}
	defer b.Close()
	retention := bus.Retention{Ticks: time.Duration(c.TickRetention), Trades: time.Duration(c.TradeRetention), Accounts: time.Duration(c.AccountRetention)}
	if err := b.Provision(ctx, retention, int(c.Replicas)); err != nil {
		return err
	}
	layout := b.Layout()
	_, err = fmt.Fprintf(os.Stdout, "provisioned: %d partitions of ticks, %d of trades, %d of accounts, %d replicas\n",
		layout.Ticks, layout.Trades, layout.Accounts, c.Replicas)
	return err
}
