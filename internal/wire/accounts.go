package wire

import "github.com/fullon/fullon/domain"

func (e *encoder) balance(b domain.Balance) {
	e.begin(4)
	e.int(domain.UnixNano(b.Time))
	e.decimal(b.Total)
	e.decimal(b.Free)
	e.decimal(b.Used)
}

// position also encodes a deletion, which has a time and nothing else.
func (e *encoder) position(p domain.Position, deleted bool) {
	e.begin(8)
	e.int(domain.UnixNano(p.Time))
	e.bool(deleted)
	e.holding(p)
}

// holding is what a position has beside its account, symbol and time.
func (e *encoder) holding(p domain.Position) {
	e.text(p.Exchange)
	e.decimal(p.Volume)
	e.decimal(p.Price)
	e.decimal(p.Cost)
	e.decimal(p.Fee)
	e.decimal(p.Realised)
}

func (e *encoder) positions(r domain.PositionsReplaced) {
	e.begin(2)
	e.int(domain.UnixNano(r.Time))
	_ = e.enc.EncodeArrayLen(len(r.Positions))
	for _, p := range r.Positions {
		_ = e.enc.EncodeArrayLen(7)
		e.text(p.Symbol)
		e.holding(p)
	}
}

func (e *encoder) fill(f domain.Fill) {
	e.begin(12)
	e.text(f.ID)
	e.int(domain.UnixNano(f.Time))
	e.text(f.Symbol)
	e.uint(uint64(f.Side))
	e.decimal(f.Price)
	e.decimal(f.Volume)
	e.decimal(f.Fee)
	e.text(f.FeeCurrency)
	e.bool(f.Maker)
	e.text(f.OrderID)
	e.text(f.ClientOrderID)
	e.uint(f.First)
}

func (e *encoder) ack(a domain.FillAcked) {
	e.begin(1)
	e.text(a.ID)
}

func (e *encoder) difference(d domain.Difference) {
	e.begin(3)
	e.int(domain.UnixNano(d.Time))
	e.decimal(d.Counted)
	e.decimal(d.Said)
}

// DecodeBalance reads a balance's payload. The key gives account and currency.
func DecodeBalance(key domain.Key, data []byte) (domain.Balance, error) {
	var d decoder
	d.begin(data, 4)
	b := domain.Balance{
		Account:  key.Account,
		Currency: key.Currency,
		Time:     d.time("time"),
		Total:    d.signed("total"),
		Free:     d.signed("free"),
		Used:     d.decimal("used"),
	}
	return b, d.err
}

// DecodePosition reads a position's payload, of which deleted says that it is a
// deletion. The key gives account and symbol.
func DecodePosition(key domain.Key, data []byte) (p domain.Position, deleted bool, err error) {
	var d decoder
	d.begin(data, 8)
	p.Account, p.Symbol = key.Account, key.Symbol
	p.Time = d.time("time")
	deleted = d.bool("deleted")
	d.holding(&p)
	return p, deleted, d.err
}

func (d *decoder) holding(p *domain.Position) {
	p.Exchange = d.text("exchange")
	p.Volume = d.signed("volume")
	p.Price = d.decimal("price")
	p.Cost = d.decimal("cost")
	p.Fee = d.signed("fee")
	p.Realised = d.signed("realised")
}

// DecodePositions reads the payload of a whole set. The key gives the account.
func DecodePositions(key domain.Key, data []byte) (domain.PositionsReplaced, error) {
	var d decoder
	d.begin(data, 2)
	r := domain.PositionsReplaced{Account: key.Account, Time: d.time("time")}
	for n := d.list("positions", domain.MaxPositions); n > 0 && d.err == nil; n-- {
		width := d.list("position", 64)
		if d.err == nil && width < 7 {
			d.fail("position", domain.Invalid("position", "", "at least 7 elements"))
		}
		p := domain.Position{Account: key.Account, Time: r.Time, Symbol: d.text("symbol")}
		d.holding(&p)
		for ; width > 7; width-- {
			d.skip("position")
		}
		r.Positions = append(r.Positions, p)
	}
	return r, d.err
}

// DecodeFill reads a fill's payload. The key gives account and exchange.
func DecodeFill(key domain.Key, data []byte) (domain.Fill, error) {
	f := domain.Fill{Account: key.Account, Exchange: key.Exchange}
	err := ReadFill(&f, data, nil)
	return f, err
}

// ReadFill is to DecodeFill what ReadTick is to DecodeTick: of the fill nothing
// is set but account and exchange, and what its symbol and the currency of its
// fee are likely to be: these stay the same strings if they are right. Its other
// texts go to texts.
func ReadFill(f *domain.Fill, data []byte, texts *Texts) error {
	if usualFill(f, data, texts) {
		return nil
	}
	return readFill(f, data, texts)
}

// readFill is ReadFill for any form.
func readFill(f *domain.Fill, data []byte, texts *Texts) error {
	d := decoder{texts: texts}
	d.begin(data, 12)
	f.ID = d.text("id")
	f.Time = d.time("time")
	f.Symbol = d.textAs("symbol", f.Symbol)
	f.Side = domain.Side(d.small("side"))
	f.Price = d.decimal("price")
	f.Volume = d.decimal("volume")
	f.Fee = d.signed("fee")
	f.FeeCurrency = d.textAs("fee_currency", f.FeeCurrency)
	f.Maker = d.bool("maker")
	f.OrderID = d.text("order_id")
	f.ClientOrderID = d.text("client_order_id")
	f.First = d.uint("first")
	return d.err
}

// FillID reads only the id of a fill's payload, which DecodeFill accepted
// before.
func FillID(data []byte) (string, error) {
	var d decoder
	d.begin(data, 12)
	id := d.text("id")
	return id, d.err
}

// DecodeAck reads an acknowledgement's payload. The key gives account and
// exchange.
func DecodeAck(key domain.Key, data []byte) (domain.FillAcked, error) {
	var d decoder
	d.begin(data, 1)
	a := domain.FillAcked{Account: key.Account, Exchange: key.Exchange, ID: d.text("id")}
	return a, d.err
}

// DecodeDifference reads a difference's payload. The key gives account and symbol
// or currency.
func DecodeDifference(key domain.Key, data []byte) (domain.Difference, error) {
	var d decoder
	d.begin(data, 3)
	diff := domain.Difference{
		Account:  key.Account,
		Symbol:   key.Symbol,
		Currency: key.Currency,
		Time:     d.time("time"),
		Counted:  d.signed("counted"),
		Said:     d.signed("said"),
	}
	return diff, d.err
}

func decodeAccount(key domain.Key, data []byte) (domain.Event, error) {
	switch key.Kind {
	case domain.KindBalance:
		return DecodeBalance(key, data)
	case domain.KindPosition:
		p, deleted, err := DecodePosition(key, data)
		if deleted {
			return domain.PositionDeleted{Account: p.Account, Symbol: p.Symbol, Time: p.Time}, err
		}
		return p, err
	case domain.KindPositions:
		return DecodePositions(key, data)
	case domain.KindFill:
		return DecodeFill(key, data)
	case domain.KindDifference:
		return DecodeDifference(key, data)
	}
	return DecodeAck(key, data)
}
