package bus

import (
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// outgoing is what is to be stored, where, and on which condition.
type outgoing struct {
	Address
	data      []byte
	condition condition
}

// condition lets a message be stored only if the newest one about a subject, or of
// the stream, is the one with sequence last; zero: if there is none. The zero
// condition always holds.
type condition struct {
	of      lastOf
	subject string // that it is about; empty: that of the message
	last    uint64
}

type lastOf uint8

const (
	lastOfSubject lastOf = iota + 1
	lastOfStream
)

// header is one of those that an envelope may have.
type header int

const (
	headerLastOfSubject header = iota
	headerConditionSubject
	headerLastOfStream
	headerBatchID
	headerBatchSeq
	headerBatchCommit
	headerCount
)

var headerNames = [headerCount]string{
	jetstream.ExpectedLastSubjSeqHeader, jetstream.ExpectedLastSubjSeqSubjHeader, jetstream.ExpectedLastSeqHeader,
	jetstreamext.BatchIDHeader, jetstreamext.BatchSeqHeader, jetstreamext.BatchCommitHeader,
}

// envelope is a message of the client library that is filled and sent again and
// again: the connection copies it, headers and all.
type envelope struct {
	msg    nats.Msg
	values [headerCount][1]string
}

// fill makes it a message and its condition. Other headers stay as they were.
func (e *envelope) fill(m outgoing) {
	e.msg.Subject, e.msg.Data = m.Subject, m.data
	var ofSubject, ofStream string
	switch c := m.condition; c.of {
	case lastOfSubject:
		ofSubject = strconv.FormatUint(c.last, 10)
	case lastOfStream:
		ofStream = strconv.FormatUint(c.last, 10)
	}
	e.set(headerLastOfSubject, ofSubject)
	e.set(headerConditionSubject, m.condition.subject)
	e.set(headerLastOfStream, ofStream)
}

// set gives a header a value; empty: it has none. Servers look for each header
// that they know, so there are no more of them than need be.
func (e *envelope) set(h header, value string) {
	switch {
	case e.values[h][0] == value:
		return
	case value == "":
		delete(e.msg.Header, headerNames[h])
	case e.values[h][0] == "":
		if e.msg.Header == nil {
			e.msg.Header = make(nats.Header)
		}
		e.msg.Header[headerNames[h]] = e.values[h][:]
	}
	e.values[h][0] = value
}
