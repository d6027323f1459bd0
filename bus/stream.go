package bus

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What the streams keep.
const (
	TickRetention       = time.Hour
	TradeRetention      = 48 * time.Hour
	AccountRetention    = 7 * 24 * time.Hour
	OrderRetention      = 30 * 24 * time.Hour
	DeadLetterRetention = 30 * 24 * time.Hour

	// MaxPayloadBytes bounds one message of the log.
	MaxPayloadBytes = 64 << 10

	// DeadLetterStream holds what a projector could not use.
	DeadLetterStream = "DEADLETTER"
)

// maxLetterHeader is what a dead letter may add to a message: a subject, which
// can be as long as a protocol line of 4 KB, the reason and the headers' names.
const maxLetterHeader = 8 << 10

// Retention is how long a deployment's streams keep their messages. Zero
// values are the constants above.
type Retention struct {
	Ticks    time.Duration
	Trades   time.Duration
	Accounts time.Duration
	Orders   time.Duration
}

// DefaultExchanges are the exchanges that a deployment has streams of orders
// for unless its provisioner says otherwise.
func DefaultExchanges() []string { return []string{"binance", "bybit", "coinbase", "kraken", "okx"} }

// Plan is what a deployment's streams are to be like, beside their layout.
type Plan struct {
	Retention
	// Replicas of each stream, 1 to 5. Default 1.
	Replicas int
	// Exchanges that orders can be stored for. Those that have a stream already
	// keep it. Default: DefaultExchanges.
	Exchanges []string
}

func (p Plan) withDefaults() Plan {
	p.Retention = p.Retention.withDefaults()
	p.Replicas = max(1, p.Replicas)
	if p.Exchanges == nil {
		p.Exchanges = DefaultExchanges()
	}
	return p
}

func (r Retention) withDefaults() Retention {
	if r.Ticks == 0 {
		r.Ticks = TickRetention
	}
	if r.Trades == 0 {
		r.Trades = TradeRetention
	}
	if r.Accounts == 0 {
		r.Accounts = AccountRetention
	}
	if r.Orders == 0 {
		r.Orders = OrderRetention
	}
	return r
}

// streamConfigs are all streams of a deployment.
func streamConfigs(layout Layout, plan Plan) []jetstream.StreamConfig {
	var configs []jetstream.StreamConfig
	retention, replicas := plan.Retention, plan.Replicas
	for _, kind := range [...]struct {
		split  split
		maxAge time.Duration
		atomic bool
	}{{layout.ticks(), retention.Ticks, false}, {layout.trades(), retention.Trades, true}, {layout.accounts(), retention.Accounts, false}} {
		for _, p := range kind.split.partitions() {
			cfg := partitionConfig(p.stream(), kind.split.count, kind.maxAge, replicas, p.subjects()...)
			cfg.AllowAtomicPublish = kind.atomic
			configs = append(configs, cfg)
		}
	}
	for _, exchange := range plan.Exchanges {
		configs = append(configs, orderConfig(exchange, retention.Orders, replicas))
	}
	return append(configs, catalogueConfig(replicas), deadLetterConfig(replicas))
}

// subjects are those that a partition of market data or accounts takes.
func (p partition) subjects() []string {
	switch at := "." + p.token() + "."; p.prefix {
	case tickStreamPrefix:
		return []string{"tick" + at + ">", "feed" + at + "*"}
	case tradeStreamPrefix:
		return []string{"trade" + at + ">", "candle" + at + ">", "gap" + at + ">"}
	default:
		return []string{"balance" + at + ">", "position" + at + ">", "positions" + at + ">", "fill" + at + ">", "ack" + at + ">", "difference" + at + ">"}
	}
}

// partitionConfig is a stream that nobody may delete from, so that its
// sequences stay dense and a hole means lost history.
func partitionConfig(name string, partitions int, maxAge time.Duration, replicas int, subjects ...string) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              name,
		Subjects:          subjects,
		Storage:           jetstream.FileStorage,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxAge:            maxAge,
		MaxMsgSize:        MaxPayloadBytes,
		Replicas:          replicas,
		DenyDelete:        true,
		DenyPurge:         true,
		AllowBatchPublish: true,
		Metadata:          map[string]string{partitionsKey: strconv.Itoa(partitions)},
	}
}

// orderConfig is a partition's stream that takes atomic batches.
func orderConfig(exchange string, maxAge time.Duration, replicas int) jetstream.StreamConfig {
	token := EscapeToken(exchange)
	subjects := make([]string, 0, 2*len(exchangeKinds))
	for _, kind := range exchangeKinds {
		if ofPartsOfExchange(kind) {
			subjects = append(subjects, string(kind)+"."+token+".*")
		}
		if ofWholeExchange(kind) {
			subjects = append(subjects, string(kind)+"."+token)
		}
	}
	cfg := partitionConfig(OrderStream(exchange), 1, maxAge, replicas, subjects...)
	cfg.AllowAtomicPublish = true
	return cfg
}

// catalogueConfig keeps the newest message of each subject for ever.
func catalogueConfig(replicas int) jetstream.StreamConfig {
	cfg := partitionConfig(CatalogueStream, 1, 0, replicas, "venue.*", "symbol.*.*", "bot.*", "bot.*.*")
	cfg.MaxMsgsPerSubject = 1
	return cfg
}

// deadLetterConfig keeps one letter for each message that was refused, however
// often its partition is folded again.
func deadLetterConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              DeadLetterStream,
		Subjects:          []string{"deadletter.*.*"},
		Storage:           jetstream.FileStorage,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxAge:            DeadLetterRetention,
		MaxMsgsPerSubject: 1,
		MaxMsgs:           1_000_000,
		MaxMsgSize:        MaxPayloadBytes + maxLetterHeader,
		Replicas:          replicas,
		AllowDirect:       true,
	}
}
