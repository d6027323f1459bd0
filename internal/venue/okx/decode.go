package okx

import (
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// The channels.
const (
	bestChannel   = "bbo-tbt"
	tickerChannel = "tickers"
	tradeChannel  = "trades-all"
	statusChannel = "status"
)

// barChannels are the channels of bars. Those of up to four hours begin at the
// same times in UTC as in Hong Kong, where the venue's days begin.
var barChannels = map[domain.Timeframe]string{
	"1m": "candle1m", "5m": "candle5m", "15m": "candle15m", "30m": "candle30m",
	"1h": "candle1H", "4h": "candle4H", "1d": "candle1Dutc",
}

// timeframes is the inverse of barChannels.
var timeframes = func() map[string]domain.Timeframe {
	byChannel := make(map[string]domain.Timeframe, len(barChannels))
	for tf, channel := range barChannels {
		byChannel[channel] = tf
	}
	return byChannel
}()

// message is what decode found a frame to be, beyond what it handed on.
type message int

const (
	messageOther   message = iota // refused, or of no consequence
	messageData                   // of a subscribed symbol
	messageGranted                // these three: see decoder.answer
	messageError
	messageNotice
)

// decoder turns the frames of one connection into events. It is not safe for
// concurrent use; the feed that it feeds is.
type decoder struct {
	feed   *venue.Feed
	sizes  *Contracts // nil for spot
	reader frame.Reader
	answer *frame.Fields // of the last message that has none of data, until the next decode
	batch  venue.Batch
}

func newDecoder(f *venue.Feed, sizes *Contracts) decoder { return decoder{feed: f, sizes: sizes} }

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
	if f.Object.Get("event") != nil {
		return d.event(f)
	}
	if f.Object.Get("arg") == nil {
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	data := f.List("data")
	f.Enter("arg")
	channel := f.Text("channel")
	if f.Err != nil {
		return messageOther
	}
	timeframe, isBar := timeframes[channel]
	var read func(*frame.Fields, instrument)
	switch {
	case isBar:
		return d.each(f, data, func(v *fastjson.Value, in instrument) { d.bar(f, v, in, timeframe) })
	case channel == bestChannel:
		read = d.best
	case channel == tickerChannel:
		read = d.ticker
	case channel == tradeChannel:
		read = d.trade
	case channel == statusChannel:
		return d.status(f, data)
	default:
		return d.refuse(venue.RefusedKind, venue.ErrUnknownKind)
	}
	return d.each(f, data, func(v *fastjson.Value, in instrument) {
		if f.Item(v) {
			read(f, in)
		}
	})
}

// event tells what the venue says of the connection.
func (d *decoder) event(f *frame.Fields) message {
	d.answer = f
	switch f.Text("event") {
	case "subscribe":
		return messageGranted
	case "error":
		return messageError
	case "notice":
		return messageNotice
	case "unsubscribe":
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

// instrument is what a message is about.
type instrument struct {
	market *venue.Market
	swap   bool
	contract
}

// each reads the elements of a message whose argument f is in.
func (d *decoder) each(f *frame.Fields, data []*fastjson.Value, read func(*fastjson.Value, instrument)) message {
	name := f.Text("instId")
	if f.Err != nil {
		return messageOther
	}
	in := instrument{market: d.feed.Market(name), swap: d.sizes != nil}
	if in.market == nil {
		return messageOther
	}
	if in.swap {
		known := false
		if in.contract, known = d.sizes.of(name); !known {
			return d.refuse(venue.RefusedSymbol, errNoContract)
		}
	}
	for _, v := range data {
		read(v, in)
	}
	return messageData
}

// size reads a size at a price, in base units.
func (in instrument) size(f *frame.Fields, key, text string, price domain.Decimal) domain.Decimal {
	count := f.DecimalOf(key, text)
	if f.Err != nil {
		return domain.Decimal{}
	}
	size, err := in.base(count, price)
	if err != nil {
		f.Fail(key, "a size that has a price")
	}
	return size
}

// level reads the best of one side; zero where there is none.
func (in instrument) level(f *frame.Fields, side string) (price, size domain.Decimal) {
	levels := f.List(side)
	if len(levels) == 0 {
		return price, size
	}
	if texts := f.Texts(side, levels[0], 2); texts != nil {
		price = f.DecimalOf(side, texts[0])
		size = in.size(f, side, texts[1], price)
	}
	return price, size
}

func (d *decoder) best(f *frame.Fields, in instrument) {
	c := venue.Change{Time: f.MillisText("ts"), Sure: venue.FirmQuote}
	c.Quote.Bid, c.Quote.BidSize = in.level(f, "bids")
	c.Quote.Ask, c.Quote.AskSize = in.level(f, "asks")
	d.batch.Change(in.market, c)
}

// ticker is read without its time: what it tells is older than the best bid and
// ask and the trades of the time when it was made, which must not be refused, or
// taken back, for it.
func (d *decoder) ticker(f *frame.Fields, in instrument) {
	c := venue.Change{Sure: venue.LooseQuote}
	volume := "vol24h"
	if in.swap { // where that is in contracts, and the other not in quote units
		volume = "volCcy24h"
	}
	c.Volume, c.VolumeTold = f.Given(volume)
	c.Last, _ = f.Given("last")
	c.Quote.Bid, c.Quote.BidSize = in.given(f, "bidPx", "bidSz")
	c.Quote.Ask, c.Quote.AskSize = in.given(f, "askPx", "askSz")
	d.batch.Change(in.market, c)
}

// given reads a price and its size, which are empty where there are none.
func (in instrument) given(f *frame.Fields, priceKey, sizeKey string) (price, size domain.Decimal) {
	price, ok := f.Given(priceKey)
	if !ok || price.IsZero() {
		return domain.Decimal{}, domain.Decimal{}
	}
	return price, in.size(f, sizeKey, f.Text(sizeKey), price)
}

func (d *decoder) trade(f *frame.Fields, in instrument) {
	price := f.Decimal("px")
	t := venue.NumberedTrade{
		Trade: domain.Trade{
			Price:    price,
			Volume:   in.size(f, "sz", f.Text("sz"), price),
			Time:     f.MillisText("ts"),
			Received: f.Now,
		},
		Number: f.PositiveText("tradeId"),
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
	d.batch.Trade(in.market, t)
}

// The places in the list that a bar is.
const (
	barTime = iota
	barOpen
	barHigh
	barLow
	barClose
	barVolume     // in contracts of a swap
	barVolumeCoin // in base units of a swap, in quote units of spot
	barVolumeQuote
	barFinal
	barLength
)

// bar hands on bars that are final.
func (d *decoder) bar(f *frame.Fields, v *fastjson.Value, in instrument, tf domain.Timeframe) {
	texts := f.Texts("data", v, barLength)
	if texts == nil {
		return
	}
	volume := barVolume
	if in.swap {
		volume = barVolumeCoin
	}
	c := domain.Candle{
		Timeframe: tf,
		Time:      f.MillisOf("time", texts[barTime]),
		Open:      f.DecimalOf("open", texts[barOpen]),
		High:      f.DecimalOf("high", texts[barHigh]),
		Low:       f.DecimalOf("low", texts[barLow]),
		Close:     f.DecimalOf("close", texts[barClose]),
		Volume:    f.DecimalOf("volume", texts[volume]),
		Source:    domain.FromVenue,
		Closed:    texts[barFinal] == "1",
	}
	switch {
	case c.Closed:
		d.batch.Candle(in.market, c)
	case texts[barFinal] != "0":
		f.Fail("confirm", "0 or 1")
	}
}

// status tells of maintenance that is to come or under way.
func (d *decoder) status(f *frame.Fields, data []*fastjson.Value) message {
	for _, v := range data {
		if !f.Item(v) {
			return messageOther
		}
		switch state := f.Text("state"); {
		case f.Err != nil:
			return messageOther
		case state == "completed" || state == "canceled":
		default:
			d.refuse(venue.RefusedMaintenance, errors.New("maintenance is "+truncated(state)+": "+truncated(f.Text("title"))))
		}
	}
	return messageOther
}
