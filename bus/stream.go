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
	DeadLetterRetention = 30 * 24 * time.Hour

	// MaxPayloadBytes bounds one message of the log.
	MaxPayloadBytes = 64 << 10

	// DeadLetterStream holds what a projector could not use.
	DeadLetterStream = "DEADLETTER"
)

// maxLetterHeader is what a dead letter may add to a message: a subject, which
// can be as long as a protocol line of 4 KB, the reason and the headers' names.
const maxLetterHeader = 8 << 10

// partitionsKey is where a stream keeps the partition count of its kind.
const partitionsKey = "fullon_partitions"

// Retention is how long a deployment's streams keep their messages. Zero
// values are the constants above.
type Retention struct {
	Ticks    time.Duration
	Trades   time.Duration
	Accounts time.Duration
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
	return r
}

// streamConfigs are all streams of a deployment.
func streamConfigs(layout Layout, retention Retention, replicas int) []jetstream.StreamConfig {
	var configs []jetstream.StreamConfig
	for p, name := range layout.TickStreams() {
		n := strconv.Itoa(p)
		configs = append(configs, partitionConfig(name, layout.Ticks, retention.Ticks, replicas, "tick."+n+".>", "feed."+n+".*"))
	}
	for p, name := range layout.TradeStreams() {
		n := strconv.Itoa(p)
		configs = append(configs, partitionConfig(name, layout.Trades, retention.Trades, replicas,
			"trade."+n+".>", "candle."+n+".>", "gap."+n+".>"))
	}
	for p, name := range layout.AccountStreams() {
		n := strconv.Itoa(p)
		configs = append(configs, partitionConfig(name, layout.Accounts, retention.Accounts, replicas,
			"balance."+n+".>", "position."+n+".>", "positions."+n+".>", "fill."+n+".>", "ack."+n+".>"))
	}
	return append(configs, deadLetterConfig(replicas))
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
