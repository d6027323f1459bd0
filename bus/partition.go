package bus

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fullon/fullon/domain"
)

// DefaultPartitions is the partition count of each kind of stream.
const DefaultPartitions = 4

// MaxPartitions bounds the partition count of a kind.
const MaxPartitions = 256

// Layout is how many partitions each kind of stream has. It is part of a
// deployment, stored with its streams: see Bus.Bind.
type Layout struct {
	Ticks    int
	Trades   int
	Accounts int
}

// WithDefaults puts DefaultPartitions where a count is zero.
func (l Layout) WithDefaults() Layout {
	if l.Ticks == 0 {
		l.Ticks = DefaultPartitions
	}
	if l.Trades == 0 {
		l.Trades = DefaultPartitions
	}
	if l.Accounts == 0 {
		l.Accounts = DefaultPartitions
	}
	return l
}

// Validate tells what is wrong with the counts. The error is a
// *domain.FieldError.
func (l Layout) Validate() error {
	for _, f := range [...]struct {
		name  string
		count int
	}{{"tick partitions", l.Ticks}, {"trade partitions", l.Trades}, {"account partitions", l.Accounts}} {
		if f.count < 1 || f.count > MaxPartitions {
			return domain.Invalid(f.name, strconv.Itoa(f.count), "1 to 256")
		}
	}
	return nil
}

// Partition is FNV-1a-32 of the escaped tokens, one after the other without a
// separator, modulo count: what nats-server computes for partition(count,1,2)
// in a subject mapping. See http://www.isthe.com/chongo/tech/comp/fnv/ for the
// function; the test holds vectors for other languages.
func Partition(count int, tokens ...string) int {
	const offset, prime = 2166136261, 16777619
	hash := uint32(offset)
	for _, token := range tokens {
		for i := range len(token) {
			hash = (hash ^ uint32(token[i])) * prime
		}
	}
	return int(hash % uint32(count))
}

// TickStream is the name of a partition of ticks and feeds.
func TickStream(partition int) string { return tickStreamPrefix + strconv.Itoa(partition) }

// TradeStream is the name of a partition of trades, candles and gaps.
func TradeStream(partition int) string { return tradeStreamPrefix + strconv.Itoa(partition) }

// AccountStream is the name of a partition of balances, positions and fills.
func AccountStream(partition int) string { return accountStreamPrefix + strconv.Itoa(partition) }

// CatalogueStream holds the catalogue of venues, symbols and bots. It keeps the
// newest message of each subject, so its sequences have holes.
const CatalogueStream = "CATALOG"

const (
	tickStreamPrefix    = "TICKS_"
	tradeStreamPrefix   = "TRADES_"
	accountStreamPrefix = "ACCOUNTS_"
	orderStreamPrefix   = "ORDERS_"
)

// OrderStream is the name of the stream with an exchange's orders, blocks,
// opening marks and halts.
func OrderStream(exchange string) string { return orderStreamPrefix + strings.ToUpper(exchange) }

// ExchangeOf is the exchange whose orders a stream has; false for other streams.
func ExchangeOf(stream string) (exchange string, ok bool) {
	exchange, ok = strings.CutPrefix(stream, orderStreamPrefix)
	return strings.ToLower(exchange), ok
}

// Streams names all partitions of all kinds that have a count, in order.
func (l Layout) Streams() []string {
	return slices.Concat(l.TickStreams(), l.TradeStreams(), l.AccountStreams())
}

// TickStreams names all partitions of ticks, in order.
func (l Layout) TickStreams() []string { return names(l.Ticks, TickStream) }

// TradeStreams names all partitions of trades, in order.
func (l Layout) TradeStreams() []string { return names(l.Trades, TradeStream) }

// AccountStreams names all partitions of accounts, in order.
func (l Layout) AccountStreams() []string { return names(l.Accounts, AccountStream) }

func names(count int, name func(int) string) []string {
	out := make([]string, count)
	for p := range out {
		out[p] = name(p)
	}
	return out
}

// TickStreamOf names the stream that holds a market's ticks.
func (l Layout) TickStreamOf(exchange, symbol string) string {
	return TickStream(Partition(l.Ticks, EscapeToken(exchange), EscapeToken(symbol)))
}

// TradeStreamOf names the stream that holds a market's trades and candles.
func (l Layout) TradeStreamOf(exchange, symbol string) string {
	return TradeStream(Partition(l.Trades, EscapeToken(exchange), EscapeToken(symbol)))
}

// AccountStreamOf names the stream that holds what is known of an account.
func (l Layout) AccountStreamOf(account string) string {
	return AccountStream(Partition(l.Accounts, EscapeToken(account)))
}
