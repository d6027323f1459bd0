package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// maxBatch is how many messages are applied at once at most. Under load it
// decides how often Redis is asked, and how many ticks of a market become one.
const maxBatch = 2000

// errMoved: the stored checkpoint is not the one that the worker folded from.
var errMoved = errors.New("the checkpoint was moved")

// errGone: there is no stored checkpoint any more, so nobody else moves it.
var errGone = errors.New("the checkpoint is gone")

// worker folds one partition.
type worker struct {
	cfg       Config
	log       Log
	slog      *slog.Logger
	partition *cachestore.Partition
	newFold   func() fold
	sparse    bool // the stream keeps the newest message of each subject: sequences may be missing
	stats     stats

	at      domain.Checkpoint // what the in-memory state belongs to
	read    uint64            // the last message that was folded; beyond at while the state is not whole
	whole   uint64            // of a sparse stream: the state is whole from this message on
	folded  uint64            // messages that were folded and not applied yet
	records []domain.Record
	keeps   time.Duration // how long the log keeps a message; zero: for ever
	renewAt time.Time     // when to look for old state again
}

func newWorker(cfg Config, log Log, partition *cachestore.Partition, newFold func() fold) *worker {
	return &worker{
		cfg: cfg, log: log, slog: cfg.Log.With("stream", partition.Stream()),
		partition: partition, newFold: newFold,
	}
}

// run attaches and follows the log again and again until ctx ends: the batch
// under way is applied then, or was never begun to be.
func (w *worker) run(ctx context.Context) {
	w.records = make([]domain.Record, maxBatch)
	defer func() { w.records = nil }() // somebody else may fold the partition for long
	wait := newBackOff()
	anew := ""
	for ctx.Err() == nil {
		err := w.session(ctx, anew, wait)
		w.stats.attached.Store(false)
		anew = ""
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errGone):
			w.slog.Warn("Redis was wiped: folding anew", "sequence", w.at.Seq)
		case errors.Is(err, errMoved):
			w.stats.conflicts.Add(1)
			w.slog.Debug("stands by", "reason", err)
			w.standBy(ctx)
		case errors.Is(err, domain.ErrHistoryLost), errors.Is(err, domain.ErrUnknown):
			anew = err.Error()
		default:
			level := slog.LevelWarn
			if w.stats.trouble() {
				level = slog.LevelDebug // said once
			}
			w.slog.Log(ctx, level, "waiting for the log or Redis", "error", err)
			pause.For(ctx, wait.NextBackOff())
		}
	}
}

func newBackOff() *backoff.ExponentialBackOff {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 50 * time.Millisecond
	wait.MaxInterval = time.Second
	return wait
}

// standBy waits until nobody moves the checkpoint.
func (w *worker) standBy(ctx context.Context) {
	for last := w.at; ctx.Err() == nil; {
		stored, err := w.partition.Checkpoint(ctx)
		if err != nil || stored == last {
			return
		}
		last = stored
		pause.For(ctx, w.cfg.ProbeInterval/2+rand.N(w.cfg.ProbeInterval/2))
	}
}

// session attaches to the stored checkpoint and folds from there. It returns
// when something has to be seen to; a non-empty anew is the reason to fold the
// partition anew.
func (w *worker) session(ctx context.Context, anew string, wait *backoff.ExponentialBackOff) error {
	extent, err := w.log.Extent(ctx, w.partition.Stream())
	if err != nil {
		return err
	}
	from, err := w.attach(ctx, extent, anew)
	if err != nil {
		return err
	}
	reader := w.log.Open(w.partition.Stream(), from)
	defer reader.Close()
	w.keeps, w.renewAt = extent.Keeps, time.Time{}
	w.read, w.whole, w.folded = w.at.Seq, 0, 0
	w.stats.reached(w.at)
	w.stats.epoch.Store(w.at.Epoch)
	w.stats.attached.Store(true)
	if w.stats.well() {
		w.slog.Info("goes on", "sequence", w.at.Seq)
	}
	wait.Reset()
	state, batch := w.newFold(), w.partition.NewBatch()
	for verified := false; ; {
		n, err := reader.Read(ctx, w.records, w.cfg.ProbeInterval)
		if err != nil {
			return err
		}
		if n > 0 && !verified {
			// The reader holds on to the stream that it began with, which may have
			// taken the place of the one that was attached to.
			if err := w.sameStream(ctx); err != nil {
				return err
			}
			verified = true
		}
		if n == 0 {
			err = w.probe(ctx)
		} else {
			err = w.advance(ctx, state, batch, w.records[:n])
		}
		if err != nil {
			return err
		}
		if err := w.reconcile(ctx, state); err != nil {
			return err
		}
		w.renew(ctx, state)
	}
}

