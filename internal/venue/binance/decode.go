package binance

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// The kinds of refused messages.
const (
	refusedMalformed    = "malformed"
	refusedKind         = "unknown kind"
	refusedSymbol       = "unknown symbol"
	refusedSubscription = "subscription"
	refusedTick         = "tick"
	refusedTrade        = "trade"
	refusedCandle       = "candle"
)

// Static, because a stream of such messages must not cost an allocation each.
var (
	errUnknownKind   = errors.New("message of an unknown kind")
	errUnknownSymbol = errors.New("message of a symbol that is not subscribed")
	errTooLong       = fmt.Errorf("%w: longer than any the venue has", errMalformed)
)

// maxMessage bounds what is parsed. No subscribed message comes near it; the
// parser's cost for a malformed message grows with its length times its depth.
const maxMessage = 64 << 10

// message is what decode found a frame to be, beyond what it handed on.
type message int

const (
	messageRefused message = iota
	messageData
	messageAnswer   // to a request of ours; see decoder.answer
	messageShutdown // the venue is about to close the connection
)

// decoder turns the frames of one connection into events. It is not safe for
// concurrent use; the feed that it feeds is.
type decoder struct {
	feed   *feed
	parser fastjson.Parser
	fields fields           // of the frame that is being decoded
	answer *fastjson.Object // of the last messageAnswer, until the next decode
}

// decode reads one frame and hands its events to the sink.
func (d *decoder) decode(frame []byte, received time.Time) message {
	if len(frame) > maxMessage {
		return d.refuse(refusedMalformed, errTooLong)
	}
	root, err := d.parser.ParseBytes(frame) // bounds the depth
	if err == nil {
		err = fastjson.ValidateBytes(frame) // the parser alone is lenient
	}
	if err != nil {
		return d.refuse(refusedMalformed, fmt.Errorf("%w: %.200s", errMalformed, err.Error()))
	}
	object, err := root.Object()
	if err != nil {
		return d.refuse(refusedMalformed, errMalformed)
	}
	f := &d.fields
	*f = fields{object: object, now: received, scratch: f.scratch}
	if object.Get("stream") != nil {
		f.text("stream")
		if data := f.get("data", fastjson.TypeObject); data != nil {
			f.object, _ = data.Object() // of type object: no error
		}
	}
	m := d.dispatch(f)
	if f.err != nil {
		return d.refuse(refusedMalformed, f.err)
	}
	return m
}

// dispatch tells the kinds apart: by "e", which only book tickers and answers
// lack.
func (d *decoder) dispatch(f *fields) message {
	if f.err != nil {
		return messageRefused
	}
	if f.object.Get("e") == nil {
		switch {
		case f.has("u", fastjson.TypeNumber) && f.object.Get("s") != nil:
			return d.bookTicker(f)
		case f.object.Get("result") != nil, f.object.Get("error") != nil, f.object.Get("code") != nil:
			d.answer = f.object
			return messageAnswer
		}
		return d.refuse(refusedKind, errUnknownKind)
	}
	switch kind := f.text("e"); {
	case kind == string(d.feed.trades):
		return d.trade(f, kind == string(AggregateTrades))
	case kind == "24hrTicker":
		return d.ticker(f)
	case kind == "kline":
		return d.kline(f)
	case kind == "serverShutdown":
		return messageShutdown
	case f.err != nil:
		return messageRefused
	}
	return d.refuse(refusedKind, errUnknownKind)
}

func (d *decoder) refuse(kind string, err error) message {
	d.feed.sink.Refused(kind, err)
	return messageRefused
}

// market looks the symbol up; nil, refused or with f.err set, without one.
func (d *decoder) market(f *fields) *market {
	name := f.text("s")
	if f.err != nil {
		return nil
	}
	m := d.feed.markets[name]
	if m == nil {
		d.refuse(refusedSymbol, errUnknownSymbol)
	}
	return m
}

func (f *fields) quote() quote {
	return quote{bid: f.decimal("b"), bidSize: f.decimal("B"), ask: f.decimal("a"), askSize: f.decimal("A")}
}

func (d *decoder) bookTicker(f *fields) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	seq, q := f.number("u"), f.quote()
	if f.err != nil {
		return messageRefused
	}
	m.takeQuote(q, seq, f.now, d.feed.sink)
	return messageData
}

func (d *decoder) ticker(f *fields) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	t := ticker{at: f.millis("E"), last: f.decimal("c"), volume: f.decimal("v"), quote: f.quote()}
	if f.err != nil {
		return messageRefused
	}
	m.takeTicker(t, f.now, d.feed.sink)
	return messageData
}

func (d *decoder) trade(f *fields, aggregate bool) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	id := "t"
	if aggregate {
		id = "a"
	}
	t := venue.NumberedTrade{
		Trade: domain.Trade{
			Side:     aggressor(f.flag("m")),
			Price:    f.decimal("p"),
			Volume:   f.decimal("q"),
			Time:     time.UnixMilli(f.millis("T")).UTC(),
			Received: f.now,
		},
		Number: f.number(id),
	}
	sent := f.millis("E")
	if f.err != nil {
		return messageRefused
	}
	t.ID = strconv.FormatUint(t.Number, 10)
	m.takeTrade(t, max(sent, t.Time.UnixMilli()), d.feed.sink)
	return messageData
}

// aggressor is the taker's side, given that the buyer was the maker or not.
func aggressor(buyerIsMaker bool) domain.Side {
	if buyerIsMaker {
		return domain.Sell
	}
	return domain.Buy
}

func (d *decoder) kline(f *fields) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	sent := f.millis("E")
	bar := f.get("k", fastjson.TypeObject)
	if f.err != nil {
		return messageRefused
	}
	f.object, _ = bar.Object() // of type object: no error
	closed, interval := f.flag("x"), f.text("i")
	if f.err != nil {
		return messageRefused
	}
	at := slices.Index(domain.Timeframes, domain.Timeframe(interval))
	if at < 0 {
		return d.refuse(refusedKind, errUnknownKind)
	}
	m.saw(sent)
	if !closed {
		return messageData
	}
	c := domain.Candle{
		Timeframe: domain.Timeframes[at], // interval's text does not last
		Time:      time.UnixMilli(f.millis("t")).UTC(),
		Open:      f.decimal("o"),
		High:      f.decimal("h"),
		Low:       f.decimal("l"),
		Close:     f.decimal("c"),
		Volume:    f.decimal("v"),
		Trades:    f.integer("n"),
		Source:    domain.FromVenue,
		Closed:    true,
	}
	if f.err != nil {
		return messageRefused
	}
	m.takeCandle(c, d.feed.sink)
	return messageData
}
