package kraken

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// maxFrame bounds what is parsed: a snapshot of bars is the longest.
const maxFrame = 1 << 20

// message is what decode found a frame to be, beyond what it handed on.
type message int

const (
	messageOther  message = iota // refused, or of no consequence
	messageData                  // of a subscribed symbol
	messageAnswer                // to a request of ours; see decoder.answer
)

// decoder turns the frames of one connection into events. It is not safe for
// concurrent use; the feed that it feeds is.
type decoder struct {
	feed   *venue.Feed
	reader frame.Reader
	answer *frame.Fields // of the last messageAnswer, until the next decode
	batch  venue.Batch
}

func newDecoder(f *venue.Feed) decoder {
	return decoder{feed: f, reader: frame.Reader{MaxBytes: maxFrame}}
}

// decode reads one frame and hands its events to the sink.
func (d *decoder) decode(text []byte, received time.Time) message {
	f, err := d.reader.Read(text, received)
	if err != nil {
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

func (d *decoder) dispatch(f *frame.Fields) message {
	if f.Object.Get("channel") == nil {
		if f.Object.Get("method") == nil {
			return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
		}
		switch f.Text("method") {
		case "subscribe", "unsubscribe":
			d.answer = f
			return messageAnswer
		case "pong":
			return messageOther
		}
		return d.unknown(f)
	}
	switch f.Text("channel") {
	case "ticker":
		return d.each(f, d.ticker)
	case "trade":
		return d.each(f, d.trade)
	case "ohlc":
		return d.each(f, d.ohlc)
	case "heartbeat":
		return messageOther
	case "status":
		d.status(f)
		return messageOther
	}
	return d.unknown(f)
}

// unknown refuses a kind, unless it could not even be read.
func (d *decoder) unknown(f *frame.Fields) message {
	if f.Err != nil {
		return messageOther
	}
	return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
}

func (d *decoder) refuse(kind string, err error) message {
	d.feed.Refuse(kind, err)
	return messageOther
}

// each reads the elements of a channel's message.
func (d *decoder) each(f *frame.Fields, read func(*frame.Fields, *venue.Market)) (m message) {
	for _, element := range f.List("data") {
		if !f.Item(element) {
			return messageOther
		}
		name := f.Text("symbol")
		if f.Err != nil {
			return messageOther
		}
		if market := d.feed.Market(name); market != nil {
			read(f, market)
			m = messageData
		}
	}
	return m
}

func (d *decoder) ticker(f *frame.Fields, market *venue.Market) {
	c := venue.Change{
		Sure: venue.FirmQuote,
		Quote: venue.Quote{
			Bid: f.DecimalNumber("bid"), BidSize: f.DecimalNumber("bid_qty"),
			Ask: f.DecimalNumber("ask"), AskSize: f.DecimalNumber("ask_qty"),
		},
	}
	if f.Told("last") {
		c.Last = f.DecimalNumber("last")
	}
	if f.Told("volume") {
		c.Volume, c.VolumeTold = f.DecimalNumber("volume"), true
	}
	if f.Told("timestamp") {
		c.Time = f.Time("timestamp")
	}
	d.batch.Change(market, c)
}

func (d *decoder) trade(f *frame.Fields, market *venue.Market) {
	t := venue.NumberedTrade{
		Trade: domain.Trade{
			Price:    f.DecimalNumber("price"),
			Volume:   f.DecimalNumber("qty"),
			Time:     f.Time("timestamp"),
			Received: f.Now,
		},
		Number: f.Positive("trade_id"),
	}
	switch f.Text("side") { // the taker's
	case "buy":
		t.Side = domain.Buy
	case "sell":
		t.Side = domain.Sell
	default:
		f.Fail("side", "buy or sell")
	}
	t.ID = strconv.FormatUint(t.Number, 10)
	d.batch.Trade(market, t)
}

func (d *decoder) ohlc(f *frame.Fields, market *venue.Market) {
	tf := minutes(f.Positive("interval"))
	if f.Err == nil && tf == "" {
		d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
		return
	}
	d.batch.Candle(market, domain.Candle{
		Timeframe: tf,
		Time:      f.Time("interval_begin"),
		Open:      f.DecimalNumber("open"),
		High:      f.DecimalNumber("high"),
		Low:       f.DecimalNumber("low"),
		Close:     f.DecimalNumber("close"),
		Volume:    f.DecimalNumber("volume"),
		Trades:    f.Integer("trades"),
		Source:    domain.FromVenue,
	})
}

// status tells of a venue that does not work as usual.
func (d *decoder) status(f *frame.Fields) {
	for _, element := range f.List("data") {
		if !f.Item(element) || !f.Has("system", fastjson.TypeString) {
			continue
		}
		if system := f.Text("system"); system != "online" {
			d.refuse(venue.RefusedMaintenance, fmt.Errorf("the venue's system is %s", strings.Clone(truncated(system))))
		}
	}
}
