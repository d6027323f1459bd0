package cachestore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// What a partition holds can be read as it is stored, in pieces that are small
// enough to keep nobody waiting, each with the checkpoint that it is of: so it can
// be compared with another fold of the same stream while it changes.

// Item is one thing that a key of a partition holds: a field of a hash, a member
// of a set, an entry of a list or a stream, or the text of a string.
type Item struct {
	Field string
	Value string
	// Seq is the message that the item is of, where it says so; zero: it does not.
	Seq uint64
	// Derived: the item follows from earlier messages, too.
	Derived bool
}

// Piece is what was read of a key in one step.
type Piece struct {
	At    domain.Checkpoint
	Items []Item
	Whole bool   // it is all that the key has
	Next  uint64 // where the next piece begins; zero: there is none
}

// pieceSize is about how many items a piece of a hash or a set has.
const pieceSize = 1000

// ContentKeys lists the keys that the fold of the stream has made, without the
// part that all of them share. The error matches domain.ErrUnreachable.
func (p *Partition) ContentKeys(ctx context.Context) ([]string, error) {
	keys, err := p.scan(ctx)
	if err != nil {
		return nil, p.failed(ctx, "list the keys", err)
	}
	out := make([]string, 0, len(keys))
	for _, key := range keys {
		if key = strings.TrimPrefix(key, p.tag); folded(key) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil // a scan may tell of a key twice
}

// folded tells the keys that are a fold of the log from leases and the like.
func folded(key string) bool {
	family, _, _ := strings.Cut(key, ":")
	switch family {
	case "leases", "tries", "turns", "changes":
		return false
	}
	return true
}

// Content reads a piece of a key. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) Content(ctx context.Context, key string, from uint64) (Piece, error) {
	return p.piece(ctx, key, func(tx redis.Pipeliner, kind string) func() ([]Item, uint64, error) {
		full := p.key(key)
		switch kind {
		case "hash":
			r := tx.HScan(ctx, full, from, "", pieceSize)
			return func() ([]Item, uint64, error) {
				values, next, err := r.Result()
				return pairsOf(key, kind, values), next, err
			}
		case "set":
			r := tx.SScan(ctx, full, from, "", pieceSize)
			return func() ([]Item, uint64, error) {
				members, next, err := r.Result()
				return membersOf(key, kind, members), next, err
			}
		case "zset":
			r := tx.ZScan(ctx, full, from, "", pieceSize)
			return func() ([]Item, uint64, error) {
				values, next, err := r.Result()
				return pairsOf(key, kind, values), next, err
			}
		case "list":
			r := tx.LRange(ctx, full, 0, -1)
			return func() ([]Item, uint64, error) { return entriesOf(key, r.Val()), 0, r.Err() }
		case "stream":
			r := tx.XRange(ctx, full, "-", "+")
			return func() ([]Item, uint64, error) {
				var items []Item
				for _, entry := range r.Val() {
					items = append(items, Item{Field: entry.ID, Value: fmt.Sprint(entry.Values)})
				}
				return items, 0, r.Err()
			}
		}
		r := tx.Get(ctx, full)
		return func() ([]Item, uint64, error) {
			return []Item{{Value: r.Val(), Derived: true}}, 0, r.Err()
		}
	})
}

// ContentOf reads some fields of a hash, or members of a set; those that are not
// there are left out. Of another key it reads all. Errors as for Content.
func (p *Partition) ContentOf(ctx context.Context, key string, fields []string) (Piece, error) {
	return p.piece(ctx, key, func(tx redis.Pipeliner, kind string) func() ([]Item, uint64, error) {
		full := p.key(key)
		switch kind {
		case "hash":
			r := tx.HMGet(ctx, full, fields...)
			return func() ([]Item, uint64, error) {
				var values []string
				for i, value := range r.Val() {
					if text, ok := value.(string); ok {
						values = append(values, fields[i], text)
					}
				}
				return pairsOf(key, kind, values), 0, r.Err()
			}
		case "set":
			members := make([]any, len(fields))
			for i, field := range fields {
				members[i] = field
			}
			r := tx.SMIsMember(ctx, full, members...)
			return func() ([]Item, uint64, error) {
				var values []string
				for i, is := range r.Val() {
					if is {
						values = append(values, fields[i])
					}
				}
				return membersOf(key, kind, values), 0, r.Err()
			}
		case "zset":
			// Of one that is missing the score is zero, which none has.
			r := tx.ZMScore(ctx, full, fields...)
			return func() ([]Item, uint64, error) {
				var values []string
				for i, score := range r.Val() {
					if score != 0 {
						values = append(values, fields[i], strconv.FormatFloat(score, 'f', -1, 64))
					}
				}
				return pairsOf(key, kind, values), 0, r.Err()
			}
		}
		return nil
	})
}

