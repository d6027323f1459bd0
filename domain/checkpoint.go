package domain

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Checkpoint says up to where a projection reflects its stream. The zero value
// means "nothing projected": the partition is new or was wiped.
type Checkpoint struct {
	Epoch   uint64 // names the rebuild that the projection descends from, unix ms of its start
	Created int64  // when the stream was created, unix ns: a recreated stream shows here
	Seq     uint64 // sequence of the last folded message; zero: none yet
	Time    int64  // when the log stored that message, unix ns: changed history shows here
}

// IsZero tells whether nothing was ever projected.
func (c Checkpoint) IsZero() bool { return c == Checkpoint{} }

// String is the stored form, "epoch created seq time"; empty for the zero value.
func (c Checkpoint) String() string {
	if c.IsZero() {
		return ""
	}
	b := make([]byte, 0, 64)
	b = strconv.AppendUint(b, c.Epoch, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, c.Created, 10)
	b = append(b, ' ')
	b = strconv.AppendUint(b, c.Seq, 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, c.Time, 10)
	return string(b)
}

// ParseCheckpoint is the inverse of String. A text that is no checkpoint gives
// an error that matches ErrUnknown.
func ParseCheckpoint(text string) (Checkpoint, error) {
	if text == "" {
		return Checkpoint{}, nil
	}
	var c Checkpoint
	var errs [4]error
	epoch, rest, _ := strings.Cut(text, " ")
	created, rest, _ := strings.Cut(rest, " ")
	seq, at, _ := strings.Cut(rest, " ") // what is missing, or too much, is no number
	c.Epoch, errs[0] = strconv.ParseUint(epoch, 10, 64)
	c.Created, errs[1] = strconv.ParseInt(created, 10, 64)
	c.Seq, errs[2] = strconv.ParseUint(seq, 10, 64)
	c.Time, errs[3] = strconv.ParseInt(at, 10, 64)
	for _, err := range errs {
		if err != nil {
			return Checkpoint{}, fmt.Errorf("checkpoint %q: %w", abbreviate(text), ErrUnknown)
		}
	}
	return c, nil
}

// NextEpoch is the checkpoint from which a stream is folded anew, in place of the
// one that is stored. It is named after the log's clock.
func NextEpoch(stored Checkpoint, extent Extent) Checkpoint {
	epoch := max(1, extent.Now.UnixMilli())
	return Checkpoint{Epoch: max(uint64(epoch), stored.Epoch+1), Created: extent.Created} //nolint:gosec // more than zero
}

// Extent is what a stream of the log holds at a moment.
type Extent struct {
	Created int64     // when the stream was created, unix ns
	Begin   uint64    // sequence that it began with; 1 unless it was made by a repartition
	First   uint64    // sequence of its oldest message; Last+1 when it is empty
	Since   time.Time // when that one was stored; zero: it is empty
	Last    uint64    // sequence of its newest message, also when that is gone; zero: never had one
	Bytes   uint64
	Keeps   time.Duration // how long it keeps a message; zero: for ever
	Now     time.Time     // when the log said so, by its clock

	MaxMessages uint64 // that it keeps; zero: no limit
	MaxBytes    uint64 // that it keeps; zero: no limit
}

// Newest is the sequence of the newest message that the stream holds; zero: it
// is empty.
func (e Extent) Newest() uint64 {
	if e.First > e.Last {
		return 0
	}
	return e.Last
}

// RetentionAlarm is the RetentionUsed from which on somebody has to act.
const RetentionAlarm = 0.5

// RetentionUsed is how near a stream is to dropping what a projection that is
// behind it must fold next: 0 is far, at 1 it is being dropped. It is the greatest
// of what is used of the time, the number and the size that the stream keeps. A
// projection that has caught up is far.
func (e Extent) RetentionUsed(lag Lag) float64 {
	if lag.Messages == 0 {
		return 0
	}
	messages, used := float64(lag.Messages), 0.0
	if e.Keeps > 0 {
		used = lag.Age.Seconds() / e.Keeps.Seconds()
	}
	if e.MaxMessages > 0 {
		used = max(used, messages/float64(e.MaxMessages))
	}
	if e.MaxBytes > 0 && e.Last >= e.First {
		used = max(used, float64(e.Bytes)*messages/float64(e.Last-e.First+1)/float64(e.MaxBytes))
	}
	return max(0, used)
}

// RetentionUsed is that of the extent for a projection at this checkpoint. Without
// a message there is nothing that could be dropped. What is folded anew is old,
// and what of it is dropped meanwhile is not missed: the epoch has just begun
// without it.
func (c Checkpoint) RetentionUsed(extent Extent, lag Lag) float64 {
	next := extent.Now.Add(-lag.Age)
	if extent.First > extent.Last || next.UnixMilli() < int64(c.Epoch) { //nolint:gosec // a time
		return 0
	}
	return extent.RetentionUsed(lag)
}
