package bus

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// ack is what a stream answers when it has stored a message or a batch.
type ack struct {
	seq   uint64 // of the last message
	batch string // its id; empty: it was none
	count uint64 // of the messages of the batch
}

// readAck reads an answer. The error of a refusal is a *jetstream.APIError, that of
// anything else matches jetstream.ErrInvalidJSAck.
func readAck(data []byte) (ack, error) {
	if a, ok := readUsualAck(data); ok {
		return a, nil
	}
	var answer struct {
		Stream string              `json:"stream"`
		Seq    uint64              `json:"seq"`
		Batch  string              `json:"batch"`
		Count  uint64              `json:"count"`
		Error  *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return ack{}, fmt.Errorf("%w: %w", jetstream.ErrInvalidJSAck, err)
	}
	if answer.Error != nil {
		return ack{}, answer.Error
	}
	if answer.Stream == "" {
		return ack{}, jetstream.ErrInvalidJSAck
	}
	return ack{answer.Seq, answer.Batch, answer.Count}, nil
}

// readUsualAck reads an acknowledgement in the form in which servers write it,
//
//	{"stream":"X","domain":"D","seq":1,"duplicate": true,"batch":"B","count":2}
//
// of which only stream and seq are always there, and reports false for any other.
func readUsualAck(data []byte) (a ack, ok bool) {
	s := scan{rest: data}
	s.literal(`{"stream":`)
	stream := s.text()
	if s.optional(`,"domain":`) {
		s.text()
	}
	s.literal(`,"seq":`)
	a.seq = s.number()
	s.optional(`,"duplicate": true`)
	if s.optional(`,"batch":`) {
		a.batch = string(s.text())
		s.literal(`,"count":`)
		a.count = s.number()
	}
	s.literal(`}`)
	return a, !s.failed && len(s.rest) == 0 && len(stream) > 0
}

// scan reads what it is told to expect. Once something else came it has failed.
type scan struct {
	rest   []byte
	failed bool
}

func (s *scan) optional(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

func (s *scan) literal(text string) { s.failed = !s.optional(text) || s.failed }

// text reads a string of printable ASCII without escapes.
func (s *scan) text() []byte {
	s.literal(`"`)
	end := bytes.IndexByte(s.rest, '"')
	for _, c := range s.rest[:max(end, 0)] {
		if c < ' ' || c > '~' || c == '\\' {
			end = -1
			break
		}
	}
	if end < 0 {
		s.failed = true
		return nil
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text
}

// number reads an integer of at most 18 digits, which no multiplication overflows.
func (s *scan) number() (n uint64) {
	i := 0
	for ; i < len(s.rest) && s.rest[i]-'0' <= 9; i++ {
		n = n*10 + uint64(s.rest[i]-'0')
	}
	if i == 0 || i > 18 || s.rest[0] == '0' && i > 1 {
		s.failed = true
	}
	s.rest = s.rest[i:]
	return n
}
