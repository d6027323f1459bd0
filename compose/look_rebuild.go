package compose

import (
	"context"

	"github.com/fullon/fullon/internal/console"
)

// chosen are the partitions that a command is about.
type chosen struct {
	Partition StreamNames `required:"" xor:"partitions" placeholder:"STREAM,…" help:"Partitions by the names of their streams; see 'fullon status'."`
	All       bool        `required:"" xor:"partitions" help:"All partitions of the deployment."`
}

// RebuildCommand is 'fullon rebuild'.
type RebuildCommand struct {
	chosen
	Confirm string `xor:"confirm" placeholder:"PREFIX" help:"What all keys of the deployment begin with, to confirm (fullon: unless configured). Without it nothing is done but say what would be lost."`
	Yes     bool   `xor:"confirm" help:"Confirm, for scripts."`
	Look
}

// Help implements kong.HelpProvider.
func (*RebuildCommand) Help() string {
	return "Projectors go on running, and one has to: it begins again with each of the partitions. " +
		"Until it has caught up, whoever reads them is told that they are being rebuilt (exit code 5). " +
		"What Redis still has of messages that the log has dropped is lost."
}

// Run has the partitions folded anew, and waits until they are.
func (c *RebuildCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		return k.Rebuild(ctx, c.Partition, c.Confirm, c.Yes)
	})
}
