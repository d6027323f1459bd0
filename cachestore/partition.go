package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

var (
	//go:embed scripts/apply.lua
	applySource string
	//go:embed scripts/begin.lua
	beginSource string
	//go:embed scripts/clear.lua
	clearSource string

	applyScript = newScript(applySource)
	beginScript = newScript(beginSource)
	clearScript = newScript(clearSource)
)

// Partition is what Redis holds of one stream. Its methods are safe for
// concurrent use.
type Partition struct {
	store  *Store
	stream string
	tag    string // prefix and hash tag of every key
	gather *gatherer
	atOnce *gatherer

	moment []command // tells the checkpoint, which every read wants to know

	// Made with the first.
	popOrders, moveLease func() *scriptCall
	queue                func() queueRead
}

// Partition names the projection of a stream. It does no input or output.
func (s *Store) Partition(stream string) *Partition {
	p := &Partition{
		store: s, stream: stream, tag: s.cfg.Prefix + "{" + stream + "}:",
		gather: s.gathererOf(false), atOnce: s.gathererOf(true),
	}
	p.moment = []command{{"get", p.checkpointKey()}}
	p.popOrders, p.moveLease = sync.OnceValue(p.newPopOrders), sync.OnceValue(p.newMoveLease)
	p.queue = sync.OnceValue(p.newQueueRead)
	return p
}

// queueRead is what WaitingOrders asks for.
type queueRead struct {
	orders string    // key of the orders
	shared []command // the moment, and how many orders wait
}

func (p *Partition) newQueueRead() queueRead {
	return queueRead{p.ordersKey(), append(p.moment[:1:1], command{"hlen", p.ticketsKey()})}
}

// Stream is the name of the stream that the partition reflects.
func (p *Partition) Stream() string { return p.stream }

// Checkpoint reads up to where Redis reflects the stream; zero when nothing was
// ever folded or Redis was wiped. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) Checkpoint(ctx context.Context) (domain.Checkpoint, error) {
	text, err := p.store.rdb.Get(ctx, p.checkpointKey()).Result()
	if err != nil && err != redis.Nil {
		return domain.Checkpoint{}, p.failed(ctx, "read the checkpoint", err)
	}
	return domain.ParseCheckpoint(text)
}

// Apply stores a batch and the checkpoint next, if the stored checkpoint is
// prev; else it changes nothing. It returns the checkpoint that is stored
// afterwards: next if it went well, else where somebody else, a wipe or a
// failover has taken the partition. The error matches domain.ErrUnreachable;
// the batch may have been stored then, and may be applied again, because a
// repetition finds the stored checkpoint to be next. It matches
// domain.ErrUnknown when what Redis holds contradicts its checkpoint: then the
// partition must be folded anew.
func (p *Partition) Apply(ctx context.Context, prev, next domain.Checkpoint, batch *Batch) (domain.Checkpoint, error) {
	batch.head(prev, next)
	text, err := p.store.call(ctx, batch.invocation("evalsha", applyScript.Hash()))
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		text, err = p.store.call(ctx, batch.invocation("eval", applySource))
	}
	if err != nil {
		return domain.Checkpoint{}, p.failed(ctx, "apply", err)
	}
	return domain.ParseCheckpoint(text)
}

// call runs a script whose first key is the fourth argument.
func (s *Store) call(ctx context.Context, args []any) (string, error) {
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(3)
	_ = s.rdb.Process(ctx, cmd) // the command has the error
	return cmd.Text()
}

// Begin starts to fold the partition anew: it replaces whatever checkpoint is
// stored by next, whose sequence must be zero, and returns the checkpoint that
// is stored afterwards; another one means that somebody else began first. The
// error matches domain.ErrUnreachable.
func (p *Partition) Begin(ctx context.Context, next domain.Checkpoint) (domain.Checkpoint, error) {
	key := p.checkpointKey()
	seen, err := p.store.rdb.Get(ctx, key).Result()
	if err != nil && err != redis.Nil {
		if !isContradiction(err) {
			return domain.Checkpoint{}, p.store.unreachable(ctx, err)
		}
		if err := p.store.rdb.Del(ctx, key).Err(); err != nil {
			return domain.Checkpoint{}, p.store.unreachable(ctx, err)
		}
	}
	text, err := beginScript.Run(ctx, p.store.rdb, []string{key}, seen, next.String()).Text()
	if err != nil {
		return domain.Checkpoint{}, p.failed(ctx, "begin", err)
	}
	return domain.ParseCheckpoint(text)
}

// failed sorts errors: Redis did not answer, or what it holds contradicts the
// checkpoint.
func (p *Partition) failed(ctx context.Context, what string, err error) error {
	return p.store.failed(ctx, what+" of "+p.stream, err)
}

func (s *Store) failed(ctx context.Context, what string, err error) error {
	if isContradiction(err) {
		return fmt.Errorf("%s: %w: what Redis holds contradicts its checkpoint: %w", what, domain.ErrUnknown, err)
	}
	return s.unreachable(ctx, fmt.Errorf("%s: %w", what, err))
}

// isContradiction recognises the answers of Redis that no retry mends: a key of
// another type, or a stream that is ahead of the checkpoint.
func isContradiction(err error) bool {
	return strings.Contains(err.Error(), "WRONGTYPE") || strings.Contains(err.Error(), "ID specified in XADD")
}

// Clear deletes everything that the partition holds but its checkpoint, while
// that is at. It returns the stored checkpoint; if it is not at, somebody else
// went on and the deletion stopped there. The error matches
// domain.ErrUnreachable.
func (p *Partition) Clear(ctx context.Context, at domain.Checkpoint) (domain.Checkpoint, error) {
	checkpoint := p.checkpointKey()
	for {
		keys, err := p.scan(ctx)
		if err != nil {
			return domain.Checkpoint{}, p.store.unreachable(ctx, err)
		}
		if len(keys) == 0 {
			return p.Checkpoint(ctx)
		}
		const atOnce = 500
		for len(keys) > 0 {
			n := min(atOnce, len(keys))
			text, err := clearScript.Run(ctx, p.store.rdb, append([]string{checkpoint}, keys[:n]...), at.String()).Text()
			if err != nil {
				return domain.Checkpoint{}, p.store.unreachable(ctx, err)
			}
			stored, err := domain.ParseCheckpoint(text)
			if err != nil || stored != at {
				return stored, err
			}
			keys = keys[n:]
		}
	}
}

// scan lists the partition's keys but its checkpoint. All of them are on one
// node.
func (p *Partition) scan(ctx context.Context) ([]string, error) {
	var node redis.Cmdable = p.store.rdb
	if cluster, ok := p.store.rdb.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, p.checkpointKey())
		if err != nil {
			return nil, err
		}
		node = master
	}
	var keys []string
	iter := node.Scan(ctx, 0, globEscape(p.tag)+"*", 1000).Iterator()
	for iter.Next(ctx) {
		if iter.Val() != p.checkpointKey() {
			keys = append(keys, iter.Val())
		}
	}
	return keys, iter.Err()
}

// globEscape makes a text match only itself in a SCAN pattern.
func globEscape(text string) string {
	out := make([]byte, 0, len(text)+8)
	for i := range len(text) {
		switch text[i] {
		case '*', '?', '[', ']', '\\', '^':
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return string(out)
}
