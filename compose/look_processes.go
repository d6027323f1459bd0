package compose

import (
	"context"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// ProcessType is a type of process.
type ProcessType string

// UnmarshalText reads the name of a type.
func (t *ProcessType) UnmarshalText(text []byte) error {
	*t = ProcessType(text)
	_, err := domain.ParseProcessType(string(text))
	return err
}

// ProcessID names a process.
type ProcessID string

// UnmarshalText reads the id of a process.
func (id *ProcessID) UnmarshalText(text []byte) error {
	*id = ProcessID(text)
	return domain.CheckProcessID(string(text))
}

// BroadcastID is a place among the messages to a type.
type BroadcastID string

// UnmarshalText reads the id of a message.
func (id *BroadcastID) UnmarshalText(text []byte) error {
	*id = BroadcastID(text)
	return cachestore.CheckBroadcastID(string(text))
}

// ErrorLimit bounds a list of errors.
type ErrorLimit int

// UnmarshalText reads a limit.
func (c *ErrorLimit) UnmarshalText(text []byte) error {
	return number(c, text, 1, cachestore.VenueErrorCap, "a whole number")
}

// DeleteCommand is 'fullon delete'.
type DeleteCommand struct {
	Ticker  DeleteTickerCommand  `cmd:"" help:"Remove a market's tick, or all of an exchange."`
	Process DeleteProcessCommand `cmd:"" help:"Forget a process, or all that are dead."`

	Position DeletePositionCommand `cmd:"" help:"Say that an account is flat in a symbol."`
	Venue    DeleteVenueCommand    `cmd:"" help:"Remove an exchange from the catalogue, with its symbols."`
	Symbol   DeleteSymbolCommand   `cmd:"" help:"Remove a symbol from the catalogue."`
	Bot      DeleteBotCommand      `cmd:"" help:"Forget what a bot says, of a feed or of all."`
}

// ProcessesCommand is 'fullon get processes'.
type ProcessesCommand struct {
	Type      ProcessType `placeholder:"TYPE" help:"Only those of a type: ingest, projector, orderworker, gateway, bot or other."`
	Component string      `placeholder:"NAME" help:"Only those of a component."`
	Since     Period      `placeholder:"5m" help:"Only those with a heartbeat within it."`
	All       bool        `help:"Also those that have stopped."`
	Look
}

// Run prints the processes.
func (c *ProcessesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Processes(ctx, client.ProcessFilter{
			Type: domain.ProcessType(c.Type), Component: c.Component, Since: time.Duration(c.Since), Stopped: c.All,
		})
	})
}

// ProcessCommand is 'fullon get process'.
type ProcessCommand struct {
	ID ProcessID `arg:"" name:"id" help:"Id of the process; 'fullon get processes' lists them."`
	Look
}

// Run prints the process.
func (c *ProcessCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Process(ctx, string(c.ID)) })
}

// HealthCommand is 'fullon get health'.
type HealthCommand struct{ Look }

// Run prints how everything is.
func (c *HealthCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Health(ctx) })
}

// VenueErrorsCommand is 'fullon get errors'.
type VenueErrorsCommand struct {
	Exchange Exchange   `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Limit    ErrorLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the errors.
func (c *VenueErrorsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.VenueErrors(ctx, string(c.Exchange), int(c.Limit))
	})
}

// WatchBroadcastsCommand is 'fullon watch broadcasts'.
type WatchBroadcastsCommand struct {
	Type  ProcessType `arg:"" help:"Type of processes: ingest, projector, orderworker, gateway, bot or other."`
	After BroadcastID `placeholder:"ID" help:"Begin behind this message; 0-0 for all that are kept (default: from now on)."`
	Look
}

// Run prints messages until a signal ends it.
func (c *WatchBroadcastsCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		return k.WatchBroadcasts(ctx, domain.ProcessType(c.Type), string(c.After))
	})
}

// DeleteProcessCommand is 'fullon delete process'.
type DeleteProcessCommand struct {
	ID   ProcessID `arg:"" optional:"" name:"id" help:"Id of the process; one that runs registers again."`
	Dead bool      `help:"All that have stopped or are dead."`
	Look
}

// Run forgets processes.
func (c *DeleteProcessCommand) Run() error {
	if (c.ID != "") == c.Dead {
		return usageError{"want the id of a process or --dead (see 'fullon delete process --help')"}
	}
	return c.with(true, func(ctx context.Context, k console.Console) error {
		if c.Dead {
			return k.DeleteDeadProcesses(ctx)
		}
		return k.DeleteProcess(ctx, string(c.ID))
	})
}

// BroadcastCommand is 'fullon broadcast'.
type BroadcastCommand struct {
	Type ProcessType `arg:"" help:"Type of processes: ingest, projector, orderworker, gateway, bot or other."`
	Text string      `arg:"" help:"What to tell them."`
	Look
}

// Run sends the message.
func (c *BroadcastCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Broadcast(ctx, domain.ProcessType(c.Type), c.Text)
	})
}

// ClearCommand is 'fullon clear'.
type ClearCommand struct {
	Confirm string `required:"" placeholder:"PREFIX" help:"What all keys of the deployment begin with, to confirm (fullon: unless configured)."`
	Look
}

// Help implements kong.HelpProvider.
func (*ClearCommand) Help() string {
	return "Only what begins with the prefix is deleted. The log is not touched: what is folded from it comes back."
}

// Run clears.
func (c *ClearCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error { return k.Clear(ctx, c.Confirm) })
}
