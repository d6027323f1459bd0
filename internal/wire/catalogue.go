package wire

import (
	"maps"
	"math"
	"slices"

	"github.com/fullon/fullon/domain"
)

// named writes named values as an array of text: name, value, name, value…
func (e *encoder) named(values map[string]string) {
	_ = e.enc.EncodeArrayLen(2 * len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		e.text(name)
		e.text(values[name])
	}
}

func (d *decoder) named(field string) map[string]string {
	n := d.list(field, math.MaxUint32)
	if n == 0 {
		return nil
	}
	values := make(map[string]string)
	for ; n >= 2 && d.err == nil; n -= 2 {
		name := d.text(field)
		values[name] = d.text(field)
	}
	return values
}

func (e *encoder) venue(v domain.Venue) {
	e.begin(5)
	e.text(v.Title)
	e.uint(uint64(v.Status))
	e.named(v.Params)
	e.int(domain.UnixNano(v.Time))
	e.uint(v.Emptied)
}

// DecodeVenue reads a venue's payload, which must not be empty. The key gives
// the exchange.
func DecodeVenue(key domain.Key, data []byte) (domain.Venue, error) {
	var d decoder
	d.begin(data, 5)
	v := domain.Venue{
		Name:    key.Exchange,
		Title:   d.text("title"),
		Status:  domain.VenueStatus(d.small("status")),
		Params:  d.named("params"),
		Time:    d.time("time"),
		Emptied: d.uint("emptied"),
	}
	return v, d.err
}

func (e *encoder) symbol(s domain.Symbol) {
	e.begin(9)
	e.text(s.VenueSymbol)
	e.text(s.Base)
	e.text(s.Quote)
	e.text(s.Settle)
	e.decimal(s.TickSize)
	e.decimal(s.LotSize)
	e.decimal(s.MinVolume)
	e.decimal(s.MinNotional)
	e.bool(s.Trading)
}

// DecodeSymbol reads a symbol's payload, which must not be empty. The key gives
// exchange and name.
func DecodeSymbol(key domain.Key, data []byte) (domain.Symbol, error) {
	var d decoder
	d.begin(data, 9)
	s := domain.Symbol{
		Exchange:    key.Exchange,
		Name:        key.Symbol,
		VenueSymbol: d.text("venue_symbol"),
		Base:        d.text("base"),
		Quote:       d.text("quote"),
		Settle:      d.text("settle"),
		TickSize:    d.decimal("tick_size"),
		LotSize:     d.decimal("lot_size"),
		MinVolume:   d.decimal("min_volume"),
		MinNotional: d.decimal("min_notional"),
		Trading:     d.bool("trading"),
	}
	return s, d.err
}

func (e *encoder) botStatus(b domain.BotStatus) {
	e.begin(2)
	e.named(b.Fields)
	e.int(domain.UnixNano(b.Time))
}

// DecodeBotStatus reads the payload of a bot's status, which must not be empty.
// The key gives bot and feed.
func DecodeBotStatus(key domain.Key, data []byte) (domain.BotStatus, error) {
	var d decoder
	d.begin(data, 2)
	b := domain.BotStatus{Bot: key.Bot, Feed: key.BotFeed, Fields: d.named("fields"), Time: d.time("time")}
	return b, d.err
}

func decodeCatalogue(key domain.Key, data []byte) (domain.Event, error) {
	gone := len(data) == 0
	switch key.Kind {
	case domain.KindVenue:
		if gone {
			return domain.VenueDeleted{Name: key.Exchange}, nil
		}
		return DecodeVenue(key, data)
	case domain.KindSymbol:
		if gone {
			return domain.SymbolDeleted{Exchange: key.Exchange, Name: key.Symbol}, nil
		}
		return DecodeSymbol(key, data)
	}
	if gone {
		return domain.BotDeleted{Bot: key.Bot, Feed: key.BotFeed}, nil
	}
	return DecodeBotStatus(key, data)
}
