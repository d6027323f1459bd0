package paper

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
)

// form is the form that changes have in a journal. The fields of a type are
// listed once, for both directions, so what is written is what is read; writing
// leaves them alone, others read them meanwhile. A change in this file is another
// version of the journal: see journalMagic.
//
//	number   varint, zigzag where it has a sign
//	text     how many bytes, and the bytes
//	decimal  a text
//	time     Unix nanoseconds; 0: none
//	bool     0 or 1
//	list     how many, and the elements
type form struct {
	data    []byte // what was written, or is still to be read
	reading bool
	err     error // the first; nothing is read after it
	scratch [64]byte
}

var errForm = errors.New("a change of another form")

// appendChange writes a change behind data.
func (f *form) appendChange(data []byte, c *change) []byte {
	f.data, f.reading = data, false
	f.change(c)
	return f.data
}

// readChanges reads all that is in data. Texts are copied.
func readChanges(data []byte) (changes []change, err error) {
	f := form{data: data, reading: true}
	for len(f.data) > 0 {
		var c change
		f.change(&c)
		changes = append(changes, c)
	}
	return changes, f.err
}

func (f *form) change(c *change) {
	f.uint(&c.Seq)
	f.time(&c.Time)
	f.text(&c.Account)
	f.uint(&c.NextOrder)
	f.uint(&c.NextFill)
	list(f, &c.Orders, (*form).order)
	list(f, &c.Fills, (*form).fill)
	list(f, &c.Balances, (*form).balance)
	list(f, &c.Positions, (*form).position)
	some := c.Taken != nil
	if f.bool(&some); some {
		if c.Taken == nil {
			c.Taken = new(taken)
		}
		f.taken(c.Taken)
	}
}

func (f *form) order(p **order) {
	if f.reading {
		*p = new(order)
	}
	o := *p
	f.text(&o.ID)
	f.uint(&o.Number)
	f.text(&o.VenueID)
	f.text(&o.Terms.Account)
	f.text(&o.Terms.Bot)
	f.text(&o.Terms.Symbol)
	small(f, &o.Terms.Side)
	small(f, &o.Terms.Type)
	small(f, &o.Terms.TimeInForce)
	f.decimal(&o.Terms.Volume)
	f.decimal(&o.Terms.Price)
	f.decimal(&o.Terms.StopPrice)
	f.bool(&o.Terms.ReduceOnly)
	f.time(&o.Terms.Expires)
	small(f, &o.Status)
	f.decimal(&o.Filled)
	f.decimal(&o.Spent)
	f.decimal(&o.Reserved)
	f.decimal(&o.Basis)
	f.bool(&o.Active)
	f.time(&o.Time)
	f.text(&o.Reason)
}

func (f *form) fill(v *domain.Fill) {
	f.text(&v.Account)
	f.text(&v.Exchange)
	f.text(&v.Symbol)
	f.text(&v.ID)
	f.text(&v.OrderID)
	f.text(&v.ClientOrderID)
	small(f, &v.Side)
	f.decimal(&v.Price)
	f.decimal(&v.Volume)
	f.decimal(&v.Fee)
	f.text(&v.FeeCurrency)
	f.bool(&v.Maker)
	f.time(&v.Time)
	f.uint(&v.First)
	f.uint(&v.Sequence)
}

func (f *form) balance(b *domain.Balance) {
	f.text(&b.Account)
	f.text(&b.Currency)
	f.decimal(&b.Total)
	f.decimal(&b.Free)
	f.decimal(&b.Used)
	f.time(&b.Time)
	f.uint(&b.Sequence)
}

func (f *form) position(p *domain.Position) {
	f.text(&p.Account)
	f.text(&p.Symbol)
	f.text(&p.Exchange)
	f.decimal(&p.Volume)
	f.decimal(&p.Price)
	f.decimal(&p.Cost)
	f.decimal(&p.Fee)
	f.decimal(&p.Realised)
	f.time(&p.Time)
	f.uint(&p.Sequence)
}

func (f *form) taken(t *taken) {
	f.text(&t.Symbol)
	f.uint(&t.Tick.Sequence)
	f.uint(&t.Tick.VenueSeq)
	f.int(&t.Tick.Time)
	f.int(&t.Tick.Received)
	f.decimal(&t.Bid)
	f.decimal(&t.Ask)
}

func list[T any](f *form, values *[]T, each func(*form, *T)) {
	n := uint64(len(*values))
	f.uint(&n)
	if f.reading && n > 0 {
		if n > uint64(len(f.data)) { // no element is empty
			f.fail(errForm)
			return
		}
		*values = make([]T, n)
	}
	for i := range *values {
		each(f, &(*values)[i])
	}
}

func (f *form) uint(v *uint64) {
	if !f.reading {
		f.data = binary.AppendUvarint(f.data, *v)
		return
	}
	n := 0
	if *v, n = binary.Uvarint(f.data); n <= 0 {
		f.fail(errForm)
		return
	}
	f.data = f.data[n:]
}

func (f *form) int(v *int64) {
	if !f.reading {
		f.data = binary.AppendVarint(f.data, *v)
		return
	}
	n := 0
	if *v, n = binary.Varint(f.data); n <= 0 {
		f.fail(errForm)
		return
	}
	f.data = f.data[n:]
}

// small is for enumerations.
func small[T ~uint8](f *form, v *T) {
	n := uint64(*v)
	if f.uint(&n); f.reading {
		if n > 255 {
			f.fail(errForm)
		}
		*v = T(n) //nolint:gosec // it fits
	}
}

func (f *form) bool(v *bool) {
	n := uint64(0)
	if *v {
		n = 1
	}
	if f.uint(&n); f.reading {
		if n > 1 {
			f.fail(errForm)
		}
		*v = n == 1
	}
}

func (f *form) time(v *time.Time) {
	ns := domain.UnixNano(*v)
	f.int(&ns)
	if f.reading {
		*v = domain.FromUnixNano(ns)
	}
}

func (f *form) text(v *string) {
	if !f.reading {
		f.data = append(binary.AppendUvarint(f.data, uint64(len(*v))), *v...)
		return
	}
	*v = string(f.bytes())
}

func (f *form) decimal(v *domain.Decimal) {
	if !f.reading {
		text, _ := v.AppendText(f.scratch[:0]) // never fails
		f.data = append(binary.AppendUvarint(f.data, uint64(len(text))), text...)
		return
	}
	if text := f.bytes(); f.err == nil {
		if err := v.UnmarshalText(text); err != nil {
			f.fail(err)
		}
	}
}

// bytes reads those of a text, in place.
func (f *form) bytes() []byte {
	n := uint64(0)
	f.uint(&n)
	if n > uint64(len(f.data)) {
		f.fail(errForm)
		return nil
	}
	text := f.data[:n]
	f.data = f.data[n:]
	return text
}

func (f *form) fail(err error) {
	if f.err == nil {
		f.err = err
	}
	f.data = nil
}
