package cachestore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// The status of a bot is a hash, feed to stamped status, and the bots that have
// one are a set.

// PutBot sets and removes statuses of a bot; the fields are its feeds. known
// tells whether it has any afterwards.
func (b *Batch) PutBot(bot string, writes []FieldWrite, known bool) {
	b.putFields(b.partition.botKey(bot), writes)
	if known {
		b.do("SADD", b.partition.botsKey(), bot)
	} else {
		b.do("SREM", b.partition.botsKey(), bot)
	}
}

// LoadBots reads which feeds have a status. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadBots(ctx context.Context, bots []string) (map[string][]string, error) {
	pipe := p.store.rdb.Pipeline()
	replies := make([]*redis.StringSliceCmd, len(bots))
	for i, bot := range bots {
		replies[i] = pipe.HKeys(ctx, p.botKey(bot))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "load the bots", err)
	}
	out := make(map[string][]string, len(bots))
	for i, bot := range bots {
		out[bot] = replies[i].Val()
	}
	return out, nil
}

// BotStatuses reads the statuses of a bot, in no order, and the checkpoint that
// they are of. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) BotStatuses(ctx context.Context, bot string) ([]domain.BotStatus, domain.Checkpoint, error) {
	fields, at, err := p.whole(ctx, p.botKey(bot))
	if err != nil {
		return nil, at, err
	}
	out, err := readBot(bot, fields)
	return out, at, err
}

// AllBotStatuses reads the statuses of all bots, in no order, and a checkpoint
// that all of them are of or newer. Errors as for BotStatuses.
func (p *Partition) AllBotStatuses(ctx context.Context) ([]domain.BotStatus, domain.Checkpoint, error) {
	bots, at, err := p.members(ctx, p.botsKey())
	if err != nil || len(bots) == 0 {
		return nil, at, err
	}
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	replies := make([]*redis.MapStringStringCmd, len(bots))
	for i, bot := range bots {
		replies[i] = tx.HGetAll(ctx, p.botKey(bot))
	}
	_, err = tx.Exec(ctx)
	after, atErr := p.checkpointOf(ctx, checkpoint)
	if atErr == nil && after.Epoch != at.Epoch {
		return nil, domain.Checkpoint{Epoch: after.Epoch}, nil // folded anew in between: nothing is known yet
	}
	if err != nil {
		return nil, at, p.failed(ctx, "read the bots", err)
	}
	var all []domain.BotStatus
	for i, bot := range bots {
		found, err := readBot(bot, replies[i].Val())
		if err != nil {
			return nil, at, err
		}
		all = append(all, found...)
	}
	return all, at, nil
}

func readBot(bot string, fields map[string]string) ([]domain.BotStatus, error) {
	out := make([]domain.BotStatus, 0, len(fields))
	for feed, value := range fields {
		seq, payload, err := wire.Unstamp([]byte(value))
		var s domain.BotStatus
		if err == nil {
			s, err = wire.DecodeBotStatus(domain.Key{Bot: bot, BotFeed: feed}, payload)
		}
		if err != nil {
			return nil, fmt.Errorf("status of %s %s: %w: %w", bot, feed, domain.ErrUnknown, err)
		}
		s.Sequence = seq
		out = append(out, s)
	}
	return out, nil
}
