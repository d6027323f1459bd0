package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// VenueErrorCap is how many errors of a venue are kept.
const VenueErrorCap = 1000

var (
	//go:embed scripts/venue_errors_pop.lua
	popErrorSource string
	popErrorScript = newScript(popErrorSource)
)

// VenueErrors is the list of what went wrong with each venue, newest
// VenueErrorCap. Its methods are safe for concurrent use. Their errors match
// domain.ErrUnreachable, or domain.ErrUnknown for what is stored and cannot be
// read.
type VenueErrors struct {
	store *Store
	tag   string
}

// VenueErrors names the lists. It does no input or output.
func (s *Store) VenueErrors() *VenueErrors {
	return &VenueErrors{store: s, tag: s.tag(venueErrorsTag)}
}

// Push appends a valid report; past VenueErrorCap the oldest is dropped.
func (v *VenueErrors) Push(ctx context.Context, report domain.VenueError) error {
	_, err := v.store.addMessage(ctx, v.key(report.Exchange), VenueErrorCap, wire.EncodeVenueError(report))
	return err
}

// Pop takes the oldest report out of a venue's list. The error matches
// domain.ErrNotFound when there is none. An answer that is lost takes its report
// with it.
func (v *VenueErrors) Pop(ctx context.Context, exchange string) (domain.VenueError, error) {
	key := v.key(exchange)
	reply, err := popErrorScript.Run(ctx, v.store.rdb, []string{key}).Slice()
	if err != nil {
		return domain.VenueError{}, v.store.failed(ctx, "pop from "+key, err)
	}
	if len(reply) != 2 {
		return domain.VenueError{}, fmt.Errorf("errors of %s: %w", exchange, domain.ErrNotFound)
	}
	entry := redis.XMessage{Values: make(map[string]any)}
	entry.ID, _ = reply[0].(string)
	for name, value := range pairs(reply[1]) {
		entry.Values[name] = value
	}
	return v.read(exchange, entry)
}

// Wait blocks until a venue has a report, or for at most timeout. It holds one
// connection meanwhile.
func (v *VenueErrors) Wait(ctx context.Context, exchange string, timeout time.Duration) error {
	return v.store.waitMessages(ctx, v.key(exchange), beforeAll, timeout)
}

// List reads the newest limit reports of a venue, oldest first, and takes
// nothing away.
func (v *VenueErrors) List(ctx context.Context, exchange string, limit int) ([]domain.VenueError, error) {
	key := v.key(exchange)
	entries, err := v.store.rdb.XRevRangeN(ctx, key, "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, v.store.failed(ctx, "read "+key, err)
	}
	slices.Reverse(entries)
	out := make([]domain.VenueError, len(entries))
	for i, entry := range entries {
		if out[i], err = v.read(exchange, entry); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (v *VenueErrors) read(exchange string, entry redis.XMessage) (domain.VenueError, error) {
	report, at, err := decodeMessage(v.key(exchange), entry, func(data []byte) (domain.VenueError, error) {
		return wire.DecodeVenueError(exchange, data)
	})
	report.Time = at
	return report, err
}
