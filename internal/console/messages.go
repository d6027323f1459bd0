package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

const messageTime = "2006-01-02 15:04:05.000"

// Broadcast sends a message to all processes of a type and prints its id.
func (c Console) Broadcast(ctx context.Context, t domain.ProcessType, text string) error {
	id, err := c.Client.Processes.Broadcast(ctx, domain.Broadcast{Type: t, Text: text})
	if err != nil {
		return err
	}
	if c.Printer.JSON {
		return c.Printer.object(struct {
			ID string `json:"id"`
		}{id})
	}
	_, err = fmt.Fprintln(c.Printer.Out, id)
	return err
}

// WatchBroadcasts prints the messages to a type that follow the one with the id
// after, or with "" those that come from now on, until ctx ends.
func (c Console) WatchBroadcasts(ctx context.Context, t domain.ProcessType, after string) error {
	away := false
	for message, err := range c.Client.Processes.Subscribe(ctx, t, after) {
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			if !away { // said once an outage
				c.Printer.remark("-- Redis is away, this goes on when it is back --")
			}
			away = true
			continue
		case errors.Is(err, domain.ErrLagged):
			c.Printer.remark("-- messages may have been missed --")
			continue
		case err != nil:
			return err
		}
		if away {
			c.Printer.remark("-- Redis is back --")
		}
		away = false
		if c.Printer.JSON {
			err = c.Printer.object(viewBroadcast(message))
		} else {
			_, err = fmt.Fprintf(c.Printer.Out, "%s  %s  %s\n", message.Time.Format(messageTime), message.ID, oneLine(message.Text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var venueErrorColumns = []table.Column{{Title: "TIME"}, {Title: "ERROR"}}

// VenueErrors prints the newest errors of a venue, oldest first. The error
// matches domain.ErrNotFound when there is none.
func (c Console) VenueErrors(ctx context.Context, exchange string, limit int) error {
	reports, err := c.Client.VenueErrors.List(ctx, exchange, limit)
	if err != nil {
		return err
	}
	if len(reports) == 0 {
		return fmt.Errorf("errors of %s: %w", exchange, domain.ErrNotFound)
	}
	return list(c.Printer, reports, func(e domain.VenueError) any { return viewVenueError(e) }, venueErrorColumns,
		func(e domain.VenueError) []string { return []string{e.Time.Format(messageTime), oneLine(e.Text)} })
}
