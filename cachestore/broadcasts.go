package cachestore

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// BroadcastCap is how many messages to the processes of a type are kept.
const BroadcastCap = 1000

// beforeAll is before the first entry of any stream.
const beforeAll = "0-0"

// CheckBroadcastID tells what is wrong with a place among messages. The error
// is a *domain.FieldError.
func CheckBroadcastID(id string) error {
	if _, err := timeOfEntry(id); err != nil {
		return domain.Invalid("after", id, "the id of a message, or 0-0 for all that are kept")
	}
	return nil
}

// Broadcast stores a valid message to all processes of its type, beside the
// newest BroadcastCap-1, and returns its id.
func (p *Processes) Broadcast(ctx context.Context, message domain.Broadcast) (string, error) {
	return p.store.addMessage(ctx, p.broadcastsKey(message.Type), BroadcastCap, wire.EncodeBroadcast(message))
}

// LastBroadcast is the id of the newest message to a type, or one before all
// when there is none.
func (p *Processes) LastBroadcast(ctx context.Context, t domain.ProcessType) (string, error) {
	key := p.broadcastsKey(t)
	newest, err := p.store.rdb.XRevRangeN(ctx, key, "+", "-", 1).Result()
	if err != nil {
		return "", p.store.failed(ctx, "read "+key, err)
	}
	if len(newest) == 0 {
		return beforeAll, nil
	}
	return newest[0].ID, nil
}

// broadcastsAtOnce bounds one read.
const broadcastsAtOnce = 100

// BroadcastsAfter reads messages to a type that follow the one with the id
// after, oldest first, at most about a hundred. The error matches
// domain.ErrLagged when that one is no longer kept, so that what followed it may
// be gone.
func (p *Processes) BroadcastsAfter(ctx context.Context, t domain.ProcessType, after string) ([]domain.Broadcast, error) {
	key := p.broadcastsKey(t)
	entries, err := p.store.rdb.XRangeN(ctx, key, after, "+", broadcastsAtOnce).Result()
	if err != nil {
		return nil, p.store.failed(ctx, "read "+key, err)
	}
	if after != beforeAll {
		if len(entries) == 0 || entries[0].ID != after {
			return nil, fmt.Errorf("broadcasts to %s: %w: the one at %s is no longer kept", t, domain.ErrLagged, after)
		}
		entries = entries[1:]
	}
	out := make([]domain.Broadcast, len(entries))
	for i, entry := range entries {
		message, at, err := decodeMessage(key, entry, func(data []byte) (domain.Broadcast, error) { return wire.DecodeBroadcast(t, data) })
		if err != nil {
			return nil, err
		}
		message.ID, message.Time = entry.ID, at
		out[i] = message
	}
	return out, nil
}

// WaitBroadcast blocks until there is a message to a type that follows the one
// with the id after, or for at most timeout. It holds one connection meanwhile.
func (p *Processes) WaitBroadcast(ctx context.Context, t domain.ProcessType, after string, timeout time.Duration) error {
	return p.store.waitMessages(ctx, p.broadcastsKey(t), after, timeout)
}
