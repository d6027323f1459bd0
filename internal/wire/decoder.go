package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/fullon/fullon/domain"
)

// decoder reads elements one after the other and keeps the first error. The
// forms that nearly all elements have, short texts and small or 64 bit
// numbers, are read in place; msgp reads the others, and says what is wrong.
type decoder struct {
	data  []byte // nil after an error, so that nothing is read in place any more
	at    int
	texts *Texts // where the texts go; nil: each on its own
	err   error
}

// begin reads the array header and the version.
func (d *decoder) begin(data []byte, elements uint32) {
	d.data, d.at = data, 0
	var n uint32
	if len(data) > 0 && data[0]&0xf0 == 0x90 {
		n, d.at = uint32(data[0]&0x0f), 1
	} else {
		n = read(d, "payload", msgp.ReadArrayHeaderBytes)
	}
	version := d.uint("version")
	switch {
	case d.err != nil:
	case version != Version:
		d.refuse(fmt.Errorf("%w: version %d, want %d", ErrMalformed, version, Version))
	case n < elements+1:
		d.refuse(fmt.Errorf("%w: %d elements, want %d", ErrMalformed, n, elements+1))
	}
}

func (d *decoder) fail(field string, err error) {
	d.refuse(fmt.Errorf("%w: %s: %w", ErrMalformed, field, err))
}

func (d *decoder) refuse(err error) {
	if d.err == nil {
		d.data, d.at, d.err = nil, 0, err
	}
}

// read lets msgp read an element.
func read[T any](d *decoder, field string, element func([]byte) (T, []byte, error)) T {
	var none T
	if d.err != nil {
		return none
	}
	v, rest, err := element(d.data[d.at:])
	if err != nil {
		d.fail(field, err)
		return none
	}
	d.at = len(d.data) - len(rest)
	return v
}

// The first bytes of what is read in place.
const (
	shortText  = 0xa0 // and its length
	mostShort  = 31
	mediumText = 0xd9 // its length is the next byte
	wideNumber = 0xcf // of eight bytes; those of four, two and one are before it
	falsehood  = 0xc2 // true is one more
	longArray  = 0xdc // its length is the next two bytes
)

func (d *decoder) int(field string) int64 {
	if rest := d.data[d.at:]; len(rest) > 8 && rest[0] == wideNumber {
		if v := binary.BigEndian.Uint64(rest[1:]); v <= math.MaxInt64 {
			d.at += 9
			return int64(v)
		}
	}
	return read(d, field, msgp.ReadInt64Bytes)
}

func (d *decoder) uint(field string) uint64 {
	if rest := d.data[d.at:]; len(rest) > 0 {
		if rest[0] < 0x80 {
			d.at++
			return uint64(rest[0])
		}
		if rest[0] == wideNumber && len(rest) > 8 {
			d.at += 9
			return binary.BigEndian.Uint64(rest[1:])
		}
	}
	return read(d, field, msgp.ReadUint64Bytes)
}

// short is a text that is read in place; nil: it is not one. It is small enough
// to become part of those who call it, who read most of what there is.
func (d *decoder) short() []byte {
	if d.at < len(d.data) {
		from, n := d.at+1, int(d.data[d.at])-shortText
		if uint(n) <= mostShort && from+n <= len(d.data) {
			d.at = from + n
			return d.data[from:d.at]
		}
	}
	return nil
}

func (d *decoder) bytes(field string) []byte {
	if text := d.short(); text != nil {
		return text
	}
	return read(d, field, msgp.ReadStringZC)
}

func (d *decoder) text(field string) string {
	text := d.short()
	if text == nil {
		text = read(d, field, msgp.ReadStringZC)
	}
	return d.texts.keep(text)
}

// textAs is text that is likely to be another one, which then serves for both.
func (d *decoder) textAs(field, likely string) string {
	text := d.short()
	if text == nil {
		text = read(d, field, msgp.ReadStringZC)
	}
	if string(text) != likely {
		return d.texts.keep(text)
	}
	return likely
}

func (d *decoder) bool(field string) bool {
	if d.at < len(d.data) && d.data[d.at]&^1 == falsehood {
		d.at++
		return d.data[d.at-1] != falsehood
	}
	return read(d, field, msgp.ReadBoolBytes)
}

// small reads an enumeration; what does not fit becomes a value that no
// enumeration has.
func (d *decoder) small(field string) uint8 { return uint8(min(d.uint(field), 255)) }

func (d *decoder) time(field string) time.Time { return domain.FromUnixNano(d.timeNs(field)) }

func (d *decoder) timeNs(field string) int64 {
	ns := d.int(field)
	if ns < 0 {
		d.fail(field, domain.Invalid(field, fmt.Sprint(ns), "unix nanoseconds, zero or more"))
	}
	return ns
}

// decimal reads a number that cannot be negative.
func (d *decoder) decimal(field string) domain.Decimal {
	v := d.signed(field)
	if v.IsNeg() {
		d.fail(field, domain.Invalid(field, v.String(), "zero or more"))
		return domain.Decimal{}
	}
	return v
}

// signed reads a number that may be negative.
func (d *decoder) signed(field string) domain.Decimal {
	text := d.short()
	if text == nil {
		if text = read(d, field, msgp.ReadStringZC); d.err != nil {
			return domain.Decimal{}
		}
	}
	v, err := domain.ParseDecimal(field, msgp.UnsafeString(text))
	if err != nil {
		// Again, because the error keeps the text.
		_, err = domain.ParseDecimal(field, string(text))
		d.fail(field, err)
	}
	return v
}

// skipDecimal checks what decimal would read, without the cost of reading it.
func (d *decoder) skipDecimal(field string) (zero bool) {
	text := d.bytes(field)
	if d.err != nil {
		return true
	}
	if !domain.IsDecimal(text) || text[0] == '-' {
		d.fail(field, domain.Invalid(field, string(text), "a decimal number, zero or more"))
		return true
	}
	for _, c := range text {
		if c != '0' && c != '.' {
			return false
		}
	}
	return true
}

// list reads the header of an array of at most most elements.
func (d *decoder) list(field string, most uint32) uint32 {
	n := read(d, field, msgp.ReadArrayHeaderBytes)
	if n > most {
		d.fail(field, domain.Invalid(field, "", "a shorter array"))
		return 0
	}
	return n
}

// skip passes an element of a newer producer.
func (d *decoder) skip(field string) {
	read(d, field, func(rest []byte) (struct{}, []byte, error) {
		rest, err := msgp.Skip(rest)
		return struct{}{}, rest, err
	})
}
