// Command processes shows who is alive: register, beat, ask for the health of
// all, send a message to all of a type.
package main

import (
	"context"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("processes",
		example.Step{Name: "register, beat, stop", Basic: true, Run: life},
		example.Step{Name: "system health", Run: health},
		example.Step{Name: "broadcast", Run: broadcast},
		example.Step{Name: "errors of a venue", Run: venueErrors},
	)
}

func register(ctx context.Context, c *client.Client) (*client.Registration, error) {
	return c.Processes.Register(ctx, domain.Process{
		Type: domain.ProcessBot, Component: "example", Interval: time.Second, Message: "warming up", Params: map[string]string{"symbol": "BTC/USDT"},
	})
}

func life(ctx context.Context, c *client.Client, say example.Say) error {
	me, err := register(ctx, c)
	if err != nil {
		return err
	}
	// A program lets me.Run(ctx, …) beat in the background instead.
	if err := me.Update(ctx, domain.ProcessChange{Status: domain.ProcessRunning, Message: "trades"}); err != nil {
		return err
	}
	p, err := c.Processes.Component(ctx, "example")
	if err != nil {
		return err
	}
	say("%s is %s (%s) and %s: %s", p.Component, p.Status, p.Message, p.Health, p.ID)
	active, err := c.Processes.Active(ctx, client.ProcessFilter{Type: domain.ProcessBot})
	if err != nil {
		return err
	}
	if err := example.Want(len(active) == 1 && p.Status == domain.ProcessRunning, "%+v", active); err != nil {
		return err
	}
	return me.Stop(ctx, "done")
}

func health(ctx context.Context, c *client.Client, say example.Say) error {
	me, err := register(ctx, c)
	if err != nil {
		return err
	}
	h, err := c.Processes.SystemHealth(ctx)
	if err != nil {
		return err
	}
	m, err := c.Processes.Metrics(ctx)
	if err != nil {
		return err
	}
	say("%d fresh, %d stale, %d dead; %d registrations so far", h.Fresh, h.Stale, h.Dead, m.Registered)
	if err := example.Want(h.OK() && h.Fresh > 0, "%+v", h); err != nil {
		return err
	}
	return me.Stop(ctx, "done")
}

func broadcast(ctx context.Context, c *client.Client, say example.Say) error {
	id, err := c.Processes.Broadcast(ctx, domain.Broadcast{Type: domain.ProcessBot, Text: "reduce", Data: map[string]string{"symbol": "BTC/USDT"}})
	if err != nil {
		return err
	}
	for message, err := range c.Processes.Subscribe(ctx, domain.ProcessBot, "0-0") { // from the oldest that is kept
		if err != nil {
			return err
		}
		say("%s: %s %v", message.ID, message.Text, message.Data)
		if message.ID == id {
			return nil
		}
	}
	return ctx.Err()
}

func venueErrors(ctx context.Context, c *client.Client, say example.Say) error {
	if err := c.VenueErrors.Push(ctx, "kraken", "EService:Unavailable"); err != nil {
		return err
	}
	e, err := c.VenueErrors.Pop(ctx, "kraken", time.Second)
	if err != nil {
		return err
	}
	say("%s said %q", e.Exchange, e.Text)
	return nil
}
