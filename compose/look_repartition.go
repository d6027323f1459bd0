package compose

import (
	"context"
	"log/slog"
	"os"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/console"
)

// RepartitionCommand is 'fullon repartition'.
type RepartitionCommand struct {
	Partitions PartitionCount `required:"" placeholder:"N" help:"Partitions that the streams are to have, 1 to 256."`
	Stream     PartitionKinds `placeholder:"KIND,…" help:"Kinds of streams: ticks, trades, accounts; none: all three."`
	Confirm    string         `xor:"confirm" placeholder:"PREFIX" help:"What all keys of the deployment begin with, to confirm (fullon: unless configured). Without it nothing is done but say what would be."`
	Yes        bool           `xor:"confirm" help:"Confirm, for scripts."`
	Look
}

// Help implements kong.HelpProvider.
func (*RepartitionCommand) Help() string {
	return "Nothing can be stored in the streams until they are copied; orders go on. Redis is folded anew from the new streams: what it still has of " +
		"messages that the log has dropped is lost. A run that was interrupted is finished by the same command. Processes that run are refused " +
		"then with the reason: start them again, without --tick-partitions and its like or with the new counts. " +
		"For the time of the copy the log needs room for both."
}

// Run copies the streams into as many as are to be.
func (c *RepartitionCommand) Run() error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	servers, found := c.Servers.Located(c.Data)
	cfg := servers.Client()
	cfg.Log.Name, cfg.Log.Log = "fullon", slog.New(slog.DiscardHandler)
	cfg.Log.Layout = bus.Layout{} // what it is, the deployment tells
	log, err := bus.Connect(ctx, cfg.Log)
	if err != nil {
		return c.explain(err, found)
	}
	defer log.Close()
	store, err := cachestore.Connect(ctx, cfg.Redis)
	if err != nil {
		return c.explain(err, found)
	}
	defer func() { _ = store.Close() }()
	handle := client.New(log, store)
	defer handle.Close()
	k := console.Console{Client: handle, Printer: console.Printer{Out: os.Stdout, Err: os.Stderr, JSON: c.JSON}}
	forget := func(ctx context.Context, stream string) error { return store.Partition(stream).Erase(ctx) }
	return k.Repartition(ctx, log, int(c.Partitions), c.Stream, forget, c.Confirm, c.Yes)
}
