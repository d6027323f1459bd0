package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
)

// VenueFeed is what is followed of a venue, and by whom.
type VenueFeed struct {
	Exchange string
	Symbols  []string         // that are to be followed, sorted
	Active   domain.Holder    // who follows it; without an ID: nobody does
	Standby  []domain.Process // who would take over
}

// silentHolder is how old the last word of who follows a venue may be: somebody
// who could would have taken over.
const silentHolder = 5 * time.Second

// Alive tells whether somebody follows the venue.
func (f VenueFeed) Alive() bool { return f.Active.ID != "" && f.Active.Age < silentHolder }

// Feed reads what is followed of a venue. The error matches domain.ErrNotFound
// when nobody has said, nor follows it, or domain.ErrUnreachable.
func (c *Client) Feed(ctx context.Context, exchange string) (VenueFeed, error) {
	feeds, err := c.log.Feeds(ctx)
	if err != nil {
		return VenueFeed{}, err
	}
	feed := VenueFeed{Exchange: exchange}
	var unsaid, unheld error
	if feed.Symbols, unsaid = feeds.Wanted(ctx, exchange); unsaid != nil && !errors.Is(unsaid, domain.ErrNotFound) {
		return VenueFeed{}, unsaid
	}
	if feed.Active, unheld = feeds.Holder(ctx, exchange); unheld != nil && !errors.Is(unheld, domain.ErrNotFound) {
		return VenueFeed{}, unheld
	}
	if unsaid != nil && unheld != nil {
		return VenueFeed{}, unsaid
	}
	processes, err := c.Processes.Active(ctx, ProcessFilter{Type: domain.ProcessIngest, Component: exchange, Since: silentHolder})
	if err != nil {
		return VenueFeed{}, err
	}
	for _, p := range processes {
		if p.ID != feed.Active.ID {
			feed.Standby = append(feed.Standby, p)
		}
	}
	return feed, nil
}

// Subscribe adds symbols to those that are followed of a venue, and returns all of
// them. The ingest process that follows the venue does so within about a second,
// whichever runs later begins with them. Each must be one of the catalogue's. The
// error matches domain.ErrInvalid, domain.ErrUnreachable or domain.ErrUnknown.
func (c *Client) Subscribe(ctx context.Context, exchange string, symbols ...string) ([]string, error) {
	listed, err := c.Symbols.List(ctx, exchange)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return nil, err
	}
	names := make([]string, len(listed))
	for i, s := range listed {
		names[i] = s.Name
	}
	for _, symbol := range symbols {
		if len(names) > 0 && !slices.Contains(names, symbol) {
			return nil, domain.Invalid("symbol", symbol, "a symbol of "+exchange+likeIt(symbol, names)+"; see 'fullon get symbols "+exchange+"'")
		}
	}
	return c.changeWanted(ctx, exchange, func(now []string) ([]string, error) { return append(now, symbols...), nil })
}

// likeIt names some symbols that somebody may have meant.
func likeIt(symbol string, names []string) string {
	base, quote, _ := strings.Cut(symbol, "/")
	var near []string
	for _, sameBase := range [...]bool{true, false} {
		for _, name := range names {
			its, rest, _ := strings.Cut(name, "/")
			if (sameBase && its == base || !sameBase && rest == quote) && len(near) < 3 && !slices.Contains(near, name) {
				near = append(near, name)
			}
		}
	}
	if len(near) == 0 {
		near = names[:min(3, len(names))]
	}
	return ", like " + strings.Join(near, ", ")
}

// Unsubscribe removes symbols from those that are followed of a venue, and
// returns the others. Their ticks are removed; trades and candles stay. At least
// one symbol has to remain. The error matches domain.ErrInvalid or
// domain.ErrUnreachable.
func (c *Client) Unsubscribe(ctx context.Context, exchange string, symbols ...string) ([]string, error) {
	rest, err := c.changeWanted(ctx, exchange, func(now []string) ([]string, error) {
		for _, symbol := range symbols {
			if !slices.Contains(now, symbol) {
				return nil, domain.Invalid("symbol", symbol, "one that is followed: "+domain.Shorten(strings.Join(now, ", "), 200))
			}
		}
		rest := slices.DeleteFunc(now, func(symbol string) bool { return slices.Contains(symbols, symbol) })
		if len(rest) == 0 {
			return nil, domain.Invalid("symbol", strings.Join(symbols, ","), "not all that are followed: to follow nothing, stop the ingest of "+exchange)
		}
		return rest, nil
	})
	if err != nil {
		return nil, err
	}
	// Nobody else removes them while no ingest runs.
	for _, symbol := range symbols {
		if _, err := c.log.Publish(ctx, domain.TickDeleted{Exchange: exchange, Symbol: symbol}); err != nil {
			return rest, err
		}
	}
	return rest, nil
}

func (c *Client) changeWanted(ctx context.Context, exchange string, change func([]string) ([]string, error)) ([]string, error) {
	feeds, err := c.log.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	return feeds.ChangeWanted(ctx, exchange, change)
}
