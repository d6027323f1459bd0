package compose

import (
	"context"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
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
	return c.withServers(false, func(ctx context.Context, log *bus.Bus, store *cachestore.Store, k console.Console) error {
		forget := func(ctx context.Context, stream string) error { return store.Partition(stream).Erase(ctx) }
		return k.Repartition(ctx, log, int(c.Partitions), c.Stream, forget, c.Confirm, c.Yes)
	})
}
