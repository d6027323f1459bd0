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
// would look flat, a block would look free, and a fill that was acknowledged
// would look as if it were not. So the first time that it sees an epoch it asks the log
// where its end is; what Redis says before it has reached that place is no
// answer. Nor is what a Redis says that has gone back behind what was read.
type settledPartition struct {
	*cachestore.Partition
	client *Client

	mu     sync.Mutex
	wanted wanted
}

// wanted is what a checkpoint must be to count.
type wanted struct {
	known bool // the rest is
	epoch uint64
	least uint64 // the sequence that it must have reached
}

// catchUp bounds how long a read waits for Redis to catch up.
const catchUp = 2 * time.Second

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
		extent, err := p.client.log.Extent(ctx, p.Stream())
		if err != nil {
			return false, err
		}
		w = wanted{known: true, epoch: at.Epoch, least: extent.Last}
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

// rebuilding is the error for a Redis that does not catch up.
func (p *settledPartition) rebuilding(at domain.Checkpoint) error {
	return fmt.Errorf("%s: %w: Redis reflects the log up to %d, which says nothing before it has reached %d",
		p.Stream(), domain.ErrUnknown, at.Seq, p.want().least)
}

// settled reads until what was read counts, for at most catchUp. read returns
// the checkpoint that its answer is of.
func (p *settledPartition) settled(ctx context.Context, read func() (domain.Checkpoint, error)) error {
	deadline := time.Now().Add(catchUp)
	for {
		w := p.want()
		at, err := read()
		if err != nil {
			return err
		}
		ok, err := p.reached(ctx, at, w)
		if ok || err != nil {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return p.rebuilding(at)
		}
		if _, err := p.Wait(ctx, at.Seq, min(left, waitSlice)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", p.Stream(), err)
		}
	}
}

// temporary tells the errors after which a watch goes on.
func temporary(err error) bool {
	return errors.Is(err, domain.ErrUnreachable) || errors.Is(err, domain.ErrUnknown)
}
