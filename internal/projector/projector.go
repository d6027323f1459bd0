package projector

import (
	"context"
	"log/slog"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Log is what the projector needs of the log.
type Log interface {
	// Extent tells what a stream holds.
	Extent(ctx context.Context, stream string) (domain.Extent, error)
	// TimeOf tells when the message with a sequence was stored, unix ns.
	TimeOf(ctx context.Context, stream string, seq uint64) (int64, error)
	// Open reads a stream in order, from a sequence on.
	Open(stream string, from uint64) Reader
	// DeadLetter keeps a message that cannot be folded.
	DeadLetter(ctx context.Context, stream string, rec domain.Record, reason error) error
	// PublishNext stores an event as the very next behind the one with sequence
	// last; the error matches domain.ErrConflict when another came between.
	PublishNext(ctx context.Context, event domain.Event, last uint64) (domain.LogPosition, error)
}

// Reader delivers one stream's messages in order and without holes.
type Reader interface {
	// Read returns 0 records when there was none for about wait.
	Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error)
	Close()
}

// Config of a projector.
type Config struct {
	// TickStreams, TradeStreams and AccountStreams are the partitions to fold.
	TickStreams    []string
	TradeStreams   []string
	AccountStreams []string
	// TradeCap is how many trades of a market Redis keeps, and among how many a
	// repeated trade is recognised. All projectors of a deployment must agree.
	// Default 10,000.
	TradeCap int
	// FillCap is how many fills of an account at an exchange Redis keeps, how
	// many of them may wait to be acknowledged, and among how many a repeated
	// fill is recognised. All projectors of a deployment must agree. Default
	// 10,000.
	FillCap int
	// ProbeInterval is how often the checkpoint of an idle partition is read, to
	// notice a rollback or a wipe. Default 500 ms.
	ProbeInterval time.Duration
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.TradeCap == 0 {
		c.TradeCap = 10_000
	}
	if c.FillCap == 0 {
		c.FillCap = 10_000
	}
	if c.ProbeInterval == 0 {
		c.ProbeInterval = 500 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Projector folds a set of partitions.
type Projector struct {
	workers []*worker
}

// New makes a projector. It does no input or output.
func New(cfg Config, log Log, store *cachestore.Store) *Projector {
	cfg = cfg.withDefaults()
	p := &Projector{}
	for _, stream := range cfg.TickStreams {
		partition := store.Partition(stream)
		p.workers = append(p.workers, newWorker(cfg, log, partition, func() fold { return newTickFold(partition) }))
	}
	for _, stream := range cfg.TradeStreams {
		partition := store.Partition(stream)
		p.workers = append(p.workers, newWorker(cfg, log, partition, func() fold { return newTradeFold(partition, cfg.TradeCap) }))
	}
	for _, stream := range cfg.AccountStreams {
		partition := store.Partition(stream)
		p.workers = append(p.workers, newWorker(cfg, log, partition, func() fold { return newAccountFold(partition, cfg.FillCap) }))
	}
	return p
}

// Run folds until ctx ends; then it finishes the batches under way and returns
// nil. Outages of the log and of Redis are waited out. It is to be called once.
func (p *Projector) Run(ctx context.Context) error {
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, w := range p.workers {
		group.Go(w.run)
	}
	return group.Wait()
}

// Stats tells how each partition is doing. It is safe for concurrent use.
func (p *Projector) Stats() []Stats {
	out := make([]Stats, len(p.workers))
	for i, w := range p.workers {
		out[i] = w.stats.snapshot(w.partition.Stream())
	}
	return out
}
