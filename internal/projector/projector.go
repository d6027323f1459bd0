package projector

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
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
	// OrderStreams names the streams with the orders of an exchange.
	OrderStreams(ctx context.Context) ([]string, error)
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
	// CatalogueStream is the stream of the catalogue; empty: do not fold it.
	CatalogueStream string
	// Orders tells whether to fold the streams of orders, those included that are
	// made later.
	Orders bool
	// TradeCap is how many trades of a market Redis keeps, and among how many a
	// repeated trade is recognised. All projectors of a deployment must agree.
	// Default 10,000.
	TradeCap int
	// FillCap is how many fills of an account at an exchange Redis keeps, how
	// many of them may wait to be acknowledged, and among how many a repeated
	// fill is recognised. All projectors of a deployment must agree. Default
	// 10,000.
	FillCap int
	// OrderCap is how many final orders of an exchange Redis keeps; those that
	// ended first are forgotten. It also keeps which orders changed with the last so
	// many messages, for those who watch. All projectors of a deployment must agree.
	// Default 100,000.
	OrderCap int
	// Members are those that share the partitions of this deployment; nil: this
	// projector folds them all.
	Members Members
	// Member is what this projector is called among them: its ID, Host and PID.
	Member domain.Member
	// BeatInterval is how often a projector says that it lives; the others take
	// over from one that missed six heartbeats. About the same for all. Default
	// 200 ms.
	BeatInterval time.Duration
	// ProbeInterval is how often the checkpoint of an idle partition is read, to
	// notice a rollback or a wipe. Default 250 ms.
	ProbeInterval time.Duration
	// ReconcileAfter is how long what fills make and what the venue says must have
	// rested before they are compared: longer than a venue may be late with a fill.
	// Default 15 s.
	ReconcileAfter time.Duration
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
	if c.OrderCap == 0 {
		c.OrderCap = 100_000
	}
	if c.BeatInterval == 0 {
		c.BeatInterval = 200 * time.Millisecond
	}
	if c.ProbeInterval == 0 {
		c.ProbeInterval = 250 * time.Millisecond
	}
	if c.ReconcileAfter == 0 {
		c.ReconcileAfter = 15 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// discoverInterval is how often a projector looks for streams of orders that
// it does not know yet.
const discoverInterval = time.Second

// Projector folds a set of partitions, or its share of them.
type Projector struct {
	cfg   Config
	log   Log
	store *cachestore.Store

	found   chan struct{} // holds a token when workers has grown
	members atomic.Int64  // how many share the partitions, this one included
	cutOff  outage        // from the others

	mu      sync.Mutex
	workers []*worker // of all partitions, whoever folds them
}

// New makes a projector. It does no input or output.
func New(cfg Config, log Log, store *cachestore.Store) *Projector {
	p := &Projector{cfg: cfg.withDefaults(), log: log, store: store, found: make(chan struct{}, 1)}
	for _, stream := range cfg.TickStreams {
		p.add(stream, func(part *cachestore.Partition) fold { return newTickFold(part) })
	}
	for _, stream := range cfg.TradeStreams {
		p.add(stream, func(part *cachestore.Partition) fold { return newTradeFold(part, p.cfg.TradeCap) })
	}
	for _, stream := range cfg.AccountStreams {
		p.add(stream, func(part *cachestore.Partition) fold { return newAccountFold(part, p.cfg.FillCap) })
	}
	if cfg.CatalogueStream != "" {
		p.add(cfg.CatalogueStream, newCatalogueFold).sparse = true
	}
	return p
}

func (p *Projector) add(stream string, newFold func(*cachestore.Partition) fold) *worker {
	partition := p.store.Partition(stream)
	w := newWorker(p.cfg, p.log, partition, func() fold { return newFold(partition) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = append(p.workers, w)
	return w
}

func (p *Projector) known() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.workers)
}

// Run folds until ctx ends; then it finishes the batches under way, tells the
// others that it has stopped and returns nil. Outages of the log and of Redis are
// waited out. It is to be called once.
func (p *Projector) Run(ctx context.Context) error {
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	sharing := newSharing(p)
	group.Go(sharing.run)
	group.Go(p.gauge)
	if p.cfg.Members != nil {
		group.Go(sharing.identify)
	}
	if p.cfg.Orders {
		group.Go(p.discover)
	}
	return group.Wait()
}

// discover finds the streams of orders, also those that are made later.
func (p *Projector) discover(ctx context.Context) error {
	known := make(map[string]bool)
	for ctx.Err() == nil {
		streams, err := p.log.OrderStreams(ctx)
		if err != nil {
			p.cfg.Log.Debug("cannot list the streams of orders", "error", err)
		}
		for _, stream := range streams {
			if !known[stream] {
				known[stream] = true
				p.add(stream, func(part *cachestore.Partition) fold { return newExchangeFold(part, p.cfg) })
				offer(p.found)
			}
		}
		pause.For(ctx, discoverInterval)
	}
	return nil
}

// Stats tells how each partition is doing, those included that others fold. It
// is safe for concurrent use.
func (p *Projector) Stats() []Stats {
	workers := p.known()
	out := make([]Stats, len(workers))
	for i, w := range workers {
		out[i] = w.stats.snapshot(w.partition.Stream())
	}
	return out
}

// Sharing tells how this projector and the others are doing. It is safe for
// concurrent use.
func (p *Projector) Sharing() Sharing {
	return Sharing{Alone: p.cfg.Members == nil, Projectors: int(p.members.Load()), CutOff: p.cutOff.lasts()}
}
