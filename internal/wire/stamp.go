package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// Stamp appends [sequence, payload] to dst: the form of a value in Redis. The
// payload must be one msgpack value; it is copied as it is.
func Stamp(dst []byte, seq uint64, payload []byte) []byte {
	dst = msgp.AppendArrayHeader(dst, 2)
	dst = msgp.AppendUint64(dst, seq)
	return append(dst, payload...)
}

// Unstamp takes a stamped value apart. The payload is part of value, not a
// copy. The error matches ErrMalformed.
func Unstamp(value []byte) (seq uint64, payload []byte, err error) {
	if len(value) > 0 && value[0] == 0x92 {
		if seq, at := usualNumber(value, 1); at != nowhere {
			return seq, value[at:], nil
		}
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(value)
	if err != nil || n != 2 {
		return 0, nil, fmt.Errorf("%w: not a stamped value", ErrMalformed)
	}
	seq, payload, err = msgp.ReadUint64Bytes(rest)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: sequence: %w", ErrMalformed, err)
	}
	return seq, payload, nil
}

// UnstampText is Unstamp of a text, without copying it: the payload must only be
// read.
func UnstampText(value string) (seq uint64, payload []byte, err error) {
	return Unstamp(msgp.UnsafeBytes(value))
}
