package domain

import "time"

// Kind is the first token of an event's subject.
type Kind string

// The kinds of events.
const (
	KindTick   Kind = "tick"
	KindFeed   Kind = "feed"
	KindTrade  Kind = "trade"
	KindCandle Kind = "candle"
	KindGap    Kind = "gap"

	KindBalance   Kind = "balance"
	KindPosition  Kind = "position"
	KindPositions Kind = "positions"
	KindFill      Kind = "fill"
	KindAck       Kind = "ack"

	KindDifference Kind = "difference"

	KindOrder          Kind = "order"
	KindBlock          Kind = "block"
	KindBlockRenewal   Kind = "block-renewal"
	KindOpening        Kind = "opening"
	KindOpeningRenewal Kind = "opening-renewal"
	KindGranted        Kind = "granted"
	KindHalt           Kind = "halt"
	KindHaltAll        Kind = "halt-all"
	KindFence          Kind = "fence"

	KindVenue  Kind = "venue"
	KindSymbol Kind = "symbol"
	KindBot    Kind = "bot"
)

// Key names what an event is about. What its kind does not need is empty:
// Symbol for feeds, Timeframe for everything but candles, Account for market
// data.
type Key struct {
	Kind      Kind
	Account   string
	Exchange  string
	Symbol    string
	Currency  string
	Timeframe Timeframe
	OrderID   string
	Bot       string
	BotFeed   string
}

// Event is something that happened and is worth keeping: a Tick, TickDeleted,
// Feed, Trade, Candle, Gap, Balance, Position, PositionDeleted,
// PositionsReplaced, Fill, FillAcked, Difference, Order, OrderDeleted, Claim, ClaimRenewal,
// Granted, Halt, Fence, Venue, VenueDeleted, Symbol, SymbolDeleted, BotStatus or
// BotDeleted.
type Event interface {
	Key() Key
	Validate() error
}

// TickDeleted removes a market's tick from the cache.
type TickDeleted struct {
	Exchange string
	Symbol   string
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d TickDeleted) Validate() error { return checkMarket(d.Exchange, d.Symbol) }

// Key implements Event.
func (t Tick) Key() Key { return Key{Kind: KindTick, Exchange: t.Exchange, Symbol: t.Symbol} }

// Key implements Event.
func (d TickDeleted) Key() Key { return Key{Kind: KindTick, Exchange: d.Exchange, Symbol: d.Symbol} }

// Key implements Event.
func (f Feed) Key() Key { return Key{Kind: KindFeed, Exchange: f.Exchange} }

// Key implements Event.
func (t Trade) Key() Key { return Key{Kind: KindTrade, Exchange: t.Exchange, Symbol: t.Symbol} }

// Key implements Event.
func (c Candle) Key() Key {
	return Key{Kind: KindCandle, Exchange: c.Exchange, Symbol: c.Symbol, Timeframe: c.Timeframe}
}

// Key implements Event.
func (g Gap) Key() Key { return Key{Kind: KindGap, Exchange: g.Exchange, Symbol: g.Symbol} }

// Key implements Event.
func (b Balance) Key() Key {
	return Key{Kind: KindBalance, Account: b.Account, Currency: b.Currency}
}

// Key implements Event.
func (p Position) Key() Key {
	return Key{Kind: KindPosition, Account: p.Account, Symbol: p.Symbol}
}

// Key implements Event.
func (d PositionDeleted) Key() Key {
	return Key{Kind: KindPosition, Account: d.Account, Symbol: d.Symbol}
}

// Key implements Event.
func (r PositionsReplaced) Key() Key { return Key{Kind: KindPositions, Account: r.Account} }

// Key implements Event.
func (f Fill) Key() Key { return Key{Kind: KindFill, Account: f.Account, Exchange: f.Exchange} }

// Key implements Event.
func (a FillAcked) Key() Key { return Key{Kind: KindAck, Account: a.Account, Exchange: a.Exchange} }

// Key implements Event.
func (d Difference) Key() Key {
	return Key{Kind: KindDifference, Account: d.Account, Symbol: d.Symbol, Currency: d.Currency}
}

// Key implements Event.
func (o Order) Key() Key { return Key{Kind: KindOrder, Exchange: o.Exchange, OrderID: o.ID} }

// Key implements Event.
func (d OrderDeleted) Key() Key { return Key{Kind: KindOrder, Exchange: d.Exchange, OrderID: d.ID} }

// Key implements Event.
func (c Claim) Key() Key { return Key{Kind: c.Kind, Exchange: c.Exchange, Symbol: c.Symbol} }

// Key implements Event.
func (r ClaimRenewal) Key() Key {
	return Key{Kind: r.Kind.renewal(), Exchange: r.Exchange, Symbol: r.Symbol}
}

// Key implements Event.
func (g Granted) Key() Key { return Key{Kind: KindGranted, Exchange: g.Exchange} }

// Key implements Event.
func (h Halt) Key() Key {
	if h.All {
		return Key{Kind: KindHaltAll, Exchange: h.Exchange}
	}
	return Key{Kind: KindHalt, Exchange: h.Exchange, Bot: h.Bot}
}

// Key implements Event.
func (f Fence) Key() Key { return Key{Kind: KindFence, Exchange: f.Exchange, Symbol: f.Symbol} }

// Key implements Event.
func (v Venue) Key() Key { return Key{Kind: KindVenue, Exchange: v.Name} }

// Key implements Event.
func (d VenueDeleted) Key() Key { return Key{Kind: KindVenue, Exchange: d.Name} }

// Key implements Event.
func (s Symbol) Key() Key { return Key{Kind: KindSymbol, Exchange: s.Exchange, Symbol: s.Name} }

// Key implements Event.
func (d SymbolDeleted) Key() Key { return Key{Kind: KindSymbol, Exchange: d.Exchange, Symbol: d.Name} }

// Key implements Event.
func (b BotStatus) Key() Key { return Key{Kind: KindBot, Bot: b.Bot, BotFeed: b.Feed} }

// Key implements Event.
func (d BotDeleted) Key() Key { return Key{Kind: KindBot, Bot: d.Bot, BotFeed: d.Feed} }

// renewal is the kind of the renewals of a kind of claims.
func (k Kind) renewal() Kind {
	if k == KindOpening {
		return KindOpeningRenewal
	}
	return KindBlockRenewal
}

// Claim is the kind of claims that renewals of a kind are about.
func (k Kind) Claim() Kind {
	if k == KindOpeningRenewal {
		return KindOpening
	}
	return KindBlock
}

// Record is one message of the log as a reader gets it, still encoded.
type Record struct {
	Key     Key    // zero Kind: the subject is none of ours
	Subject string // as stored
	Seq     uint64
	Time    time.Time // when the log stored it
	Data    []byte    // not to be changed
}

// LogPosition is a place in the log: what a writer gets for an acknowledged
// event, and what a reader waits for to read its own write.
type LogPosition struct {
	Stream string
	Seq    uint64
}
