package wire

import (
	"bytes"
	"fmt"
	"sync"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/fullon/fullon/domain"
)

// Version is the first element of every payload.
const Version = 1

type encoder struct {
	buf     bytes.Buffer
	enc     *msgpack.Encoder
	scratch [64]byte // longer than any decimal
}

var encoders = sync.Pool{New: func() any {
	e := &encoder{}
	e.enc = msgpack.NewEncoder(&e.buf)
	return e
}}

// The buffer never fails a write, so the element writers drop the error.

func (e *encoder) begin(elements int) {
	_ = e.enc.EncodeArrayLen(elements + 1)
	_ = e.enc.EncodeUint(Version)
}

func (e *encoder) int(v int64)   { _ = e.enc.EncodeInt(v) }
func (e *encoder) uint(v uint64) { _ = e.enc.EncodeUint(v) }
func (e *encoder) text(v string) { _ = e.enc.EncodeString(v) }
func (e *encoder) bool(v bool)   { _ = e.enc.EncodeBool(v) }

// decimal lends the encoder the text in place: a string for each of a tick's
// six decimals is most of what encoding it would cost.
func (e *encoder) decimal(d domain.Decimal) {
	text, _ := d.AppendText(e.scratch[:0])
	_ = e.enc.EncodeString(unsafe.String(unsafe.SliceData(text), len(text)))
}

// Encode returns the payload of an event in a slice of its own. It does not
// validate. It is safe for concurrent use.
func Encode(event domain.Event) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.buf.Reset()
	switch ev := event.(type) {
	case domain.Tick:
		e.tick(ev)
	case domain.TickDeleted, domain.OrderDeleted, domain.VenueDeleted, domain.SymbolDeleted, domain.BotDeleted:
		return nil, nil
	case domain.Feed:
		e.feed(ev)
	case domain.Trade:
		e.trade(ev)
	case domain.Candle:
		e.candle(ev)
	case domain.Gap:
		e.gap(ev)
	case domain.Balance:
		e.balance(ev)
	case domain.Position:
		e.position(ev, false)
	case domain.PositionDeleted:
		e.position(domain.Position{Time: ev.Time}, true)
	case domain.PositionsReplaced:
		e.positions(ev)
	case domain.Fill:
		e.fill(ev)
	case domain.FillAcked:
		e.ack(ev)
	case domain.Difference:
		e.difference(ev)
	case domain.Order:
		e.order(ev)
	case domain.Claim:
		e.claim(ev)
	case domain.ClaimRenewal:
		e.claimRenewal(ev)
	case domain.Granted:
		e.granted(ev)
	case domain.Halt:
		e.halt(ev)
	case domain.Fence:
		e.fence(ev)
	case domain.Venue:
		e.venue(ev)
	case domain.Symbol:
		e.symbol(ev)
	case domain.BotStatus:
		e.botStatus(ev)
	default:
		return nil, fmt.Errorf("encode %T: %w", event, domain.ErrInvalid)
	}
	return bytes.Clone(e.buf.Bytes()), nil
}

func (e *encoder) tick(t domain.Tick) {
	e.begin(9)
	e.int(domain.UnixNano(t.Time))
	e.uint(t.VenueSeq)
	e.int(domain.UnixNano(t.Received))
	e.decimal(t.Last)
	e.decimal(t.Bid)
	e.decimal(t.BidSize)
	e.decimal(t.Ask)
	e.decimal(t.AskSize)
	e.decimal(t.Volume)
}

func (e *encoder) feed(f domain.Feed) {
	e.begin(4)
	e.uint(uint64(f.State))
	e.int(domain.UnixNano(f.Time))
	e.int(f.Interval.Milliseconds())
	e.int(domain.UnixNano(f.Heard))
}

func (e *encoder) trade(t domain.Trade) {
	e.begin(6)
	e.text(t.ID)
	e.int(domain.UnixNano(t.Time))
	e.int(domain.UnixNano(t.Received))
	e.uint(uint64(t.Side))
	e.decimal(t.Price)
	e.decimal(t.Volume)
}

func (e *encoder) candle(c domain.Candle) {
	e.begin(9)
	e.int(c.Time.Unix())
	e.decimal(c.Open)
	e.decimal(c.High)
	e.decimal(c.Low)
	e.decimal(c.Close)
	e.decimal(c.Volume)
	e.uint(c.Trades)
	e.uint(uint64(c.Source))
	e.bool(c.Closed)
}

func (e *encoder) gap(g domain.Gap) {
	e.begin(5)
	e.text(g.FromID)
	e.text(g.ToID)
	e.uint(g.Missing)
	e.int(domain.UnixNano(g.Time))
	e.text(g.Reason)
}
