package domain

import (
	"strconv"
	"time"
)

// Holder is the process that follows a venue, as it last said so itself. Others
// that could stand by.
type Holder struct {
	ID    string // of the process; see NewProcessID of package client
	Host  string
	PID   int
	Since time.Time // when it began

	// Set by readers.
	Revision uint64        // of what it said last: a later one has a greater one
	Age      time.Duration // since it said so, by the log's clock
}

// Name is what people call the process, host and process id: "db1/4711".
func (h Holder) Name() string { return h.Host + "/" + strconv.Itoa(h.PID) }
