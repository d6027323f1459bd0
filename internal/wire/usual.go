package wire

import (
	"encoding/binary"

	"github.com/tinylib/msgp/msgp"

	"github.com/fullon/fullon/domain"
)

// Lists have many values of one kind, and nearly all of them are of the form
// that the encoder gives them, with nothing wrong. Such values are read here
// with the place in the data kept in a register, in less time than a decoder
// takes. Whatever is not of that form is left to the decoder, and so is every
// error.
//
// Each function reads the element at a place of the data and returns the place
// behind it; nowhere if it is not of the usual form, or the place is nowhere.

// nowhere is a place that no data has.
const nowhere = -1

// usualHead reads the array header and the version.
func usualHead(data []byte, elements int) int {
	if len(data) > 1 && data[0]&0xf0 == 0x90 && int(data[0]&0x0f) > elements && data[1] == Version {
		return 2
	}
	return nowhere
}

// usualLongHead is usualHead for more than fifteen elements.
func usualLongHead(data []byte, elements int) int {
	if len(data) > 3 && data[0] == longArray && int(binary.BigEndian.Uint16(data[1:])) > elements && data[3] == Version {
		return 4
	}
	return nowhere
}

// usualText reads a short text.
func usualText(data []byte, at int) ([]byte, int) {
	if uint(at) < uint(len(data)) {
		from, n := at+1, int(data[at])-shortText
		if uint(n) <= mostShort && from+n <= len(data) {
			return data[from : from+n], from + n
		}
	}
	return nil, nowhere
}

// usualName reads a text that may be longer than a short one: an id.
func usualName(data []byte, at int) ([]byte, int) {
	if text, next := usualText(data, at); next != nowhere {
		return text, next
	}
	if uint(at) < uint(len(data)) && len(data)-at > 1 && data[at] == mediumText {
		from, n := at+2, int(data[at+1])
		if from+n <= len(data) {
			return data[from : from+n], from + n
		}
	}
	return nil, nowhere
}

// usualNumber reads a number, zero or more.
func usualNumber(data []byte, at int) (uint64, int) {
	if uint(at) >= uint(len(data)) {
		return 0, nowhere
	}
	rest := data[at:]
	switch first := rest[0]; {
	case first < 0x80:
		return uint64(first), at + 1
	case first == wideNumber && len(rest) > 8:
		return binary.BigEndian.Uint64(rest[1:]), at + 9
	case first == wideNumber-1 && len(rest) > 4:
		return uint64(binary.BigEndian.Uint32(rest[1:])), at + 5
	case first == wideNumber-2 && len(rest) > 2:
		return uint64(binary.BigEndian.Uint16(rest[1:])), at + 3
	case first == wideNumber-3 && len(rest) > 1:
		return uint64(rest[1]), at + 2
	}
	return 0, nowhere
}

// usualTime reads a time as unix nanoseconds.
func usualTime(data []byte, at int) (int64, int) {
	if uint(at) < uint(len(data)) && len(data)-at > 8 && data[at] == wideNumber {
		if ns := int64(binary.BigEndian.Uint64(data[at+1:])); ns >= 0 { //nolint:gosec // what is too large becomes negative
			return ns, at + 9
		}
	}
	return 0, nowhere
}

func usualBool(data []byte, at int) (bool, int) {
	if uint(at) < uint(len(data)) && data[at]&^1 == falsehood {
		return data[at] != falsehood, at + 1
	}
	return false, nowhere
}

// usualDecimal reads a number that may be negative.
func usualDecimal(data []byte, at int) (domain.Decimal, int) {
	text, at := usualText(data, at)
	if at == nowhere {
		return domain.Decimal{}, nowhere
	}
	v, err := domain.ParseDecimal("", msgp.UnsafeString(text))
	if err != nil {
		return domain.Decimal{}, nowhere
	}
	return v, at
}

// usualAmount reads a number that has no sign.
func usualAmount(data []byte, at int) (domain.Decimal, int) {
	if sign := at + 1; uint(sign) < uint(len(data)) && data[sign] != '-' {
		return usualDecimal(data, at)
	}
	return domain.Decimal{}, nowhere
}

// usualTrade is ReadTrade. If it is false, what it has left in t counts for nothing.
func usualTrade(t *domain.Trade, data []byte, texts *Texts) bool {
	at := usualHead(data, 6)
	id, at := usualName(data, at)
	ns, at := usualTime(data, at)
	received, at := usualTime(data, at)
	side, at := usualNumber(data, at)
	t.Price, at = usualAmount(data, at)
	t.Volume, at = usualAmount(data, at)
	if at == nowhere {
		return false
	}
	t.ID = texts.keep(id)
	t.Time, t.Received = domain.FromUnixNano(ns), domain.FromUnixNano(received)
	t.Side = domain.Side(min(side, 255)) //nolint:gosec // it fits
	return true
}

// usualFill is ReadFill. If it is false, what it has left in f counts for nothing.
func usualFill(f *domain.Fill, data []byte, texts *Texts) bool {
	at := usualHead(data, 12)
	id, at := usualName(data, at)
	ns, at := usualTime(data, at)
	symbol, at := usualText(data, at)
	side, at := usualNumber(data, at)
	f.Price, at = usualAmount(data, at)
	f.Volume, at = usualAmount(data, at)
	f.Fee, at = usualDecimal(data, at)
	currency, at := usualText(data, at)
	maker, at := usualBool(data, at)
	order, at := usualName(data, at)
	clientOrder, at := usualName(data, at)
	first, at := usualNumber(data, at)
	if at == nowhere {
		return false
	}
	if string(symbol) != f.Symbol {
		f.Symbol = texts.keep(symbol)
	}
	if string(currency) != f.FeeCurrency {
		f.FeeCurrency = texts.keep(currency)
	}
	f.ID = texts.keep(id)
	// To store nothing in what is empty anyway is not for free while the collector runs.
	if len(order) > 0 {
		f.OrderID = texts.keep(order)
	}
	if len(clientOrder) > 0 {
		f.ClientOrderID = texts.keep(clientOrder)
	}
	f.Time = domain.FromUnixNano(ns)
	f.Side = domain.Side(min(side, 255)) //nolint:gosec // it fits
	f.Maker, f.First = maker, first
	return true
}
