package cachestore

import "github.com/fullon/fullon/domain"

// Every key is made here. The hash tag is the stream's name, so that all keys
// of a partition, and only they, share a slot. Exchange names have
// no colon, so a key has one reading whatever the symbol is.

// DefaultPrefix stands before every key.
const DefaultPrefix = "fullon:"

func (p *Partition) key(suffix string) string { return p.tag + suffix }

func (p *Partition) checkpointKey() string { return p.key("checkpoint") }
func (p *Partition) changedKey() string    { return p.key("changed") }
func (p *Partition) exchangesKey() string  { return p.key("exchanges") }
func (p *Partition) marketsKey() string    { return p.key("markets") }

func (p *Partition) ticksKey(exchange string) string { return p.key("ticks:" + exchange) }

func (p *Partition) tradesKey(exchange, symbol string) string {
	return p.key("trades:" + exchange + ":" + symbol)
}

func (p *Partition) gapsKey(exchange, symbol string) string {
	return p.key("gaps:" + exchange + ":" + symbol)
}

func (p *Partition) candlesKey(exchange, symbol string) string {
	return p.key("candles:" + exchange + ":" + symbol)
}

func (p *Partition) accountsKey() string { return p.key("accounts") }
func (p *Partition) queuesKey() string   { return p.key("queues") }

func (p *Partition) balancesKey(account string) string { return p.key("balances:" + account) }

func (p *Partition) positionsKey(account string) string { return p.key("positions:" + account) }

func (p *Partition) countedKey(account string) string { return p.key("counted:" + account) }

func (p *Partition) differencesKey(account string) string { return p.key("differences:" + account) }

func (p *Partition) unsettledKey() string { return p.key("unsettled") }

func (p *Partition) fillsKey(q Queue) string { return p.key("fills:" + q.String()) }

func (p *Partition) unackedKey(q Queue) string { return p.key("unacked:" + q.String()) }

func (p *Partition) waitingKey(q Queue) string { return p.key("waiting:" + q.String()) }

func (p *Partition) leasesKey(q Queue) string { return p.key("leases:" + q.String()) }

func (p *Partition) droppedKey(q Queue) string { return p.key("dropped:" + q.String()) }

// heldKey and the two after it are of one kind of claims.
func (p *Partition) heldKey(kind domain.Kind) string {
	if kind == domain.KindOpening {
		return p.key("openings")
	}
	return p.key("blocks")
}

func (p *Partition) freedKey(kind domain.Kind) string {
	if kind == domain.KindOpening {
		return p.key("opened")
	}
	return p.key("freed")
}

func (p *Partition) returnedKey(kind domain.Kind) string { return p.freedKey(kind) + "by" }

func (p *Partition) rightsKey() string { return p.key("rights") }

func (p *Partition) liveCountKey() string { return p.key("livecount") }

// The keys of the catalogue.

func (p *Partition) venuesKey() string     { return p.key("venues") }
func (p *Partition) cataloguedKey() string { return p.key("catalogued") }
func (p *Partition) revisionsKey() string  { return p.key("revisions") }
func (p *Partition) botsKey() string       { return p.key("bots") }

func (p *Partition) symbolsKey(exchange string) string { return p.key("symbols:" + exchange) }

func (p *Partition) shadowedKey(exchange string) string { return p.key("shadowed:" + exchange) }

func (p *Partition) venueSymbolsKey(exchange string) string { return p.key("venuesymbols:" + exchange) }

func (p *Partition) botKey(bot string) string { return p.key("bot:" + bot) }

// Those of an exchange's orders; a partition has one exchange.

func (p *Partition) ordersKey() string      { return p.key("orders") }
func (p *Partition) headsKey() string       { return p.key("heads") }
func (p *Partition) ticketsKey() string     { return p.key("tickets") }
func (p *Partition) triesKey() string       { return p.key("tries") }
func (p *Partition) waitCountKey() string   { return p.key("waitcount") }
func (p *Partition) orderLeasesKey() string { return p.key("leases") }
func (p *Partition) turnsKey() string       { return p.key("turns") }
func (p *Partition) changesKey() string     { return p.key("changes") }
