package compose

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/fullon/fullon/bus"
)

// ProvisionCommand creates a deployment's streams.
type ProvisionCommand struct {
	Replicas         ReplicaCount `group:"Streams:" env:"FULLON_REPLICAS" default:"1" help:"Copies of each stream in a cluster."`
	TickRetention    Period       `group:"Streams:" env:"FULLON_TICK_RETENTION" default:"1h" help:"How long ticks are kept."`
	TradeRetention   Period       `group:"Streams:" env:"FULLON_TRADE_RETENTION" default:"48h" help:"How long trades are kept: longer than the worst outage."`
	AccountRetention Period       `group:"Streams:" env:"FULLON_ACCOUNT_RETENTION" default:"168h" help:"How long balances, positions and fills are kept; what is still valid is stored again before that."`
	OrderRetention   Period       `group:"Streams:" env:"FULLON_ORDER_RETENTION" default:"720h" help:"How long orders, blocks and halts are kept; what is still open is stored again before that."`
	Exchanges        Exchanges    `group:"Streams:" env:"FULLON_EXCHANGES" placeholder:"A,B" help:"Exchanges that orders can be stored for, beside those that have a stream (default: binance,bybit,coinbase,kraken,okx)."`
	Logging          `group:"Looking in:"`
}

// Run provisions; it may be repeated.
func (c *ProvisionCommand) Run(servers Servers) error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	servers, _ = servers.Located("")
	b, err := bus.Connect(ctx, servers.Log())
	if err != nil {
		return err
	}
	defer b.Close()
	plan := bus.Plan{
		Retention: bus.Retention{
			Ticks: time.Duration(c.TickRetention), Trades: time.Duration(c.TradeRetention),
			Accounts: time.Duration(c.AccountRetention), Orders: time.Duration(c.OrderRetention),
		},
		Replicas: int(c.Replicas), Exchanges: c.Exchanges,
	}
	if err := b.Provision(ctx, plan); err != nil {
		return err
	}
	exchanges, err := b.Exchanges(ctx)
	if err != nil {
		return err
	}
	layout := b.Layout()
	_, err = fmt.Fprintf(os.Stdout, "provisioned: %d partitions of ticks, %d of trades, %d of accounts, orders of %s, %d replicas\n",
		layout.Ticks, layout.Trades, layout.Accounts, strings.Join(exchanges, ", "), c.Replicas)
	return err
}
