package client

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
)

// StreamStatus is one partition: what the log holds and what Redis reflects.
type StreamStatus struct {
	Stream     string
	First      uint64    // sequence of the oldest message in the log
	Since      time.Time // when the log stored that one; zero: it holds none
	Last       uint64    // sequence of the newest one
	Bytes      uint64    // size in the log
	Checkpoint uint64    // sequence up to which Redis reflects the stream
	Lag        uint64    // messages that Redis does not reflect yet
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
		used := 0.0
		if at.Seq < extent.Last && extent.First <= extent.Last {
			next, err := c.log.TimeOf(ctx, stream, max(at.Seq+1, extent.First))
			if err != nil && !errors.Is(err, domain.ErrNotFound) {
				return nil, err
			}
			// What is folded anew is old, and what of it is dropped is not missed.
			if err == nil && time.Unix(0, next).After(time.UnixMilli(int64(at.Epoch))) { //nolint:gosec // a time
				used = extent.RetentionUsed(at.Seq, time.Unix(0, next))
			}
		}
		out = append(out, StreamStatus{
			RetentionUsed: used,
			Stream:        stream, First: extent.First, Since: extent.Since, Last: extent.Last, Bytes: extent.Bytes,
			Checkpoint: at.Seq, Lag: extent.Last - min(at.Seq, extent.Last), Epoch: at.Epoch,
		})
	}
	return out, nil
}
