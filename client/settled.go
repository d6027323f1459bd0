package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// settledPartition reads a partition, and takes its word only once it has caught
// up. While Redis is folded anew a position that was opened is not there yet and
// would look flat, a block would look free, a fill that was acknowledged would
// look as if it were not, and a tick would be one of an hour ago. So the first
// time that it sees an epoch it asks the log where its end is; what Redis says
// before it has reached that place is no answer. Nor is what a Redis says that
// has gone back behind what was read.
type settledPartition struct {
	*cachestore.Partition
	client *Client
	market bool // market data: an answer that is merely behind the log counts

	mu     sync.Mutex
	wanted wanted
}

// wanted is what a checkpoint must be to count.
type wanted struct {
	known bool // the rest is
	epoch uint64
	least uint64 // the sequence that it must have reached
}

const (
	// catchUp bounds how long a read waits for Redis to catch up.
	catchUp = 2 * time.Second
	// epochSlack is how long after the beginning of an epoch, by the clock of the
	// log, somebody may at most have stored what the epoch before it has shown.
	epochSlack = 5 * time.Second
)

// want is what a read that begins now must reach.
func (p *settledPartition) want() wanted {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// target is want, asked of the log if nothing is known of the partition yet.
func (p *settledPartition) target(ctx context.Context) (wanted, error) {
	w := p.want()
	if w.known {
		return w, nil
	}
	at, err := p.Checkpoint(ctx)
	if err == nil {
		_, err = p.reached(ctx, at, w)
	}
	return p.want(), err
}

// reached reports whether what was read at a checkpoint counts, for a read that
// began when w was wanted.
func (p *settledPartition) reached(ctx context.Context, at domain.Checkpoint, w wanted) (bool, error) {
	if !w.known || w.epoch != at.Epoch {
		least, err := p.end(ctx, at)
		if err != nil || least == neverReached {
			return false, err
		}
		w = wanted{known: true, epoch: at.Epoch, least: least}
	}
	ok := at.Seq >= w.least
	w.least = max(w.least, at.Seq)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted.epoch == w.epoch {
		w.least = max(w.least, p.wanted.least)
	}
	p.wanted = w
	return ok, nil
}

// neverReached: the checkpoint is of a stream that is gone.
const neverReached = ^uint64(0)

// end is what the epoch of a checkpoint must have reached to count.
func (p *settledPartition) end(ctx context.Context, at domain.Checkpoint) (uint64, error) {
	extent, err := p.client.log.Extent(ctx, p.Stream())
	switch {
	case err != nil:
		return 0, err
	case at.Created != 0 && at.Created != extent.Created:
		return neverReached, nil
	case at.Seq >= extent.Newest() || !p.market || at.IsZero():
		return extent.Newest(), nil
	}
	// What was stored long after the epoch began was never shown by an earlier one:
	// the projection is behind, but not on its way back.
	next, err := p.client.log.TimeOf(ctx, p.Stream(), at.Seq+1)
	if errors.Is(err, domain.ErrNotFound) {
		return extent.Newest(), nil
	}
	if err == nil && time.Unix(0, next).Sub(time.UnixMilli(int64(at.Epoch))) > epochSlack { //nolint:gosec // a time
		return at.Seq, nil
	}
	return extent.Newest(), err
}

// rebuilding is the error for a Redis that does not catch up.
func (p *settledPartition) rebuilding(at domain.Checkpoint) error {
	return fmt.Errorf("%s: %w: Redis reflects the log up to %d, which says nothing before it has reached %d",
		p.Stream(), domain.ErrRebuilding, at.Seq, p.want().least)
}

// settled reads until what was read counts, for at most catchUp. read returns
// the checkpoint that its answer is of; that something is not there is an answer,
// too.
func (p *settledPartition) settled(ctx context.Context, read func() (domain.Checkpoint, error)) error {
	_, err := settle(ctx, p, func() (none struct{}, at domain.Checkpoint, err error) {
		at, err = read()
		return none, at, err
	})
	return err
}

// settle is settled for what read gives.
func settle[T any](ctx context.Context, p *settledPartition, read func() (T, domain.Checkpoint, error)) (T, error) {
	var deadline time.Time
	for {
		w := p.want()
		answer, at, err := read()
		if err != nil && !errors.Is(err, domain.ErrNotFound) {
			return answer, err
		}
		ok, failed := p.reached(ctx, at, w)
		if ok {
			return answer, err
		}
		var none T
		if failed != nil {
			return none, failed
		}
		if err := p.behind(ctx, at, &deadline); err != nil {
			return none, err
		}
	}
}

// settleAll is settle for a read of several partitions. read returns the
// checkpoints of each of them, in their order.
func settleAll[T any](ctx context.Context, partitions []*settledPartition, read func() (T, []domain.Checkpoint, error)) (T, error) {
	var deadline time.Time
	wants := make([]wanted, len(partitions))
	for {
		for i, p := range partitions {
			wants[i] = p.want()
		}
		answer, at, err := read()
		if err != nil {
			return answer, err
		}
		behind := -1
		for i, p := range partitions {
			ok, err := p.reached(ctx, at[i], wants[i])
			if err != nil {
				var none T
				return none, err
			}
			if !ok {
				behind = i
			}
		}
		if behind < 0 {
			return answer, nil
		}
		if err := partitions[behind].behind(ctx, at[behind], &deadline); err != nil {
			var none T
			return none, err
		}
	}
}

// behind waits for the partition to move on from a checkpoint, until a deadline
// that begins with the first call.
func (p *settledPartition) behind(ctx context.Context, at domain.Checkpoint, deadline *time.Time) error {
	if deadline.IsZero() {
		*deadline = time.Now().Add(catchUp)
	}
	left := time.Until(*deadline)
	if left <= 0 {
		return p.rebuilding(at)
	}
	if _, err := p.Wait(ctx, at.Seq, min(left, waitSlice)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", p.Stream(), err)
	}
	return nil
}

// inner are the partitions without what they have settled on.
func inner(partitions []*settledPartition) []*cachestore.Partition {
	out := make([]*cachestore.Partition, len(partitions))
	for i, p := range partitions {
		out[i] = p.Partition
	}
	return out
}

// temporary tells the errors after which a watch goes on.
func temporary(err error) bool {
	return errors.Is(err, domain.ErrUnreachable) || errors.Is(err, domain.ErrUnknown)
}

// epochWatch is what a watch knows of a partition's epoch.
type epochWatch struct {
	epoch uint64    // that of what was yielded last; zero: nothing was
	since time.Time // it is behind; zero: it is not
	told  bool      // that it is being rebuilt
}

// take decides what becomes of what was read at a checkpoint, for a read that
// began when w was wanted. use: it counts. anew: it is of another epoch than what
// was yielded before, which therefore says nothing of it. The error matches
// domain.ErrRebuilding once for each rebuild, be it that it was over before it was
// noticed, and once when a partition does not catch up.
func (e *epochWatch) take(ctx context.Context, p *settledPartition, at domain.Checkpoint, w wanted) (use, anew bool, err error) {
	ok, err := p.reached(ctx, at, w)
	if err != nil {
		return false, false, err
	}
	anew = e.epoch != 0 && e.epoch != at.Epoch
	if !ok && e.since.IsZero() {
		e.since = time.Now()
	}
	if !e.told && (anew || !ok && time.Since(e.since) >= catchUp) {
		e.told = true
		err = p.rebuilding(at)
	}
	if !ok {
		return false, false, err
	}
	e.epoch, e.since, e.told = at.Epoch, time.Time{}, false
	return true, anew, err
}
