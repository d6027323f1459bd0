package bybit

import (
	"errors"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// maxFrame bounds what is parsed: 1024 trades are the longest.
const maxFrame = 512 << 10

// message is what decode found a frame to be, beyond what it handed on.
type message int

const (
	messageOther  message = iota // refused, or of no consequence
	messageData                  // of a subscribed symbol
	messageAnswer                // to a request of ours; see decoder.answer
)

var errNoSnapshot = errors.New("a change of what was not sent before")

// decoder turns the frames of one connection into events. It is not safe for
// concurrent use; the feed that it feeds is.
type decoder struct {
	feed   *venue.Feed
	reader frame.Reader
	answer *frame.Fields // of the last messageAnswer, until the next decode
	batch  venue.Batch

	// The last whole states, because the venue sends only what changed.
	books   map[*venue.Market]venue.Quote
	tickers map[*venue.Market]venue.Change
}

func newDecoder(f *venue.Feed) decoder {
	return decoder{
		feed: f, reader: frame.Reader{MaxBytes: maxFrame},
		books: map[*venue.Market]venue.Quote{}, tickers: map[*venue.Market]venue.Change{},
	}
}

// decode reads one frame and hands its events to the sink.
func (d *decoder) decode(text []byte, received time.Time) message {
	f, err := d.reader.Read(text, received)
	if err != nil {
		d.batch.Interrupted() // it may have had trades
		return d.refuse(venue.RefusedMalformed, err)
	}
	d.batch.Reset()
	m := d.dispatch(f)
	if f.Err != nil {
		return d.refuse(venue.RefusedMalformed, f.Err)
	}
	d.batch.Deliver(received)
	return m
}

func (d *decoder) refuse(kind string, err error) message {
	d.feed.Refuse(kind, err)
	return messageOther
}

func (d *decoder) dispatch(f *frame.Fields) message {
	if f.Object.Get("topic") == nil {
		return d.operation(f)
	}
	topic := f.Text("topic")
	if f.Err != nil {
		return messageOther
	}
	kind, name := topic, ""
	if dot := strings.LastIndexByte(topic, '.'); dot >= 0 {
		kind, name = topic[:dot], topic[dot+1:]
	}
	var read func(*frame.Fields, *venue.Market) message
	switch {
	case kind == bookTopic:
		read = d.book
	case kind == tradeTopic:
		read = d.trades
	case kind == tickerTopic:
		read = d.ticker
	case strings.HasPrefix(kind, barTopics):
		read = d.bars
	default:
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	market := d.feed.Market(name)
	if market == nil {
		return messageOther
	}
	return read(f, market)
}

// operation reads what is no data: an answer to what we sent.
func (d *decoder) operation(f *frame.Fields) message {
	if f.Object.Get("op") == nil {
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	switch f.Text("op") {
	case "subscribe":
		d.answer = f
		return messageAnswer
	case "ping", "pong", "unsubscribe":
		return messageOther
	}
	if f.Err != nil {
		return messageOther
	}
	return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
}

// snapshot tells whether a message has the whole state.
func snapshot(f *frame.Fields) bool {
	switch f.Text("type") {
	case "snapshot":
		return true
	case "delta":
		return false
	}
	f.Fail("type", "snapshot or delta")
	return false
}

func (d *decoder) book(f *frame.Fields, market *venue.Market) message {
	q, known := d.books[market]
	switch {
	case snapshot(f):
		q = venue.Quote{}
	case f.Err == nil && !known:
		return d.refuse(venue.RefusedSequence, errNoSnapshot)
	}
	at := f.Millis("ts")
	f.Enter("data")
	side(f, "b", &q.Bid, &q.BidSize, domain.Decimal.GreaterThan)
	side(f, "a", &q.Ask, &q.AskSize, domain.Decimal.LessThan)
	if f.Err != nil {
		return messageOther
	}
	d.books[market] = q
	d.batch.Change(market, venue.Change{Time: at, Quote: q, Sure: venue.FirmQuote})
	return messageData
}

// side brings one side of a book up to date: the best new price is the best
// price, whatever was before. A size of zero takes a price back.
func side(f *frame.Fields, key string, price, size *domain.Decimal, better func(domain.Decimal, domain.Decimal) bool) {
	fresh := false
	for _, level := range f.List(key) {
		p, s := f.Level(key, level)
		switch {
		case s.IsZero():
			if !fresh && p.Equal(*price) {
				*price, *size = domain.Decimal{}, domain.Decimal{}
			}
		case !fresh || better(p, *price):
			*price, *size, fresh = p, s, true
		}
	}
}

func (d *decoder) ticker(f *frame.Fields, market *venue.Market) message {
	c, known := d.tickers[market]
	switch {
	case snapshot(f):
		c = venue.Change{}
	case f.Err == nil && !known:
		return d.refuse(venue.RefusedSequence, errNoSnapshot)
	}
	c.Time = f.Millis("ts")
	f.Enter("data")
	update(f, "lastPrice", &c.Last)
	c.VolumeTold = update(f, "volume24h", &c.Volume) || c.VolumeTold
	// Of linear markets only.
	if bid, ask := update(f, "bid1Price", &c.Quote.Bid), update(f, "ask1Price", &c.Quote.Ask); bid || ask {
		c.Sure = venue.LooseQuote
	}
	update(f, "bid1Size", &c.Quote.BidSize)
	update(f, "ask1Size", &c.Quote.AskSize)
	if f.Err != nil {
		return messageOther
	}
	d.tickers[market] = c
	d.batch.Change(market, c)
	return messageData
}

// update takes a member over if it is told.
func update(f *frame.Fields, key string, into *domain.Decimal) (told bool) {
	value, told := f.Given(key)
	if told {
		*into = value
	}
	return told
}

func (d *decoder) trades(f *frame.Fields, market *venue.Market) message {
	for _, element := range f.List("data") {
		if !f.Item(element) {
			break
		}
		d.batch.Trade(market, venue.NumberedTrade{Trade: domain.Trade{
			ID:       strings.Clone(f.Text("i")),
			Side:     aggressor(f),
			Price:    f.Decimal("p"),
			Volume:   f.Decimal("v"),
			Time:     f.Millis("T"),
			Received: f.Now,
		}})
	}
	if f.Err != nil {
		d.batch.Interrupted()
	}
	return messageData
}

func aggressor(f *frame.Fields) domain.Side {
	side := sides[f.Text("S")]
	if side == 0 {
		f.Fail("S", "Buy or Sell")
	}
	return side
}

// sides are the taker's, as the venue names them.
var sides = map[string]domain.Side{"Buy": domain.Buy, "Sell": domain.Sell}

// bars hands on those that are final.
func (d *decoder) bars(f *frame.Fields, market *venue.Market) message {
	for _, element := range f.List("data") {
		if !f.Item(element) {
			break
		}
		tf, final := timeframes[f.Text("interval")], f.Flag("confirm")
		if f.Err == nil && tf == "" {
			return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
		}
		c := domain.Candle{
			Timeframe: tf,
			Time:      f.Millis("start"),
			Open:      f.Decimal("open"),
			High:      f.Decimal("high"),
			Low:       f.Decimal("low"),
			Close:     f.Decimal("close"),
			Volume:    f.Decimal("volume"),
			Source:    domain.FromVenue,
			Closed:    true,
		}
		if final && f.Err == nil {
			d.batch.Candle(market, c)
		}
	}
	return messageData
}
