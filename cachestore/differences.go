package cachestore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Count is what the fills of an account make of a position or a balance.
type Count struct {
	State CountState
	Held  domain.Decimal
	Since int64 // fills up to this time are in it, whenever they come; unix ns, zero: not known
}

// CountState tells whether there is a count.
type CountState uint8

// The states.
const (
	CountUnknown CountState = iota // nobody has said what there was before the fills
	Counted
	Uncounted // not everything that changes it is a fill
)

func (c Count) String() string {
	held := "?"
	switch c.State {
	case Counted:
		held = c.Held.String()
	case Uncounted:
		held = "-"
	}
	return held + " " + strconv.FormatInt(c.Since, 10)
}

func readCount(text string) (c Count, err error) {
	held, since, _ := strings.Cut(text, " ")
	if c.Since, err = strconv.ParseInt(since, 10, 64); err != nil {
		return c, err
	}
	switch held {
	case "?":
	case "-":
		c.State = Uncounted
	default:
		c.State = Counted
		c.Held, err = domain.ParseDecimal("counted", held)
	}
	return c, err
}

// PutCounts sets what the fills of an account make of symbols and currencies, and
// whether some of that is not what the venue says.
func (b *Batch) PutCounts(account string, counts map[string]Count, settled bool) {
	pairs := make([]any, 0, 2*len(counts))
	for field, c := range counts {
		pairs = append(pairs, field, c.String())
	}
	b.setFields(b.partition.countedKey(account), pairs)
	command := "SADD"
	if settled {
		command = "SREM"
	}
	b.do(command, b.partition.unsettledKey(), account)
}

// PutDifferences sets differences of an account; the fields are what they are
// about.
func (b *Batch) PutDifferences(account string, writes []FieldWrite) {
	b.putFields(b.partition.differencesKey(account), writes)
}

// Unsettled lists the accounts of which something is not what the venue says. The
// error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Unsettled(ctx context.Context) ([]string, error) {
	accounts, err := p.store.rdb.SMembers(ctx, p.unsettledKey()).Result()
	if err != nil {
		return nil, p.failed(ctx, "list the accounts that are not settled", err)
	}
	return accounts, nil
}

// Differences reads the newest difference of each thing that an account has, in
// no order, and the checkpoint that they are of. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Differences(ctx context.Context, account string) ([]domain.Difference, domain.Checkpoint, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint, values := tx.Get(ctx, p.checkpointKey()), tx.HGetAll(ctx, p.differencesKey(account))
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, values)
	}
	if err != nil {
		return nil, at, err
	}
	differences := make([]domain.Difference, 0, len(values.Val()))
	for field, value := range values.Val() {
		d, err := readDifference(account, field, value)
		if err != nil {
			return nil, at, err
		}
		differences = append(differences, d)
	}
	return differences, at, nil
}

func readDifference(account, field, value string) (domain.Difference, error) {
	key := domain.Key{Account: account, Currency: field}
	if strings.Contains(field, "/") {
		key.Symbol, key.Currency = field, ""
	}
	seq, payload, err := wire.UnstampText(value)
	var d domain.Difference
	if err == nil {
		d, err = wire.DecodeDifference(key, payload)
	}
	if err != nil {
		return d, fmt.Errorf("difference %s %s: %w: %w", account, field, domain.ErrUnknown, err)
	}
	d.Sequence = seq
	return d, nil
}
