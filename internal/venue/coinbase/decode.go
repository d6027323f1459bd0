package coinbase

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// maxFrame bounds a message: the status of all products is the longest.
const maxFrame = 4 << 20

// timeframe of the bars, of which the venue has one kind.
const timeframe = domain.Timeframe("5m")

// message is what decode found a frame to be, beyond what it handed on.
type message int

const (
	messageOther  message = iota // refused, or of no consequence
	messageData                  // of a subscribed symbol
	messageListed                // what is subscribed now; see decoder.listed
	messageError                 // a refusal of a request; see decoder.why
)

// subscription is a product that is subscribed to a channel.
type subscription struct{ topic, name string }

// decoder turns the frames of one connection into events. It is not safe for
// concurrent use; the feed that it feeds is.
type decoder struct {
	feed   *venue.Feed
	reader frame.Reader
	batch  venue.Batch

	next   uint64            // number of the next message
	status map[string]string // of products that are not online

	// Of the last frame.
	missed bool // messages before it were lost
	listed []subscription
	why    error
}

func newDecoder(f *venue.Feed) decoder {
	return decoder{feed: f, reader: frame.Reader{MaxBytes: maxFrame}, status: map[string]string{}}
}

// decode reads one frame and hands its events to the sink.
func (d *decoder) decode(text []byte, received time.Time) message {
	d.missed = false
	f, err := d.reader.Read(text, received)
	if err != nil {
		return d.refuse(venue.RefusedMalformed, err)
	}
	d.batch.Reset()
	root := f.Object
	m := d.dispatch(f)
	if f.Err != nil {
		return d.refuse(venue.RefusedMalformed, f.Err)
	}
	f.Object = root
	d.count(f)
	d.batch.Deliver(received)
	return m
}

var errMissed = errors.New("messages of the connection are missing")

// count looks at the number of the message.
func (d *decoder) count(f *frame.Fields) {
	if !f.Has("sequence_num", fastjson.TypeNumber) {
		return
	}
	n := f.Integer("sequence_num")
	if f.Err == nil && n > d.next {
		d.missed = true
		d.feed.Refuse(venue.RefusedSequence, errMissed)
	}
	d.next = max(d.next, n+1)
}

func (d *decoder) dispatch(f *frame.Fields) message {
	if f.Object.Get("channel") == nil {
		if f.Has("type", fastjson.TypeString) && f.Text("type") == "error" {
			return d.refused(f)
		}
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	switch f.Text("channel") {
	case "ticker":
		sent := f.Time("timestamp")
		return d.each(f, "tickers", "product_id", func(m *venue.Market) { d.ticker(f, m, sent) })
	case "market_trades":
		return d.each(f, "trades", "product_id", func(m *venue.Market) { d.trade(f, m) })
	case "candles":
		return d.each(f, "candles", "product_id", func(m *venue.Market) { d.candle(f, m) })
	case "status":
		d.products(f)
		return messageOther
	case "subscriptions":
		return d.subscriptions(f)
	case "heartbeats":
		return messageOther
	}
	if f.Err != nil {
		return messageOther
	}
	return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
}

func (d *decoder) refuse(kind string, err error) message {
	d.feed.Refuse(kind, err)
	return messageOther
}

// refused keeps what the venue says of a request.
func (d *decoder) refused(f *frame.Fields) message {
	d.why = errors.New(truncated(f.Text("message")))
	return messageError
}

// each reads the elements of the lists of that name in a message's events.
func (d *decoder) each(f *frame.Fields, list, product string, read func(*venue.Market)) (m message) {
	for _, event := range f.List("events") {
		if !f.Item(event) {
			return messageOther
		}
		for _, element := range f.List(list) {
			if !f.Item(element) {
				return messageOther
			}
			name := f.Text(product)
			if f.Err != nil {
				return messageOther
			}
			if market := d.feed.Market(name); market != nil {
				read(market)
				m = messageData
			}
		}
	}
	return m
}

func (d *decoder) ticker(f *frame.Fields, market *venue.Market, sent time.Time) {
	c := venue.Change{Time: sent, LastSure: true}
	c.Last, _ = f.OptionalDecimal("price")
	c.Volume, c.VolumeTold = f.OptionalDecimal("volume_24_h")
	bid, hasBid := f.OptionalDecimal("best_bid")
	ask, hasAsk := f.OptionalDecimal("best_ask")
	if hasBid || hasAsk {
		c.Sure, c.Quote.Bid, c.Quote.Ask = venue.FirmQuote, bid, ask
		c.Quote.BidSize, _ = f.OptionalDecimal("best_bid_quantity")
		c.Quote.AskSize, _ = f.OptionalDecimal("best_ask_quantity")
	}
	d.batch.Change(market, c)
}

func (d *decoder) trade(f *frame.Fields, market *venue.Market) {
	t := venue.NumberedTrade{
		Trade: domain.Trade{
			Side:     aggressor(f.Text("side")),
			Price:    f.Decimal("price"),
			Volume:   f.Decimal("size"),
			Time:     f.Time("time"),
			Received: f.Now,
		},
		Number: f.PositiveText("trade_id"),
	}
	if t.Side == 0 {
		f.Fail("side", "BUY or SELL")
	}
	t.ID = strconv.FormatUint(t.Number, 10)
	d.batch.Trade(market, t)
}

// aggressor is the taker's side, given the maker's; zero for neither.
func aggressor(maker string) domain.Side {
	switch maker {
	case "BUY":
		return domain.Sell
	case "SELL":
		return domain.Buy
	}
	return 0
}

func (d *decoder) candle(f *frame.Fields, market *venue.Market) {
	d.batch.Candle(market, domain.Candle{
		Timeframe: timeframe,
		Time:      f.SecondsText("start"),
		Open:      f.Decimal("open"),
		High:      f.Decimal("high"),
		Low:       f.Decimal("low"),
		Close:     f.Decimal("close"),
		Volume:    f.Decimal("volume"),
		Source:    domain.FromVenue,
	})
}

// products tells of products of ours that are not online, once for each change.
func (d *decoder) products(f *frame.Fields) {
	for _, event := range f.List("events") {
		if !f.Item(event) {
			return
		}
		for _, element := range f.List("products") {
			if !f.Item(element) {
				return
			}
			name, status := f.Text("id"), f.Text("status")
			if f.Err != nil || !d.feed.Has(name) || d.status[name] == status || status == "online" && d.status[name] == "" {
				continue
			}
			status = strings.Clone(truncated(status))
			d.status[strings.Clone(name)] = status
			if status != "online" {
				d.refuse(venue.RefusedMaintenance, fmt.Errorf("%s is %s", d.feed.Unified(strings.Clone(name)), status))
			}
		}
	}
}

// subscriptions keeps what the venue lists.
func (d *decoder) subscriptions(f *frame.Fields) message {
	d.listed = d.listed[:0]
	for _, event := range f.List("events") {
		if !f.Item(event) {
			return messageOther
		}
		f.Enter("subscriptions")
		if f.Err != nil {
			return messageOther
		}
		f.Object.Visit(func(topic []byte, names *fastjson.Value) {
			for _, name := range names.GetArray() {
				d.listed = append(d.listed, subscription{string(topic), string(name.GetStringBytes())})
			}
		})
	}
	return messageListed
}
