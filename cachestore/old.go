package cachestore

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// What is known of accounts outlives the messages that it came with: a balance
// that has not changed for longer than the log keeps a message must not be
// missing when the partition is folded anew. So what is still valid and old is
// stored in the log again, from here.

// OldEvents reads, as events, what the partition holds of accounts from messages
// below the sequence before, oldest first and at most limit: balances,
// positions, fills that are not acknowledged, and that the positions of an
// account without any are known. It is the state at the checkpoint at; the
// error matches domain.ErrConflict when Redis has another one,
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) OldEvents(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	accounts, err := p.store.Accounts(ctx, []*Partition{p})
	if err != nil {
		return nil, err
	}
	queues, err := p.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var old []oldEvent
	for _, account := range accounts {
		found, err := p.oldOfAccount(ctx, account, at, before)
		if err != nil {
			return nil, err
		}
		old = append(old, found...)
	}
	for _, q := range queues {
		found, err := p.oldFills(ctx, q, at, before)
		if err != nil {
			return nil, err
		}
		old = append(old, found...)
	}
	slices.SortFunc(old, func(a, b oldEvent) int { return cmp.Compare(a.seq, b.seq) })
	events := make([]domain.Event, min(limit, len(old)))
	for i := range events {
		events[i] = old[i].event
	}
	return events, nil
}

type oldEvent struct {
	seq   uint64
	event domain.Event
}

func (p *Partition) oldOfAccount(ctx context.Context, account string, at domain.Checkpoint, before uint64) ([]oldEvent, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	balances := tx.HGetAll(ctx, p.balancesKey(account))
	positions := tx.HGetAll(ctx, p.positionsKey(account))
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	if err := p.stillAt(ctx, at, checkpoint, balances, positions); err != nil {
		return nil, err
	}
	var old []oldEvent
	for currency, value := range balances.Val() {
		if b, err := readBalance(account, currency, []byte(value)); err == nil && b.Sequence < before {
			old = append(old, oldEvent{b.Sequence, b})
		}
	}
	present := false
	for symbol, value := range positions.Val() {
		if symbol == knownField {
			continue
		}
		// A deletion need not last: without it the symbol is as flat.
		if pos, deleted, err := readPosition(account, symbol, []byte(value)); err == nil && !deleted {
			present = true
			if pos.Sequence < before {
				old = append(old, oldEvent{pos.Sequence, pos})
			}
		}
	}
	// Where there is a position, it says that the positions are known.
	if value, ok := positions.Val()[knownField]; ok && !present {
		if set, err := readKnown(account, value); err == nil && set.Sequence < before {
			old = append(old, oldEvent{set.Sequence, set})
		}
	}
	return old, nil
}

func (p *Partition) oldFills(ctx context.Context, q Queue, at domain.Checkpoint, before uint64) ([]oldEvent, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	unacked := tx.HVals(ctx, p.unackedKey(q))
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	if err := p.stillAt(ctx, at, checkpoint, unacked); err != nil {
		return nil, err
	}
	decode := fillDecoder(q)
	var old []oldEvent
	for _, value := range unacked.Val() {
		seq, payload, err := wire.UnstampText(value)
		if err != nil || seq >= before {
			continue
		}
		var fill domain.Fill
		if err := decode(&fill, &fill, payload, seq); err == nil {
			old = append(old, oldEvent{seq, fill})
		}
	}
	return old, nil
}

// stillAt makes sure that what a transaction read is of the checkpoint.
func (p *Partition) stillAt(ctx context.Context, at domain.Checkpoint, checkpoint *redis.StringCmd, replies ...redis.Cmder) error {
	stored, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, replies...)
	}
	if err == nil && stored != at {
		err = fmt.Errorf("%s is at %d, not at %d: %w", p.stream, stored.Seq, at.Seq, domain.ErrConflict)
	}
	return err
}
