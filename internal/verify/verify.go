package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
)

// Report is what the comparison of one partition has found.
type Report struct {
	Stream      string
	Sequence    uint64 // the checkpoint of what was compared last
	Dropped     uint64 // messages that the log does not have any more
	Keys        int    // compared
	Values      int    // compared
	Unproven    int    // values that follow from messages that the log has dropped
	Differences int
	Examples    []Difference // of them, at most MaxExamples
	Err         error        // why it could not be compared; what was found until then counts
}

// MaxExamples bounds the differences that a report has.
const MaxExamples = 100

// Difference is a value that is not what the log says.
type Difference struct {
	Key   string
	Field string
	Log   *string // nil: the log says that it is not there
	Redis *string // nil: it is not there
}

const (
	// attempts bounds how often a partition that was folded anew meanwhile is
	// begun again, and how often a piece that was overtaken is read again.
	attempts      = 3
	pieceAttempts = 200
)

// Verifier compares partitions of one deployment.
type Verifier struct {
	cfg     projector.Config
	log     projector.Log
	store   *cachestore.Store
	private *cachestore.Store
}

// New makes a verifier of what store holds. cfg must be that of the deployment's
// projectors. private is a Redis that nobody else uses: what is in it is lost. New
// does no input or output.
func New(cfg projector.Config, log projector.Log, store, private *cachestore.Store) *Verifier {
	return &Verifier{cfg: cfg, log: log, store: store, private: private}
}

// errAnew: the partition was folded anew while it was compared.
var errAnew = fmt.Errorf("%w while it was compared", domain.ErrRebuilding)

// Partition compares one partition. It blocks for as long as it takes to fold
// what the log has of it.
func (v *Verifier) Partition(ctx context.Context, stream string) Report {
	for attempt := 1; ; attempt++ {
		c := comparison{of: v.store.Partition(stream), sparse: stream == v.cfg.CatalogueStream, report: Report{Stream: stream}}
		c.report.Err = c.run(ctx, v)
		again := errors.Is(c.report.Err, errAnew) || errors.Is(c.report.Err, domain.ErrHistoryLost)
		if !again || attempt == attempts || ctx.Err() != nil {
			return c.report
		}
	}
}

// comparison is one attempt.
type comparison struct {
	of      *cachestore.Partition
	replica *projector.Replica
	sparse  bool
	epoch   uint64
	extent  domain.Extent
	orders  map[string]uint64 // id to the sequence of the state that Redis has
	report  Report
}

func (c *comparison) run(ctx context.Context, v *Verifier) error {
	if _, err := v.private.Erase(ctx); err != nil {
		return err
	}
	at, err := c.of.Checkpoint(ctx)
	if err != nil {
		return err
	}
	c.epoch = at.Epoch
	if c.replica, err = projector.NewReplica(ctx, v.cfg, v.log, v.private, c.of.Stream()); err != nil {
		return err
	}
	defer c.replica.Close()
	c.extent = c.replica.Extent()
	if !c.sparse {
		c.report.Dropped = c.extent.First - c.extent.Begin
	}
	if at.Seq == 0 {
		if c.extent.Newest() == 0 {
			return nil // there is nothing to fold
		}
		return fmt.Errorf("%s: %w", c.of.Stream(), domain.ErrRebuilding)
	}
	if err := c.checkpoint(ctx, v.log, at); err != nil {
		return err
	}
	keys, err := c.of.ContentKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := c.key(ctx, key); err != nil {
			return err
		}
	}
	// What only the log has, as far as it was folded by now.
	folded, err := c.replica.Partition().ContentKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range folded {
		if !slices.Contains(keys, key) {
			if err := c.key(ctx, key); err != nil {
				return err
			}
		}
	}
	return c.changes(ctx)
}

// checkpoint compares what the checkpoint says of its stream and its message.
func (c *comparison) checkpoint(ctx context.Context, log projector.Log, at domain.Checkpoint) error {
	c.report.Keys++
	c.report.Values++
	want := at
	want.Created = c.extent.Created
	if at.Seq > c.extent.Last {
		want.Seq = c.extent.Last
	} else if stored, err := log.TimeOf(ctx, c.of.Stream(), at.Seq); err == nil {
		want.Time = stored
	} else if !errors.Is(err, domain.ErrNotFound) { // dropped
		return err
	}
	if want != at {
		c.differ("checkpoint", "", pointer(want.String()), pointer(at.String()))
		return fmt.Errorf("%s: %w: its checkpoint is none of this log", c.of.Stream(), domain.ErrHistoryLost)
	}
	return nil
}

// key compares one key, piece by piece, and then what no piece had.
func (c *comparison) key(ctx context.Context, key string) error {
	c.report.Keys++
	seen := make(map[string]bool)
	for from := uint64(0); ; {
		read := func() (cachestore.Piece, error) { return c.of.Content(ctx, key, from) }
		theirs, ours, err := c.both(ctx, key, read, nil)
		if err != nil {
			return err
		}
		c.compare(key, theirs.Items, ours, seen)
		if key == ordersKey {
			c.note(theirs.Items)
		}
		if from = theirs.Next; from == 0 {
			break
		}
	}
	var rest []string
	for from := uint64(0); ; {
		piece, err := c.replica.Partition().Content(ctx, key, from)
		if err != nil {
			return err
		}
		for _, item := range piece.Items {
			if !seen[item.Field] && !piece.Whole {
				rest = append(rest, item.Field)
				seen[item.Field] = true
			}
		}
		if from = piece.Next; from == 0 {
			break
		}
	}
	for chunk := range slices.Chunk(rest, 1000) {
		read := func() (cachestore.Piece, error) { return c.of.ContentOf(ctx, key, chunk) }
		theirs, ours, err := c.both(ctx, key, read, chunk)
		if err != nil {
			return err
		}
		c.compare(key, theirs.Items, ours, seen)
	}
	return nil
}

// both reads something of Redis, and of the second fold the same at the same
// checkpoint: the fields, or those that Redis has, or all where that is one piece.
func (c *comparison) both(ctx context.Context, key string, read func() (cachestore.Piece, error), fields []string) (theirs cachestore.Piece, ours []cachestore.Item, err error) {
	for range pieceAttempts {
		if theirs, err = read(); err != nil {
			return theirs, nil, err
		}
		if theirs.At.Epoch != c.epoch {
			return theirs, nil, fmt.Errorf("%s: %w", c.of.Stream(), errAnew)
		}
		reached, err := c.replica.To(ctx, theirs.At.Seq)
		if err != nil {
			return theirs, nil, err
		}
		if reached != theirs.At.Seq {
			if !c.sparse {
				return theirs, nil, fmt.Errorf("%s: %w: Redis went back to %d", c.of.Stream(), errAnew, theirs.At.Seq)
			}
			// The log has gone on; so will Redis.
			if _, err := c.of.Wait(ctx, reached-1, time.Second); err != nil {
				return theirs, nil, err
			}
			continue
		}
		c.report.Sequence = reached
		own := c.replica.Partition()
		if fields == nil && theirs.Whole {
			piece, err := own.Content(ctx, key, 0)
			return theirs, piece.Items, err
		}
		wanted := fields
		if wanted == nil {
			for _, item := range theirs.Items {
				wanted = append(wanted, item.Field)
			}
		}
		if len(wanted) == 0 {
			return theirs, nil, nil
		}
		piece, err := own.ContentOf(ctx, key, wanted)
		return theirs, piece.Items, err
	}
	return theirs, nil, fmt.Errorf("%s of %s: %w: it changes too fast to be compared", key, c.of.Stream(), domain.ErrUnknown)
}
