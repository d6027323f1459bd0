package domain

import (
	"strconv"
	"time"
)

// Member is a projector among those that share the partitions of a deployment,
// as it last said so itself.
type Member struct {
	ID   string // of the process; see NewProcessID of package client
	Host string
	PID  int
	// Cache is the Redis that it folds into (Store.Identity of package
	// cachestore). Only members with the same one share partitions.
	Cache string
	// Ready: it takes partitions. One that dropped out again and again holds
	// itself back for a while.
	Ready bool
	// Shares are the partitions that it folds, and those that it folded and has
	// something to tell of.
	Shares []Share

	// Set by readers.
	Revision uint64    // of the heartbeat: a later one has a greater one
	Beat     time.Time // when the log stored the heartbeat, by the log's clock
	Left     bool      // it has said that it stops; nothing else is known then
}

// Share is what a member does for one partition.
type Share struct {
	Stream    string
	Held      bool    // it folds the partition at the moment
	Rate      float64 // messages applied a second, over the last seconds
	Conflicts uint64  // batches that found another checkpoint, since the process began
}

// Name is what people call the member, host and process id: "db1/4711". It is
// empty for the zero Member.
func (m Member) Name() string {
	if m.Host == "" && m.PID == 0 {
		return ""
	}
	return m.Host + "/" + strconv.Itoa(m.PID)
}

// Holds tells whether the member folds a stream.
func (m Member) Holds(stream string) bool {
	for _, share := range m.Shares {
		if share.Stream == stream {
			return share.Held
		}
	}
	return false
}
