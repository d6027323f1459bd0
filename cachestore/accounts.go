package cachestore

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// The balances of an account are a hash, currency to stamped balance, and its
// positions another one, symbol to stamped position. A deleted position stays
// there as the stamped deletion, so that older news does not bring it back.
// knownField, a stamped set without positions, says that the positions are
// known: a symbol that has no field is flat then. Its time is that of the
// newest whole set, which older news does not go behind either.

// knownField cannot be a symbol: those have a slash.
const knownField = "known"

// FieldWrite is a value of a hash on its way to Redis. Without a payload the
// field is removed.
type FieldWrite struct {
	Field string
	Write
}

// AddAccount makes an account known.
func (b *Batch) AddAccount(account string) {
	b.do("SADD", b.partition.accountsKey(), account)
}

// PutBalances sets balances of an account; the fields are currencies.
func (b *Batch) PutBalances(account string, writes []FieldWrite) {
	b.putFields(b.partition.balancesKey(account), writes)
}

// PutPositions sets and removes positions of an account; the fields are
// symbols.
func (b *Batch) PutPositions(account string, writes []FieldWrite) {
	b.putFields(b.partition.positionsKey(account), writes)
}

// PutKnown says that an account's positions are known, with the payload of a set
// without positions.
func (b *Batch) PutKnown(account string, w Write) {
	b.do("HSET", b.partition.positionsKey(account), knownField, b.stamp(w.Seq, w.Payload))
}

func (b *Batch) putFields(key string, writes []FieldWrite) {
	var removed []any
	for chunk := range slices.Chunk(writes, maxArguments/2) {
		var set []any
		for _, w := range chunk {
			if w.Payload == nil {
				removed = append(removed, w.Field)
			} else {
				set = append(set, w.Field, b.stamp(w.Seq, w.Payload))
			}
		}
		if len(set) > 0 {
			b.do("HSET", key, set...)
		}
	}
	b.remove("HDEL", key, removed)
}

// remove takes members out of a hash or a set.
func (b *Batch) remove(command any, key string, members []any) {
	for chunk := range slices.Chunk(members, maxArguments) {
		b.do(command, key, chunk...)
	}
}

// AccountOrders is what decides whether news of an account is older than what is
// stored, and whether it fits the fills. Times are unix nanoseconds, zero: not known.
type AccountOrders struct {
	Balances  map[string]BalanceOrder  // by currency
	Positions map[string]PositionOrder // by symbol
	Known     bool                     // the positions are
	Whole     int64                    // time of the newest whole set of positions
	Counts    map[string]Count         // by symbol and by currency; none before the first fill
}

// BalanceOrder is the part of one currency.
type BalanceOrder struct {
	Time  int64
	Total domain.Decimal
}

// PositionOrder is the part of one symbol.
type PositionOrder struct {
	Time    int64
	Deleted bool
	Volume  domain.Decimal
}

// LoadAccounts reads what orders the stored state of accounts. A value that
// cannot be read counts as none, so that the next one replaces it. The error
// matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadAccounts(ctx context.Context, accounts []string) (map[string]AccountOrders, error) {
	pipe := p.store.rdb.Pipeline()
	balances, positions := make([]*redis.MapStringStringCmd, len(accounts)), make([]*redis.MapStringStringCmd, len(accounts))
	counted := make([]*redis.MapStringStringCmd, len(accounts))
	for i, account := range accounts {
		counted[i] = pipe.HGetAll(ctx, p.countedKey(account))
		balances[i] = pipe.HGetAll(ctx, p.balancesKey(account))
		positions[i] = pipe.HGetAll(ctx, p.positionsKey(account))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "load the accounts", err)
	}
	out := make(map[string]AccountOrders, len(accounts))
	for i, account := range accounts {
		o := AccountOrders{Balances: make(map[string]BalanceOrder), Positions: make(map[string]PositionOrder), Counts: make(map[string]Count)}
		for currency, value := range balances[i].Val() {
			if b, err := readBalance(account, currency, []byte(value)); err == nil {
				o.Balances[currency] = BalanceOrder{domain.UnixNano(b.Time), b.Total}
			}
		}
		for symbol, value := range positions[i].Val() {
			if symbol == knownField {
				if set, err := readKnown(account, value); err == nil {
					o.Known, o.Whole = true, domain.UnixNano(set.Time)
				}
			} else if pos, deleted, err := readPosition(account, symbol, []byte(value)); err == nil {
				o.Positions[symbol] = PositionOrder{Time: domain.UnixNano(pos.Time), Deleted: deleted, Volume: pos.Volume}
			}
		}
		for field, text := range counted[i].Val() {
			if c, err := readCount(text); err == nil {
				o.Counts[field] = c
			}
		}
		out[account] = o
	}
	return out, nil
}

// Account is what Redis holds of one account at a checkpoint.
type Account struct {
	At        domain.Checkpoint
	Balances  []domain.Balance  // in no order
	Positions []domain.Position // in no order, without those that were deleted
	Known     bool              // the positions are: a symbol without one is flat
}

// Account reads all of an account, in one step. One that nothing is known of is
// empty. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Account(ctx context.Context, account string) (Account, error) {
	r, at, err := p.readAt(ctx, "read the account", command{"hgetall", p.balancesKey(account)}, command{"hgetall", p.positionsKey(account)})
	if err != nil {
		return Account{}, err
	}
	defer r.release()
	out := Account{At: at}
	if out.Balances, err = r.balances(account); err == nil {
		out.Positions, out.Known, err = r.positions(account)
	}
	if r.err != nil {
		err = p.failed(ctx, "read the account", r.err)
	}
	return out, err
}

