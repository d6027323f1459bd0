package projector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Replica folds one partition's stream a second time, into a store of its own and
// only as far as it is told. It writes nothing to the log. It is for one
// goroutine.
type Replica struct {
	w      *worker
	extent domain.Extent
	reader Reader
	state  fold
	batch  *cachestore.Batch
	ahead  []domain.Record // read and not folded yet
}

// replicaPatience is how long a replica waits for a message that the log has.
const replicaPatience = 30 * time.Second

// NewReplica begins to fold a stream of cfg into a store that has nothing of it.
// Close it. The error matches domain.ErrNotFound for a stream that cfg does not
// name, or domain.ErrUnreachable.
func NewReplica(ctx context.Context, cfg Config, log Log, store *cachestore.Store, stream string) (*Replica, error) {
	cfg = cfg.withDefaults()
	partition := store.Partition(stream)
	var newFold func() fold
	switch {
	case slices.Contains(cfg.TickStreams, stream):
		newFold = func() fold { return newTickFold(partition) }
	case slices.Contains(cfg.TradeStreams, stream):
		newFold = func() fold { return newTradeFold(partition, cfg.TradeCap) }
	case slices.Contains(cfg.AccountStreams, stream):
		newFold = func() fold { return newAccountFold(partition, cfg.FillCap) }
	case stream == cfg.CatalogueStream:
		newFold = func() fold { return newCatalogueFold(partition) }
	case cfg.Orders:
		newFold = func() fold { return newExchangeFold(partition, cfg) }
	default:
		return nil, fmt.Errorf("stream %s: %w", stream, domain.ErrNotFound)
	}
	w := newWorker(cfg, silentLog{log}, partition, newFold)
	w.sparse, w.records = stream == cfg.CatalogueStream, make([]domain.Record, maxBatch)
	extent, err := log.Extent(ctx, stream)
	if err != nil {
		return nil, err
	}
	from, err := w.attach(ctx, extent, "")
	if err != nil {
		return nil, err
	}
	return &Replica{w: w, extent: extent, reader: log.Open(stream, from), state: w.newFold(), batch: partition.NewBatch()}, nil
}

// Extent is what the log held when the replica began.
func (r *Replica) Extent() domain.Extent { return r.extent }

// Partition is what was folded.
func (r *Replica) Partition() *cachestore.Partition { return r.w.partition }

// To folds up to the message with sequence seq, which the log must have, and
// returns the sequence that was reached: seq or, where it was beyond that before
// or the stream has holes, more. The error matches domain.ErrHistoryLost when the
// log has dropped what comes next, or domain.ErrUnreachable.
func (r *Replica) To(ctx context.Context, seq uint64) (uint64, error) {
	patience := time.Now().Add(replicaPatience)
	for r.w.at.Seq < seq {
		if len(r.ahead) == 0 {
			n, err := r.reader.Read(ctx, r.w.records, r.w.cfg.ProbeInterval)
			if err != nil {
				return r.w.at.Seq, err
			}
			if n == 0 && time.Now().After(patience) {
				return r.w.at.Seq, fmt.Errorf("%s: %w: no message behind %d within %s", r.w.partition.Stream(), domain.ErrUnreachable, r.w.read, replicaPatience)
			}
			r.ahead = r.w.records[:n]
			continue
		}
		n := len(r.ahead)
		if !r.w.sparse { // there the state is whole only where the log ends
			for n > 0 && r.ahead[n-1].Seq > seq {
				n--
			}
		}
		if n == 0 {
			return r.w.at.Seq, fmt.Errorf("%s: %w: %d follows %d", r.w.partition.Stream(), domain.ErrHistoryLost, r.ahead[0].Seq, r.w.at.Seq)
		}
		if err := r.w.advance(ctx, r.state, r.batch, r.ahead[:n]); err != nil {
			return r.w.at.Seq, err
		}
		r.ahead = r.ahead[n:]
	}
	return r.w.at.Seq, nil
}

// Close stops reading; what was folded stays in the store.
func (r *Replica) Close() { r.reader.Close() }

// silentLog is a log to which nothing is written.
type silentLog struct{ Log }

func (silentLog) DeadLetter(context.Context, string, domain.Record, error) error { return nil }

func (silentLog) PublishNext(context.Context, domain.Event, uint64) (domain.LogPosition, error) {
	return domain.LogPosition{}, errors.ErrUnsupported
}
