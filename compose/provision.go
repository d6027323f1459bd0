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
	Servers        `group:"Servers (default: those of a running 'fullon up', else nats://127.0.0.1:4222):"`
	Replicas       ReplicaCount `group:"Streams:" env:"FULLON_REPLICAS" default:"1" help:"Copies of each stream in a cluster."`
	TickRetention  Period       `group:"Streams:" env:"FULLON_TICK_RETENTION" default:"1h" help:"How long ticks are kept."`
	TradeRetention Period       `group:"Streams:" env:"FULLON_TRADE_RETENTION" default:"48h" help:"How long trades are kept: longer than the worst outage."`
	Logging        `group:"Looking in:"`
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
	retention := bus.Retention{Ticks: time.Duration(c.TickRetention), Trades: time.Duration(c.TradeRetention)}
	if err := b.Provision(ctx, retention, int(c.Replicas)); err != nil {
		return err
	}
	layout := b.Layout()
	_, err = fmt.Fprintf(os.Stdout, "provisioned: %d partitions of ticks, %d of trades, %d replicas\n", layout.Ticks, layout.Trades, c.Replicas)
	return err
}
