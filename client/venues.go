package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// Venues is the exchanges of the catalogue: which there are and what they let
// their customers do. Any name is as good as any other; none is built in.
//
// Writes block until the log acknowledged; their errors match
// domain.ErrInvalid, when nothing was stored, or domain.ErrUnreachable, when it
// may have been: then write the same again. Everything can be read by all, so
// parameters with the name of a secret are refused, and credentials that are
// recognised as such are taken out of the others.
//
// Reads match domain.ErrInvalid, domain.ErrNotFound, domain.ErrUnreachable, or
// domain.ErrUnknown for what cannot be read and while Redis is being folded
// anew, after having waited for it for two seconds.
type Venues struct{ client *Client }

// Set stores a venue as a whole. A zero Time is now. It is stored under the
// condition that nothing was stored of the venue since that was looked at, and
// tried again otherwise: so the symbols that went with an earlier deletion stay
// away.
func (v *Venues) Set(ctx context.Context, venue domain.Venue) (domain.LogPosition, error) {
	venue.Params = cleanParams(venue.Params)
	if venue.Time.IsZero() {
		venue.Time = time.Now()
	}
	if err := venue.Validate(); err != nil {
		return domain.LogPosition{}, err
	}
	for {
		event, last, _, err := v.client.log.Last(ctx, venue.Key())
		if err != nil && last == 0 && !errors.Is(err, domain.ErrNotFound) {
			return domain.LogPosition{}, err
		}
		switch before := event.(type) {
		case domain.VenueDeleted:
			venue.Emptied = last
		case domain.Venue:
			venue.Emptied = before.Emptied
		default: // nothing, or nothing that can be read
			venue.Emptied = 0
		}
		pos, err := v.client.log.Commit(ctx, bus.Change{Event: venue, Last: last})
		if !errors.Is(err, domain.ErrConflict) {
			return pos, err
		}
		if ctx.Err() != nil {
			return domain.LogPosition{}, fmt.Errorf("venue %s: %w", venue.Name, ctx.Err())
		}
	}
}

// Delete takes a venue out of the catalogue with all symbols that it has by
// then, all at once. Symbols that are stored later stay.
func (v *Venues) Delete(ctx context.Context, name string) (domain.LogPosition, error) {
	return v.client.log.Publish(ctx, domain.VenueDeleted{Name: name})
}

// Get reads a venue.
func (v *Venues) Get(ctx context.Context, name string) (domain.Venue, error) {
	var venue domain.Venue
	if err := domain.CheckExchange(name); err != nil {
		return venue, err
	}
	p, found := v.client.catalogue, false
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		venue, found, at, err = p.Venue(ctx, name)
		return at, err
	})
	if err == nil && !found {
		err = fmt.Errorf("venue %s: %w", name, domain.ErrNotFound)
	}
	if err != nil {
		return domain.Venue{}, err
	}
	return venue, nil
}

// List reads all venues, by name. None is an empty result.
func (v *Venues) List(ctx context.Context) ([]domain.Venue, error) {
	var venues []domain.Venue
	p := v.client.catalogue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		venues, at, err = p.Venues(ctx)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(venues, func(a, b domain.Venue) int { return cmp.Compare(a.Name, b.Name) })
	return venues, nil
}