// attach makes w.at the stored checkpoint, or begins a new epoch where that is
// none that the log can be folded from. It returns the sequence to read from.
func (w *worker) attach(ctx context.Context, extent domain.Extent, anew string) (from uint64, err error) {
	stored, err := w.partition.Checkpoint(ctx)
	if err != nil && (!errors.Is(err, domain.ErrUnknown) || ctx.Err() != nil) {
		return 0, err
	}
	if err != nil {
		anew = err.Error()
	} else if anew == "" {
		if stored.Seq > extent.Last {
			// Another worker has folded since what came after the log was asked.
			if extent, err = w.log.Extent(ctx, w.partition.Stream()); err != nil {
				return 0, err
			}
		}
		if anew, err = w.contradiction(ctx, stored, extent); err != nil {
			return 0, err
		}
	}
	if anew != "" {
		w.stats.lost.Add(1)
		w.slog.Error("history lost or changed: folding anew what the log still has",
			"reason", anew, "checkpoint", stored.Seq, "first", extent.First, "last", extent.Last)
	}
	if anew != "" || stored.IsZero() {
		if stored, err = w.partition.Begin(ctx, domain.NextEpoch(stored, extent)); err != nil {
			return 0, err
		}
	}
	w.at = stored
	if stored.Seq > 0 {
		return stored.Seq + 1, nil
	}
	// The epoch has just begun. Whatever is there belongs to an earlier one.
	w.stats.rebuilds.Add(1)
	if after, err := w.partition.Clear(ctx, stored); err != nil {
		return 0, err
	} else if after != stored {
		return 0, fmt.Errorf("%w to %d while clearing", errMoved, after.Seq)
	}
	return extent.First, nil
}

// contradiction tells why the log cannot be folded from the checkpoint; empty:
// it can.
func (w *worker) contradiction(ctx context.Context, at domain.Checkpoint, extent domain.Extent) (string, error) {
	switch {
	case at.IsZero():
		return "", nil
	case at.Created != extent.Created:
		return "the stream was created anew", nil
	case at.Seq > extent.Last:
		return "the stream ends before the checkpoint", nil
	case at.Seq > 0 && at.Seq+1 < extent.First && !w.sparse:
		return "the stream has dropped messages that were never folded", nil
	case at.Seq < extent.First:
		return "", nil // the message itself was dropped, what follows is there
	}
	stored, err := w.log.TimeOf(ctx, w.partition.Stream(), at.Seq)
	if errors.Is(err, domain.ErrNotFound) {
		return "", nil // dropped just now
	}
	if err != nil {
		return "", err
	}
	if stored != at.Time {
		return "the message at the checkpoint is another one", nil
	}
	return "", nil
}

// probe notices, without any traffic, a checkpoint that somebody moved and a
// stream that was created anew.
func (w *worker) probe(ctx context.Context) error {
	if err := w.unmoved(ctx); err != nil {
		return err
	}
	if err := w.sameStream(ctx); err != nil {
		return err
	}
	w.stats.well()
	return nil
}

// sameStream notices a stream that was created anew.
func (w *worker) sameStream(ctx context.Context) error {
	extent, err := w.log.Extent(ctx, w.partition.Stream())
	if err == nil && extent.Created != w.at.Created {
		err = fmt.Errorf("%w: the stream was created anew", domain.ErrHistoryLost)
	}
	return err
}

