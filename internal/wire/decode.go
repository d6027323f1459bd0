package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// ErrMalformed says that the payload is not what the format says. The errors of this
// package match it, and those of values that are out of bounds match
// domain.ErrInvalid as well.
var ErrMalformed = errors.New("malformed payload")

// ScanTick checks a tick's payload as DecodeTick and Tick.Validate would, and
// returns what orders it, without decoding the rest or allocating.
func ScanTick(data []byte) (domain.TickOrder, error) {
	var d decoder
	d.begin(data, 9)
	order := domain.TickOrder{TimeNs: d.timeNs("time"), VenueSeq: d.uint("venue_seq")}
	d.timeNs("received")
	noLast := d.skipDecimal("last")
	noBid := d.skipDecimal("bid")
	d.skipDecimal("bid_size")
	noAsk := d.skipDecimal("ask")
	d.skipDecimal("ask_size")
	d.skipDecimal("volume")
	if d.err == nil && noLast && noBid && noAsk {
		d.fail("tick", domain.Invalid("tick", "", "at least one of last, bid and ask"))
	}
	return order, d.err
}

// DecodeTick reads a tick's payload. The key gives exchange and symbol.
func DecodeTick(key domain.Key, data []byte) (domain.Tick, error) {
	t := domain.Tick{Exchange: key.Exchange, Symbol: key.Symbol}
	err := ReadTick(&t, data)
	return t, err
}

// ReadTick is DecodeTick into a tick that has its exchange and symbol: an event
// is large, and in a list it is decoded where it stays.
func ReadTick(t *domain.Tick, data []byte) error {
	var d decoder
	d.begin(data, 9)
	t.Time = d.time("time")
	t.VenueSeq = d.uint("venue_seq")
	t.Received = d.time("received")
	t.Last = d.decimal("last")
	t.Bid = d.decimal("bid")
	t.BidSize = d.decimal("bid_size")
	t.Ask = d.decimal("ask")
	t.AskSize = d.decimal("ask_size")
	t.Volume = d.decimal("volume")
	return d.err
}

// DecodeFeed reads a feed's payload. The key gives the exchange.
func DecodeFeed(key domain.Key, data []byte) (domain.Feed, error) {
	var d decoder
	d.begin(data, 4)
	f := domain.Feed{Exchange: key.Exchange}
	f.State = domain.FeedState(d.small("state"))
	f.Time = d.time("time")
	f.Interval = time.Duration(min(d.uint("interval"), uint64(time.Hour/time.Millisecond)+1)) * time.Millisecond
	f.Heard = d.time("heard")
	return f, d.err
}

// DecodeTrade reads a trade's payload. The key gives exchange and symbol.
func DecodeTrade(key domain.Key, data []byte) (domain.Trade, error) {
	t := domain.Trade{Exchange: key.Exchange, Symbol: key.Symbol}
	err := ReadTrade(&t, data, nil)
	return t, err
}

// ReadTrade is to DecodeTrade what ReadTick is to DecodeTick. Its texts go to
// texts.
func ReadTrade(t *domain.Trade, data []byte, texts *Texts) error {
	if usualTrade(t, data, texts) {
		return nil
	}
	return readTrade(t, data, texts)
}

// readTrade is ReadTrade for any form.
func readTrade(t *domain.Trade, data []byte, texts *Texts) error {
	d := decoder{texts: texts}
	d.begin(data, 6)
	t.ID = d.text("id")
	t.Time = d.time("time")
	t.Received = d.time("received")
	t.Side = domain.Side(d.small("side"))
	t.Price = d.decimal("price")
	t.Volume = d.decimal("volume")
	return d.err
}

// TradeID reads only the id of a trade's payload, which DecodeTrade accepted
// before.
func TradeID(data []byte) (string, error) {
	var d decoder
	d.begin(data, 6)
	id := d.text("id")
	return id, d.err
}

// DecodeCandle reads a candle's payload. The key gives the rest.
func DecodeCandle(key domain.Key, data []byte) (domain.Candle, error) {
	var d decoder
	d.begin(data, 9)
	c := domain.Candle{
		Exchange:  key.Exchange,
		Symbol:    key.Symbol,
		Timeframe: key.Timeframe,
		Time:      time.Unix(d.int("time"), 0).UTC(),
		Open:      d.decimal("open"),
		High:      d.decimal("high"),
		Low:       d.decimal("low"),
		Close:     d.decimal("close"),
		Volume:    d.decimal("volume"),
		Trades:    d.uint("trades"),
		Source:    domain.CandleSource(d.small("source")),
		Closed:    d.bool("closed"),
	}
	return c, d.err
}

// DecodeGap reads a gap's payload. The key gives exchange and symbol.
func DecodeGap(key domain.Key, data []byte) (domain.Gap, error) {
	var d decoder
	d.begin(data, 5)
	g := domain.Gap{
		Exchange: key.Exchange,
		Symbol:   key.Symbol,
		FromID:   d.text("from_id"),
		ToID:     d.text("to_id"),
		Missing:  d.uint("missing"),
		Time:     d.time("time"),
		Reason:   d.text("reason"),
	}
	return g, d.err
}

// Decode reads and validates the payload of any event.
func Decode(key domain.Key, data []byte) (domain.Event, error) {
	event, err := decode(key, data)
	if err != nil {
		return nil, err
	}
	if err := event.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return event, nil
}

func decode(key domain.Key, data []byte) (domain.Event, error) {
	switch key.Kind {
	case domain.KindTick:
		if len(data) == 0 {
			return domain.TickDeleted{Exchange: key.Exchange, Symbol: key.Symbol}, nil
		}
		return DecodeTick(key, data)
	case domain.KindFeed:
		return DecodeFeed(key, data)
	case domain.KindTrade:
		return DecodeTrade(key, data)
	case domain.KindCandle:
		return DecodeCandle(key, data)
	case domain.KindGap:
		return DecodeGap(key, data)
	case domain.KindBalance, domain.KindPosition, domain.KindPositions, domain.KindFill, domain.KindAck,
		domain.KindDifference:
		return decodeAccount(key, data)
	case domain.KindOrder, domain.KindBlock, domain.KindBlockRenewal, domain.KindOpening, domain.KindOpeningRenewal, domain.KindGranted,
		domain.KindHalt, domain.KindHaltAll, domain.KindFence:
		return decodeExchange(key, data)
	case domain.KindVenue, domain.KindSymbol, domain.KindBot:
		return decodeCatalogue(key, data)
	}
	return nil, fmt.Errorf("%w: no format for kind %q", ErrMalformed, key.Kind)
}
