package client

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// StreamStatus is one partition: what the log holds and what Redis reflects.
type StreamStatus struct {
	Stream     string
	Begin      uint64    // sequence that the log began with; 1 unless the deployment was repartitioned
	First      uint64    // sequence of the oldest message in the log
	Since      time.Time // when the log stored that one; zero: it holds none
	Last       uint64    // sequence of the newest one
	Bytes      uint64    // size in the log
	Checkpoint uint64    // sequence up to which Redis reflects the stream
	Lag        uint64    // messages that Redis does not reflect yet
	// Behind is how long the oldest of those has been in the log, by the log's
	// clock.
	Behind time.Duration
	// RetentionUsed is how near the log is to dropping what Redis does not reflect
	// yet: see domain.Extent. From domain.RetentionAlarm on somebody has to act.
	RetentionUsed float64
	Epoch         uint64 // the rebuild that the projection descends from, unix ms; zero: never projected
}

// Status asks how each partition is doing. The error matches
// domain.ErrUnreachable, domain.ErrNotFound or domain.ErrUnknown.
func (c *Client) Status(ctx context.Context) ([]StreamStatus, error) {
	streams, err := c.Streams(ctx)
	if err != nil {
		return nil, err
	}
	var out []StreamStatus
	for _, stream := range streams {
		// The checkpoint first: read after it, the log's end is never behind.
		at, err := c.store.Partition(stream).Checkpoint(ctx)
		if err != nil {
			return nil, err
		}
		extent, err := c.log.Extent(ctx, stream)
		if err != nil {
			return nil, err
		}
		lag, err := at.LagIn(extent, func(seq uint64) (int64, error) { return c.log.TimeOf(ctx, stream, seq) })
		if err != nil {
			return nil, err
		}
		out = append(out, StreamStatus{
			Stream: stream, Begin: extent.Begin, First: extent.First, Since: extent.Since, Last: extent.Last, Bytes: extent.Bytes,
			Checkpoint: at.Seq, Lag: lag.Messages, Behind: lag.Age, RetentionUsed: at.RetentionUsed(extent, lag), Epoch: at.Epoch,
		})
	}
	return out, nil
}

// silentMember is how old the last heartbeat of a projector is when the others
// have taken over from it.
const silentMember = 2 * time.Second

// Projectors lists those that live and share the partitions of this deployment's
// Redis, by name. The error matches domain.ErrUnreachable, or domain.ErrNotFound
// for a deployment that has no bucket for them.
func (c *Client) Projectors(ctx context.Context) ([]domain.Member, error) {
	cache, err := c.store.FindIdentity(ctx)
	if err != nil {
		return nil, err
	}
	members, now, err := c.log.LastBeats(ctx)
	if err != nil {
		return nil, err
	}
	members = slices.DeleteFunc(members, func(m domain.Member) bool {
		return m.Left || m.Cache != cache || now.Sub(m.Beat) > silentMember
	})
	slices.SortFunc(members, func(a, b domain.Member) int { return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.ID, b.ID)) })
	return members, nil
}