// advance folds records and applies the result.
func (w *worker) advance(ctx context.Context, state fold, batch *cachestore.Batch, records []domain.Record) error {
	if err := state.load(ctx, records); err != nil {
		return err
	}
	if asked(state) {
		if err := w.unmoved(ctx); err != nil {
			return err
		}
	}
	for _, rec := range records {
		if err := state.add(rec); err != nil {
			if err := w.refuse(ctx, rec, err); err != nil {
				return err
			}
		}
	}
	w.folded += uint64(len(records))
	if whole, err := w.gather(ctx, records); !whole || err != nil {
		return err
	}
	batch.Reset()
	if err := state.flush(batch, &w.stats); err != nil {
		return err
	}
	last := records[len(records)-1]
	next := w.at
	next.Seq, next.Time = last.Seq, last.Time.UnixNano()
	if err := w.apply(ctx, next, batch); err != nil {
		return err
	}
	w.at = next
	w.stats.reached(next)
	w.stats.messages.Add(w.folded)
	w.stats.batches.Add(1)
	w.folded = 0
	return nil
}

// unmoved makes sure that what was loaded is of the checkpoint that is folded
// from. Applying would not tell when another worker has applied the same records
// since: it ends at the same checkpoint.
func (w *worker) unmoved(ctx context.Context) error {
	stored, err := w.partition.Checkpoint(ctx)
	if err == nil && stored != w.at {
		err = w.moved(stored)
	}
	return err
}

// moved is the error for a stored checkpoint that is not the worker's.
func (w *worker) moved(stored domain.Checkpoint) error {
	if stored.IsZero() {
		return errGone
	}
	return fmt.Errorf("%w from %d to %d", errMoved, w.at.Seq, stored.Seq)
}

// gather notes what was folded and reports whether it may be applied. In a sparse
// stream a message is missing because a later one took its place. Until that
// one is folded as well, what the missing one was about would be missing from
// the state, as if nobody had ever said anything of it. So behind a hole
// everything is folded that the stream has by now, and applied in one step.
func (w *worker) gather(ctx context.Context, records []domain.Record) (whole bool, err error) {
	hole := false
	for _, rec := range records {
		hole = hole || rec.Seq != w.read+1
		w.read = rec.Seq
	}
	if hole && w.sparse {
		extent, err := w.log.Extent(ctx, w.partition.Stream())
		if err != nil {
			return false, err
		}
		w.whole = max(w.whole, extent.Last)
	}
	return w.read >= w.whole, nil
}

// apply stores the batch, however long Redis is away.
func (w *worker) apply(ctx context.Context, next domain.Checkpoint, batch *cachestore.Batch) error {
	var wait *backoff.ExponentialBackOff
	for {
		stored, err := w.partition.Apply(ctx, w.at, next, batch)
		switch {
		case err == nil && stored == next:
			if wait != nil {
				w.slog.Info("Redis is back", "sequence", next.Seq)
				w.stats.well()
			}
			return nil
		case err == nil:
			return w.moved(stored)
		case !errors.Is(err, domain.ErrUnreachable) || ctx.Err() != nil:
			return err
		}
		if wait == nil {
			wait = newBackOff()
			w.slog.Warn("Redis is away", "error", err)
		}
		w.stats.trouble()
		pause.For(ctx, wait.NextBackOff())
	}
}

// refuse keeps a message that cannot be folded, however long the log is away:
// its partition goes on behind it.
func (w *worker) refuse(ctx context.Context, rec domain.Record, reason error) error {
	w.stats.deadLetters.Add(1)
	w.slog.Warn("message refused", "sequence", rec.Seq, "subject", rec.Subject, "error", reason)
	wait := newBackOff()
	for {
		err := w.log.DeadLetter(ctx, w.partition.Stream(), rec, reason)
		if err == nil || ctx.Err() != nil {
			return err
		}
		w.stats.trouble()
		pause.For(ctx, wait.NextBackOff())
	}
}
