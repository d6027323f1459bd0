package domain

import "time"

// MaxTextBytes bounds the text of a Broadcast and of a VenueError.
const MaxTextBytes = 1024

// Broadcast is a message to all processes of a type.
type Broadcast struct {
	ID   string // its place in the order of its type's messages; set by readers
	Type ProcessType
	From string // id of the process that sent it; empty: somebody else
	Text string
	Data map[string]string // for programs; same bounds as Process.Params
	Time time.Time         // by Redis's clock, to the millisecond; set by readers
}

// Validate tells what is wrong with the message. The error is a *FieldError.
func (b Broadcast) Validate() error {
	if _, err := ParseProcessType(string(b.Type)); err != nil {
		return err
	}
	if b.From != "" && CheckProcessID(b.From) != nil {
		return Invalid("from", b.From, "the id of a process")
	}
	if b.Text == "" || len(b.Text) > MaxTextBytes {
		return Invalid("text", b.Text, "1 to 1024 bytes")
	}
	return checkParams("data", b.Data)
}

// VenueError is something that went wrong with a venue.
type VenueError struct {
	Exchange string
	Text     string
	Time     time.Time // by Redis's clock, to the millisecond; set by readers
}

// Validate tells what is wrong with the report. The error is a *FieldError.
func (e VenueError) Validate() error {
	if err := CheckExchange(e.Exchange); err != nil {
		return err
	}
	if e.Text == "" || len(e.Text) > MaxTextBytes {
		return Invalid("text", e.Text, "1 to 1024 bytes")
	}
	return nil
}
