package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// Rebuild is a partition that is being folded anew.
type Rebuild struct {
	Stream string
	Epoch  uint64 // names it, unix ms
	First  uint64 // sequence of the oldest message that it is folded from
	Last   uint64 // sequence of the newest one when it began; zero: there is none
}

// Rebuild has a partition folded anew from what the log still has, in a new
// epoch, while projectors run: whoever folds the partition notices and begins
// again. Until that has caught up, reads of the partition match
// domain.ErrRebuilding. What Redis holds of messages that the log has dropped is
// lost: see StreamStatus.First.
//
// It does not wait: see Rebuilt. The error matches domain.ErrNotFound for a stream
// that the deployment does not have, domain.ErrConflict when somebody else began
// at the same time, or domain.ErrUnreachable.
func (c *Client) Rebuild(ctx context.Context, stream string) (Rebuild, error) {
	streams, err := c.Streams(ctx)
	if err != nil {
		return Rebuild{}, err
	}
	if !slices.Contains(streams, stream) {
		return Rebuild{}, fmt.Errorf("stream %s: %w", stream, domain.ErrNotFound)
	}
	extent, err := c.log.Extent(ctx, stream)
	if err != nil {
		return Rebuild{}, err
	}
	p := c.store.Partition(stream)
	stored, err := p.Checkpoint(ctx)
	if err != nil && !errors.Is(err, domain.ErrUnknown) {
		return Rebuild{}, err
	}
	next := domain.NextEpoch(stored, extent)
	if stored, err = p.Begin(ctx, next); err != nil {
		return Rebuild{}, err
	}
	if stored != next {
		return Rebuild{}, fmt.Errorf("rebuild %s: %w: somebody else moved its checkpoint", stream, domain.ErrConflict)
	}
	return Rebuild{Stream: stream, Epoch: next.Epoch, First: extent.First, Last: extent.Newest()}, nil
}

// Rebuilt waits until a rebuild reflects all that the log had when it began, for
// at most d, and returns up to where it has come; done says that this is far
// enough. The error matches domain.ErrConflict when it was replaced by another
// one, domain.ErrUnreachable or domain.ErrUnknown, or is ctx's.
func (c *Client) Rebuilt(ctx context.Context, r Rebuild, d time.Duration) (at uint64, done bool, err error) {
	p := c.store.Partition(r.Stream)
	for deadline := time.Now().Add(d); ; {
		stored, err := p.Checkpoint(ctx)
		switch left := time.Until(deadline); {
		case err != nil:
			return 0, false, err
		case stored.Epoch != r.Epoch:
			return 0, false, fmt.Errorf("rebuild %s: %w: it was begun again by somebody else", r.Stream, domain.ErrConflict)
		case stored.Seq >= r.Last:
			return stored.Seq, true, nil
		case left <= 0:
			return stored.Seq, false, nil
		default:
			// Of what the earlier epoch has said, this tells at once.
			if _, err := p.Wait(ctx, r.Last-1, min(left, rebuiltSlice)); err != nil {
				return stored.Seq, false, err
			}
		}
	}
}

// rebuiltSlice is how often Rebuilt looks.
const rebuiltSlice = 100 * time.Millisecond

// Streams names every partition of the deployment. The error matches
// domain.ErrUnreachable.
func (c *Client) Streams(ctx context.Context) ([]string, error) {
	orders, err := c.log.OrderStreams(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Concat(c.log.Layout().Streams(), orders, []string{bus.CatalogueStream}), nil
}