// piece reads a key in one step with the checkpoint. read is told of what type the
// key is; without a result, ContentOf reads as Content does.
func (p *Partition) piece(ctx context.Context, key string, read func(tx redis.Pipeliner, kind string) func() ([]Item, uint64, error)) (Piece, error) {
	for range 3 {
		kind, err := p.store.rdb.Type(ctx, p.key(key)).Result()
		if err != nil {
			return Piece{}, p.failed(ctx, "read "+key, err)
		}
		tx := p.store.rdb.TxPipeline()
		checkpoint, now := tx.Get(ctx, p.checkpointKey()), tx.Type(ctx, p.key(key))
		var result func() ([]Item, uint64, error)
		if kind != "none" {
			if result = read(tx, kind); result == nil {
				return p.Content(ctx, key, 0)
			}
		}
		_, _ = tx.Exec(ctx) // each command has its own error
		at, err := p.checkpointOf(ctx, checkpoint)
		if err != nil {
			return Piece{}, err
		}
		if err := p.failedReply(ctx, now); err != nil {
			return Piece{}, err
		}
		if now.Val() != kind {
			continue // it came, or went, between the two
		}
		piece := Piece{At: at, Whole: kind != "hash" && kind != "set" && kind != "zset"}
		if result != nil {
			if piece.Items, piece.Next, err = result(); err != nil {
				return Piece{}, p.failed(ctx, "read "+key, err)
			}
		}
		return piece, nil
	}
	return Piece{}, fmt.Errorf("read %s of %s: %w: its type changes all the time", key, p.stream, domain.ErrUnknown)
}

// pairsOf are the items of a hash or a sorted set.
func pairsOf(key, kind string, values []string) []Item {
	items := make([]Item, 0, len(values)/2)
	for i := 0; i+1 < len(values); i += 2 {
		items = append(items, originOf(key, kind, values[i], values[i+1]))
	}
	return items
}

// membersOf are the items of a set.
func membersOf(key, kind string, members []string) []Item {
	items := make([]Item, len(members))
	for i, member := range members {
		items[i] = originOf(key, kind, member, "")
	}
	return items
}

// entriesOf are the items of a list, each under the sequence that it is stamped
// with: the log's order is the list's.
func entriesOf(key string, values []string) []Item {
	items := make([]Item, len(values))
	last := uint64(0)
	for i, value := range values {
		items[i] = originOf(key, "list", "", value)
		if seq := items[i].Seq; seq > last {
			items[i].Field, last = strconv.FormatUint(seq, 10), seq
		} else {
			items[i].Field = "out of order at " + strconv.Itoa(i)
		}
	}
	return items
}

// originOf tells which message an item is of.
func originOf(key, kind, field, value string) Item {
	item := Item{Field: field, Value: value}
	family, _, _ := strings.Cut(key, ":")
	switch family {
	case "ticks", "trades", "gaps", "balances", "positions", "fills", "unacked", "venues", "symbols", "shadowed", "candles", "orders":
		item.Seq, _, _ = wire.UnstampText(value)
		item.Derived = family == "candles" || family == "orders" || item.Seq == 0
	case "bot", "symbol", "live", "done", "dead", "cancels", "waiting":
		if kind == "zset" {
			item.Seq, _ = strconv.ParseUint(value, 10, 64)
		} else {
			item.Seq, _, _ = wire.UnstampText(value)
		}
	case "revisions", "blocks", "openings", "freed", "opened":
		first, _, _ := strings.Cut(value, " ")
		item.Seq, _ = strconv.ParseUint(first, 10, 64)
		item.Derived = true // the token is that of the grant
	default:
		item.Derived = true
	}
	return item
}