func (r *reply) balances(account string) ([]domain.Balance, error) {
	n := r.list() / 2
	if n == 0 {
		return nil, nil
	}
	out := make([]domain.Balance, 0, n)
	for range n {
		currency := r.text()
		value, ok := r.bytes()
		if !ok {
			break // r says why
		}
		b, err := readBalance(account, currency, value)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// positions reads those that were not deleted, and whether they are known.
func (r *reply) positions(account string) (out []domain.Position, known bool, err error) {
	n := r.list() / 2
	if n > 1 {
		out = make([]domain.Position, 0, n-1)
	}
	for range n {
		symbol := r.text()
		value, ok := r.bytes()
		if !ok {
			break // r says why
		}
		if symbol == knownField {
			known = true
			continue
		}
		pos, deleted, err := readPosition(account, symbol, value)
		if err != nil {
			return nil, false, err
		}
		if !deleted {
			out = append(out, pos)
		}
	}
	return out, known, nil
}

// Balance reads one balance and the checkpoint that it is of. found is false
// where there is none. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) Balance(ctx context.Context, account, currency string) (b domain.Balance, found bool, at domain.Checkpoint, err error) {
	r, at, err := p.readFieldsAt(ctx, "read a balance", p.balancesKey(account), currency)
	if err != nil {
		return b, false, at, err
	}
	defer r.release()
	value, found := r.bytes()
	if r.err != nil {
		return b, false, at, p.failed(ctx, "read a balance", r.err)
	}
	if found {
		b, err = readBalance(account, currency, value)
	}
	return b, found, at, err
}

// Position reads one position, whether the account's positions are known, and
// the checkpoint that it is of. A known account's symbol that has none is flat.
// The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Position(ctx context.Context, account, symbol string) (pos domain.Position, known bool, at domain.Checkpoint, err error) {
	pos = domain.Position{Account: account, Symbol: symbol}
	r, at, err := p.readFieldsAt(ctx, "read a position", p.positionsKey(account), symbol, knownField)
	if err != nil {
		return pos, false, at, err
	}
	defer r.release()
	value, found := r.bytes()
	_, known = r.bytes()
	if r.err != nil {
		return pos, false, at, p.failed(ctx, "read a position", r.err)
	}
	if found {
		stored, deleted, err := readPosition(account, symbol, value)
		if err != nil || !deleted {
			return stored, known, at, err
		}
	}
	return pos, known, at, nil
}

// fields reads fields of a hash, each a string or nil, and the checkpoint that
// they are of.
func (p *Partition) fields(ctx context.Context, key string, fields ...string) ([]any, domain.Checkpoint, error) {
	r, at, err := p.readFieldsAt(ctx, "read "+key, key, fields...)
	if err != nil {
		return nil, at, err
	}
	defer r.release()
	values := make([]any, len(fields))
	for i := range values {
		if text, found := r.bytes(); found {
			values[i] = string(text)
		}
	}
	if r.err != nil {
		return nil, at, p.failed(ctx, "read "+key, r.err)
	}
	return values, at, nil
}

func (p *Partition) checkpointOf(ctx context.Context, reply *redis.StringCmd) (domain.Checkpoint, error) {
	if err := reply.Err(); err != nil && err != redis.Nil {
		return domain.Checkpoint{}, p.failed(ctx, "read the checkpoint", err)
	}
	return domain.ParseCheckpoint(reply.Val())
}

func (p *Partition) failedReply(ctx context.Context, replies ...redis.Cmder) error {
	for _, reply := range replies {
		if err := reply.Err(); err != nil {
			return p.failed(ctx, "read", err)
		}
	}
	return nil
}

// Accounts lists the accounts that something is known of in the partitions, in
// no order. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (s *Store) Accounts(ctx context.Context, partitions []*Partition) ([]string, error) {
	pipe := s.rdb.Pipeline()
	replies := make([]*redis.StringSliceCmd, len(partitions))
	for i, p := range partitions {
		replies[i] = pipe.SMembers(ctx, p.accountsKey())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, s.failed(ctx, "list the accounts", err)
	}
	var accounts []string
	for _, reply := range replies {
		accounts = append(accounts, reply.Val()...)
	}
	return accounts, nil
}

func readBalance(account, currency string, value []byte) (domain.Balance, error) {
	seq, payload, err := wire.Unstamp(value)
	var b domain.Balance
	if err == nil {
		b, err = wire.DecodeBalance(domain.Key{Account: account, Currency: currency}, payload)
	}
	if err != nil {
		return b, fmt.Errorf("balance %s %s: %w: %w", account, currency, domain.ErrUnknown, err)
	}
	b.Sequence = seq
	return b, nil
}

func readPosition(account, symbol string, value []byte) (pos domain.Position, deleted bool, err error) {
	seq, payload, err := wire.Unstamp(value)
	if err == nil {
		pos, deleted, err = wire.DecodePosition(domain.Key{Account: account, Symbol: symbol}, payload)
	}
	if err != nil {
		return pos, false, fmt.Errorf("position %s %s: %w: %w", account, symbol, domain.ErrUnknown, err)
	}
	pos.Sequence = seq
	return pos, deleted, nil
}

func readKnown(account, value string) (domain.PositionsReplaced, error) {
	seq, payload, err := wire.UnstampText(value)
	var set domain.PositionsReplaced
	if err == nil {
		set, err = wire.DecodePositions(domain.Key{Account: account}, payload)
	}
	if err != nil {
		return set, fmt.Errorf("positions %s: %w: %w", account, domain.ErrUnknown, err)
	}
	set.Sequence = seq
	return set, nil
}
