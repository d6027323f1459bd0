package domain

import "time"

// FeedState tells what a venue's feed is doing.
type FeedState uint8

// The states. FeedLive is the only one in which ticks are current.
const (
	FeedLive    FeedState = 1 // messages arrive
	FeedSilent  FeedState = 2 // connected or connecting, but nothing arrives
	FeedStopped FeedState = 3 // its ingest process said goodbye
)

func (s FeedState) String() string {
	switch s {
	case FeedLive:
		return "live"
	case FeedSilent:
		return "silent"
	case FeedStopped:
		return "stopped"
	}
	return "unknown"
}

// Feed is the sign of life of one exchange's feed. It travels in the same
// streams as the ticks, so a reader that sees a recent one has seen every tick
// before it; a dead ingest, a log that is away and a projector that lags all
// show as a Feed that has become old.
type Feed struct {
	Exchange string
	State    FeedState
	Time     time.Time     // when the ingest process said so
	Interval time.Duration // how often it says so
	Heard    time.Time     // when the venue's last message arrived
}

// FeedGrace is how many intervals a feed may be late before its ticks are stale.
const FeedGrace = 3

// StaleAt tells whether ticks of the feed must be taken for stale at now.
func (f Feed) StaleAt(now time.Time) bool {
	return f.State != FeedLive || now.Sub(f.Time) > FeedGrace*f.Interval
}

// Validate tells what is wrong with the feed event. The error is a *FieldError.
func (f Feed) Validate() error {
	if err := CheckExchange(f.Exchange); err != nil {
		return err
	}
	if f.State < FeedLive || f.State > FeedStopped {
		return Invalid("state", f.State.String(), "live, silent or stopped")
	}
	if f.Interval < time.Millisecond || f.Interval > time.Hour {
		return Invalid("interval", f.Interval.String(), "1ms to 1h")
	}
	if err := requiredTime(f.Time, "when the state was seen"); err != nil {
		return err
	}
	return optionalTime("heard", f.Heard)
}
