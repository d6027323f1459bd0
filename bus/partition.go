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
	// Generation tells how often each of them was repartitioned. The deployment
	// alone knows: Bind fills it in.
	Generation Generation
}

// Generation is how often each kind of stream was repartitioned. It is a part of
// the names of streams and subjects from the first time on, so that nobody who
// still has the counts of before can write to, or read from, a partition that
// means something else now: there is none of that name.
type Generation struct {
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

// TickStream is the name of a partition of ticks and feeds, as long as a
// deployment was not repartitioned; see Layout.TickStreams.
func TickStream(partition int) string { return tickStreamPrefix + strconv.Itoa(partition) }

// TradeStream is the name of a partition of trades, candles and gaps, likewise.
func TradeStream(partition int) string { return tradeStreamPrefix + strconv.Itoa(partition) }

// AccountStream is the name of a partition of balances, positions and fills,
// likewise.
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
func (l Layout) TickStreams() []string { return l.ticks().streams() }

// TradeStreams names all partitions of trades, in order.
func (l Layout) TradeStreams() []string { return l.trades().streams() }

// AccountStreams names all partitions of accounts, in order.
func (l Layout) AccountStreams() []string { return l.accounts().streams() }

// TickStreamOf names the stream that holds a market's ticks.
func (l Layout) TickStreamOf(exchange, symbol string) string {
	return l.ticks().of(EscapeToken(exchange), EscapeToken(symbol)).stream()
}

// TradeStreamOf names the stream that holds a market's trades and candles.
func (l Layout) TradeStreamOf(exchange, symbol string) string {
	return l.trades().of(EscapeToken(exchange), EscapeToken(symbol)).stream()
}

// AccountStreamOf names the stream that holds what is known of an account.
func (l Layout) AccountStreamOf(account string) string {
	return l.accounts().of(EscapeToken(account)).stream()
}

func (l Layout) ticks() split  { return split{tickStreamPrefix, l.Ticks, l.Generation.Ticks} }
func (l Layout) trades() split { return split{tradeStreamPrefix, l.Trades, l.Generation.Trades} }
func (l Layout) accounts() split {
	return split{accountStreamPrefix, l.Accounts, l.Generation.Accounts}
}

// split is how a kind of streams is partitioned.
type split struct {
	prefix     string
	count      int
	generation int
}

// of is the partition of a key.
func (s split) of(tokens ...string) partition {
	return partition{s.prefix, s.generation, Partition(s.count, tokens...)}
}

func (s split) partitions() []partition {
	out := make([]partition, s.count)
	for p := range out {
		out[p] = partition{s.prefix, s.generation, p}
	}
	return out
}

func (s split) streams() []string {
	out := make([]string, s.count)
	for i, p := range s.partitions() {
		out[i] = p.stream()
	}
	return out
}

// partition is one of a kind.
type partition struct {
	prefix     string
	generation int
	number     int
}

// stream is the partition's name: TICKS_3, or TICKS_G1_3 after the deployment was
// repartitioned once.
func (p partition) stream() string {
	if p.generation == 0 {
		return p.prefix + strconv.Itoa(p.number)
	}
	return p.prefix + "G" + strconv.Itoa(p.generation) + "_" + strconv.Itoa(p.number)
}

// token is what stands for the partition in a subject: 3, or g1.3.
func (p partition) token() string {
	if p.generation == 0 {
		return strconv.Itoa(p.number)
	}
	return "g" + strconv.Itoa(p.generation) + "." + strconv.Itoa(p.number)
}

// withoutGeneration are the tokens of a subject as if the deployment had never
// been repartitioned.
func withoutGeneration(tokens []string) []string {
	if len(tokens) < 3 || !isGeneration(tokens[1]) {
		return tokens
	}
	return append([]string{tokens[0]}, tokens[2:]...)
}

func isGeneration(token string) bool {
	number, ok := strings.CutPrefix(token, "g")
	if !ok || number == "" || number[0] == '0' {
		return false
	}
	_, err := strconv.ParseUint(number, 10, 16)
	return err == nil && number[0] != '+'
}
