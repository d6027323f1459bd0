package domain

import (
	"math"
	"time"
)

// Tick is the newest state of one market: best bid and ask, last trade.
type Tick struct {
	Exchange string
	Symbol   string
	Last     Decimal // price of the last trade; zero: not known
	Bid      Decimal // best bid; zero: none known
	BidSize  Decimal // base units at the best bid; zero: not known
	Ask      Decimal // best ask; zero: none known
	AskSize  Decimal // base units at the best ask; zero: not known
	Volume   Decimal // base units traded in the last 24 h; zero: not known

	Time     time.Time // the venue's time; zero: the venue gave none
	Received time.Time // when the publishing process received it
	VenueSeq uint64    // the venue's own update number; zero: it has none

	Sequence uint64 // position in its log stream; set by readers
	Stale    bool   // its feed is silent, stopped or late; set by readers
}

// Price is what the market is worth: the last trade, without one the middle
// of bid and ask, with only one of these that one, else zero.
func (t Tick) Price() Decimal {
	switch {
	case !t.Last.IsZero():
		return t.Last
	case t.Bid.IsZero():
		return t.Ask
	case t.Ask.IsZero():
		return t.Bid
	}
	mid, err := t.Bid.Add(t.Ask).Div64(2)
	if err != nil {
		return t.Bid // Div64 fails on zero only
	}
	return mid
}

// Age is how long before now the tick was received, never negative.
func (t Tick) Age(now time.Time) time.Duration { return max(0, now.Sub(t.Received)) }

// Order is what decides which of two ticks is the newer.
func (t Tick) Order() TickOrder {
	return TickOrder{TimeNs: UnixNano(t.Time), VenueSeq: t.VenueSeq}
}

// Validate tells what is wrong with the tick. The error is a *FieldError.
func (t Tick) Validate() error {
	if err := checkMarket(t.Exchange, t.Symbol); err != nil {
		return err
	}
	for _, f := range [...]struct {
		name  string
		value Decimal
	}{
		{"last", t.Last}, {"bid", t.Bid}, {"bid_size", t.BidSize},
		{"ask", t.Ask}, {"ask_size", t.AskSize}, {"volume", t.Volume},
	} {
		if err := nonNegative(f.name, f.value); err != nil {
			return err
		}
	}
	if t.Last.IsZero() && t.Bid.IsZero() && t.Ask.IsZero() {
		return Invalid("tick", t.Exchange+" "+t.Symbol, "at least one of last, bid and ask")
	}
	if err := optionalTime("time", t.Time); err != nil {
		return err
	}
	return optionalTime("received", t.Received)
}

// TickOrder orders the ticks of one market: by the venue's time, then by its
// sequence, then (the caller's part) by position in the log.
type TickOrder struct {
	TimeNs   int64  // unix nanoseconds; zero: unknown
	VenueSeq uint64 // zero: unknown
}

// OlderThan tells whether a tick with order o must not replace one with order
// stored. What only one of the two knows does not count, so that a venue
// without times is ordered by its sequence, and one without either by the log.
func (o TickOrder) OlderThan(stored TickOrder) bool {
	if o.TimeNs != 0 && stored.TimeNs != 0 && o.TimeNs != stored.TimeNs {
		return o.TimeNs < stored.TimeNs
	}
	return o.VenueSeq != 0 && stored.VenueSeq != 0 && o.VenueSeq < stored.VenueSeq
}

// lastTime is the last second that unix nanoseconds can tell.
const lastTime = math.MaxInt64 / int64(time.Second)

// optionalTime holds a time to what the log can carry: unix nanoseconds, of
// which zero says "not known".
func optionalTime(field string, t time.Time) error {
	if s := t.Unix(); !t.IsZero() && (s < 0 || s >= lastTime) {
		return Invalid(field, t.UTC().Format(time.RFC3339Nano), "a time from 1970 to 2262")
	}
	return nil
}

// requiredTime is optionalTime for the time of an event, which must be known. The beginning of
// 1970 is what a venue's zero reads as.
func requiredTime(t time.Time, what string) error {
	if t.IsZero() || t.Equal(time.Unix(0, 0)) {
		return Invalid("time", "", what)
	}
	return optionalTime("time", t)
}

// UnixNano is t in unix nanoseconds, zero for the zero time.
func UnixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// FromUnixNano is the inverse of UnixNano, in UTC.
func FromUnixNano(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
