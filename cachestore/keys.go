package cachestore

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

func (p *Partition) fillsKey(q Queue) string { return p.key("fills:" + q.String()) }

func (p *Partition) unackedKey(q Queue) string { return p.key("unacked:" + q.String()) }

func (p *Partition) waitingKey(q Queue) string { return p.key("waiting:" + q.String()) }

func (p *Partition) leasesKey(q Queue) string { return p.key("leases:" + q.String()) }

func (p *Partition) droppedKey(q Queue) string { return p.key("dropped:" + q.String()) }

// Those of an exchange's orders; a partition has one exchange.

func (p *Partition) ordersKey() string      { return p.key("orders") }
func (p *Partition) liveCountKey() string   { return p.key("livecount") }
func (p *Partition) queuedKey() string      { return p.key("queued") }
func (p *Partition) headsKey() string       { return p.key("heads") }
func (p *Partition) ticketsKey() string     { return p.key("tickets") }
func (p *Partition) triesKey() string       { return p.key("tries") }
func (p *Partition) orderLeasesKey() string { return p.key("leases") }

// What the pop of orders reads of the rights to trade.

func (p *Partition) blocksKey() string   { return p.key("blocks") }
func (p *Partition) freedKey() string    { return p.key("freed") }
func (p *Partition) openingsKey() string { return p.key("openings") }
func (p *Partition) haltsKey() string    { return p.key("halts") }
