package binance

import (
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

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
	feed   *venue.Feed
	trades TradeKind
	reader frame.Reader
	answer *frame.Fields // of the last messageAnswer, until the next decode
}

// decode reads one frame and hands its events to the sink.
func (d *decoder) decode(text []byte, received time.Time) message {
	f, err := d.reader.Read(text, received)
	if err != nil {
		return d.refuse(venue.RefusedMalformed, err)
	}
	if f.Object.Get("stream") != nil {
		f.Text("stream")
		f.Enter("data")
	}
	m := d.dispatch(f)
	if f.Err != nil {
		return d.refuse(venue.RefusedMalformed, f.Err)
	}
	return m
}

// dispatch tells the kinds apart: by "e", which only answers and the book tickers
// of spot lack.
func (d *decoder) dispatch(f *frame.Fields) message {
	if f.Err != nil {
		return messageRefused
	}
	if f.Object.Get("e") == nil {
		switch {
		case f.Has("u", fastjson.TypeNumber) && f.Object.Get("s") != nil:
			return d.bookTicker(f, false)
		case f.Object.Get("result") != nil, f.Object.Get("error") != nil, f.Object.Get("code") != nil:
			d.answer = f
			return messageAnswer
		}
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	switch kind := f.Text("e"); {
	case kind == string(d.trades):
		return d.trade(f, kind == string(AggregateTrades))
	case kind == "bookTicker":
		return d.bookTicker(f, true)
	case kind == "24hrTicker":
		return d.ticker(f)
	case kind == "kline":
		return d.kline(f)
	case kind == "serverShutdown":
		return messageShutdown
	case f.Err != nil:
		return messageRefused
	}
	return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
}

func (d *decoder) refuse(kind string, err error) message {
	d.feed.Refuse(kind, err)
	return messageRefused
}

// market looks the symbol up; nil, refused or with f.Err set, without one.
func (d *decoder) market(f *frame.Fields) *venue.Market {
	name := f.Text("s")
	if f.Err != nil {
		return nil
	}
	return d.feed.Market(name)
}

func quote(f *frame.Fields) venue.Quote {
	return venue.Quote{Bid: f.Decimal("b"), BidSize: f.Decimal("B"), Ask: f.Decimal("a"), AskSize: f.Decimal("A")}
}

// bookTicker reads the best bid and ask; those of futures are timed. T is when
// they became so, E when the venue sent it.
func (d *decoder) bookTicker(f *frame.Fields, timed bool) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	c := venue.Change{Seq: f.Positive("u"), Quote: quote(f), Sure: venue.FirmQuote}
	var sent time.Time
	if timed {
		c.Time, sent = f.Millis("T"), f.Millis("E")
	}
	if f.Err != nil {
		return messageRefused
	}
	if timed {
		m.Saw(sent)
	}
	m.Change(c, f.Now)
	return messageData
}

func (d *decoder) ticker(f *frame.Fields) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	c := venue.Change{Time: f.Millis("E"), Last: f.Decimal("c"), Volume: f.Decimal("v"), VolumeTold: true}
	if f.Told("b") { // that of futures has no quote
		c.Quote, c.Sure = quote(f), venue.LooseQuote
	}
	if f.Err != nil {
		return messageRefused
	}
	m.Change(c, f.Now)
	return messageData
}

func (d *decoder) trade(f *frame.Fields, aggregate bool) message {
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
			Side:     aggressor(f.Flag("m")),
			Price:    f.Decimal("p"),
			Volume:   f.Decimal("q"),
			Time:     f.Millis("T"),
			Received: f.Now,
		},
		Number: f.Positive(id),
	}
	sent := f.Millis("E")
	if f.Err != nil {
		return messageRefused
	}
	t.ID = strconv.FormatUint(t.Number, 10)
	m.Trade(t, sent)
	return messageData
}

// aggressor is the taker's side, given that the buyer was the maker or not.
func aggressor(buyerIsMaker bool) domain.Side {
	if buyerIsMaker {
		return domain.Sell
	}
	return domain.Buy
}

func (d *decoder) kline(f *frame.Fields) message {
	m := d.market(f)
	if m == nil {
		return messageRefused
	}
	sent := f.Millis("E")
	f.Enter("k")
	closed, interval := f.Flag("x"), f.Text("i")
	if f.Err != nil {
		return messageRefused
	}
	at := slices.Index(domain.Timeframes, domain.Timeframe(interval))
	if at < 0 {
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	m.Saw(sent)
	if !closed {
		return messageData
	}
	c := domain.Candle{
		Timeframe: domain.Timeframes[at], // interval's text does not last
		Time:      f.Millis("t"),
		Open:      f.Decimal("o"),
		High:      f.Decimal("h"),
		Low:       f.Decimal("l"),
		Close:     f.Decimal("c"),
		Volume:    f.Decimal("v"),
		Trades:    f.Integer("n"),
		Source:    domain.FromVenue,
		Closed:    true,
	}
	if f.Err != nil {
		return messageRefused
	}
	m.Candle(c)
	return messageData
}
