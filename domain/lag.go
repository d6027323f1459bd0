package domain

import (
	"errors"
	"time"
)

// Lag is how far Redis is behind a stream.
type Lag struct {
	Messages uint64        // that Redis does not reflect yet
	Age      time.Duration // how long the oldest of them has been in the log, by the log's clock
}

// LagIn tells how far a checkpoint is behind a stream that had this extent after
// the checkpoint was read. timeOf tells when the stream stored a message, unix ns;
// its error matches ErrNotFound when the stream does not hold it.
func (c Checkpoint) LagIn(extent Extent, timeOf func(seq uint64) (int64, error)) (Lag, error) {
	lag := Lag{Messages: extent.Last - min(c.Seq, extent.Last)}
	oldest := max(c.Seq+1, extent.First)
	if oldest > extent.Last {
		return lag, nil
	}
	stored, err := timeOf(oldest)
	if errors.Is(err, ErrNotFound) && c.Seq > 0 {
		stored, err = c.Time, nil // a later one took its place; it came after the checkpoint's
	}
	if err != nil {
		return lag, err
	}
	lag.Age = max(0, extent.Now.Sub(time.Unix(0, stored)))
	return lag, nil
}
