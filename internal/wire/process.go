package wire

import (
	"bytes"
	"time"

	"github.com/fullon/fullon/domain"
)

// The values of processes never travel in the log. Elements, after the version:
//
//	process:      type, component, host (text), pid (integer), interval (integer, milliseconds)
//	broadcast:    from, text (text), data (array of text: name, value, name, value…)
//	venue error:  text
//
// The rest of a process is in fields of its own: see package cachestore.

// EncodeProcess returns what never changes in a process. The id is the field's.
func EncodeProcess(p domain.Process) []byte {
	return encode(func(e *encoder) {
		e.begin(5)
		e.text(string(p.Type))
		e.text(p.Component)
		e.text(p.Host)
		e.int(int64(p.PID))
		e.int(p.Interval.Milliseconds())
	})
}

// DecodeProcess is the inverse of EncodeProcess.
func DecodeProcess(id string, data []byte) (domain.Process, error) {
	var d decoder
	d.begin(data, 5)
	p := domain.Process{
		ID:        id,
		Type:      domain.ProcessType(d.text("type")),
		Component: d.text("component"),
		Host:      d.text("host"),
		PID:       int(d.int("pid")),
		Interval:  time.Duration(min(d.uint("interval"), uint64(time.Hour/time.Millisecond))) * time.Millisecond,
	}
	return p, d.err
}

// EncodeBroadcast returns the value of a message. Its type is the key's, its id
// and time are the entry's.
func EncodeBroadcast(b domain.Broadcast) []byte {
	return encode(func(e *encoder) {
		e.begin(3)
		e.text(b.From)
		e.text(b.Text)
		e.named(b.Data)
	})
}

// DecodeBroadcast is the inverse of EncodeBroadcast.
func DecodeBroadcast(t domain.ProcessType, data []byte) (domain.Broadcast, error) {
	var d decoder
	d.begin(data, 3)
	b := domain.Broadcast{Type: t, From: d.text("from"), Text: d.text("text"), Data: d.named("data")}
	return b, d.err
}

// EncodeVenueError returns the value of a report. Its exchange is the key's,
// its time the entry's.
func EncodeVenueError(v domain.VenueError) []byte {
	return encode(func(e *encoder) {
		e.begin(1)
		e.text(v.Text)
	})
}

// DecodeVenueError is the inverse of EncodeVenueError.
func DecodeVenueError(exchange string, data []byte) (domain.VenueError, error) {
	var d decoder
	d.begin(data, 1)
	return domain.VenueError{Exchange: exchange, Text: d.text("text")}, d.err
}

// encode returns what write wrote, in a slice of its own.
func encode(write func(*encoder)) []byte {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.buf.Reset()
	write(e)
	return bytes.Clone(e.buf.Bytes())
}
