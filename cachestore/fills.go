package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// The fills of an account at an exchange are a list of the newest ones, which
// reading does not take away, and a queue of those not yet acknowledged: a
// sorted set of their ids by the sequence that they were first stored with, and
// a hash with the fills. Both are folded; an acknowledgement is an event and
// takes its fill out. Who has leased which fill until when is written directly,
// in a hash of its own, and may be lost: then the fill is handed out again.

var (
	//go:embed scripts/fills_pop.lua
	fillsPopSource string
	//go:embed scripts/fills_lease.lua
	fillsLeaseSource string

	fillsPopScript   = newScript(fillsPopSource)
	fillsLeaseScript = newScript(fillsLeaseSource)
)

// Queue names the fills of an account at an exchange.
type Queue struct {
	Account  string
	Exchange string
}

// String is account and exchange with a colon between, which neither has.
func (q Queue) String() string { return q.Account + ":" + q.Exchange }

// FillWrite is a fill on its way into the queue.
type FillWrite struct {
	ID    string
	First uint64 // the sequence that it was first stored with
	Write
}

// AddQueue makes a queue known.
func (b *Batch) AddQueue(q Queue) { b.do("SADD", b.partition.queuesKey(), q.String()) }

// AddFills appends to the list of a queue's fills.
func (b *Batch) AddFills(q Queue, fills []Write) { b.push(b.partition.fillsKey(q), fills) }

// TrimFills keeps the newest keep fills of a queue's list.
func (b *Batch) TrimFills(q Queue, keep int) { b.trim(b.partition.fillsKey(q), keep) }

// PutUnacked puts fills into the queue, or in place of what it has of them.
func (b *Batch) PutUnacked(q Queue, fills []FillWrite) {
	for len(fills) > 0 {
		n := min(len(fills), maxArguments/2)
		b.begin("HSET", b.partition.unackedKey(q), 2*n)
		for _, w := range fills[:n] {
			b.args = append(b.args, w.ID, b.stamp(w.Seq, w.Payload))
		}
		b.begin("ZADD", b.partition.waitingKey(q), 2*n)
		for _, w := range fills[:n] {
			b.args = append(b.args, strconv.FormatUint(w.First, 10), w.ID)
		}
		fills = fills[n:]
	}
}

// RemoveUnacked takes fills and their leases out of the queue.
func (b *Batch) RemoveUnacked(q Queue, ids []string) {
	members := make([]any, len(ids))
	for i, id := range ids {
		members[i] = id
	}
	b.remove("HDEL", b.partition.unackedKey(q), members)
	b.remove("ZREM", b.partition.waitingKey(q), members)
	b.remove("HDEL", b.partition.leasesKey(q), members)
}

// CountDropped adds to the number of fills that the queue had no room for.
func (b *Batch) CountDropped(q Queue, n int) {
	b.do("INCRBY", b.partition.droppedKey(q), strconv.Itoa(n))
}

// QueueState is what the fold of a queue goes on with.
type QueueState struct {
	IDs     []string          // of the newest fills, oldest first
	Unacked map[string]uint64 // id to the sequence that it was first stored with
}

// LoadQueues reads the ids of the newest keep fills of each queue and of those
// not acknowledged. Entries that cannot be read are left out. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadQueues(ctx context.Context, queues []Queue, keep int) (map[Queue]QueueState, error) {
	pipe := p.store.rdb.Pipeline()
	fills, waiting := make([]*redis.StringSliceCmd, len(queues)), make([]*redis.ZSliceCmd, len(queues))
	for i, q := range queues {
		fills[i] = pipe.LRange(ctx, p.fillsKey(q), int64(-keep), -1)
		waiting[i] = pipe.ZRangeWithScores(ctx, p.waitingKey(q), 0, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "load the fills", err)
	}
	out := make(map[Queue]QueueState, len(queues))
	for i, q := range queues {
		state := QueueState{Unacked: make(map[string]uint64)}
		for _, value := range fills[i].Val() {
			if _, payload, err := wire.UnstampText(value); err == nil {
				if id, err := wire.FillID(payload); err == nil {
					state.IDs = append(state.IDs, id)
				}
			}
		}
		for _, z := range waiting[i].Val() {
			if id, ok := z.Member.(string); ok {
				state.Unacked[id] = uint64(z.Score)
			}
		}
		out[q] = state
	}
	return out, nil
}

// Fills reads the newest limit fills of a queue, acknowledged or not, oldest
// first, and the checkpoint that they are of; none gives an empty result. The
// error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Fills(ctx context.Context, q Queue, limit int) ([]domain.Fill, domain.Checkpoint, error) {
	key := p.fillsKey(q)
	r, at, err := p.readAt(ctx, "read the fills", command{"lrange", key, -limit, -1})
	if err != nil {
		return nil, at, err
	}
	defer r.release()
	fills, err := readList(ctx, p, key, &r, fillDecoder(q))
	return fills, at, err
}

func fillDecoder(q Queue) decodeInto[domain.Fill] {
	var texts wire.Texts
	return func(f, before *domain.Fill, payload []byte, seq uint64) error {
		f.Account, f.Exchange, f.Sequence = q.Account, q.Exchange, seq
		f.Symbol, f.FeeCurrency = before.Symbol, before.FeeCurrency // most have the same
		err := wire.ReadFill(f, payload, &texts)
		if f.First == 0 {
			f.First = seq
		}
		return err
	}
}

// PopRequest is what PopFill needs to know.
type PopRequest struct {
	Epoch uint64 // that the checkpoint must have
	Least uint64 // the sequence that it must have reached
	Lease time.Duration
	Token string // without white space, another one for each lease
}

// Popped is the answer of PopFill.
type Popped struct {
	At     domain.Checkpoint
	Behind bool // At is not what the request wants: nothing was done
	Found  bool
	Fill   domain.Fill
	Until  time.Time     // when the lease ends, by the clock of Redis
	Next   time.Duration // without a fill: when the first lease ends; zero: there is none
}

// PopFill leases the oldest fill of a queue that is neither acknowledged nor
// leased. It takes nothing away: once the lease has ended, the fill is the
// first again. The error matches domain.ErrUnreachable, when a fill may have
// been leased, or domain.ErrUnknown.
func (p *Partition) PopFill(ctx context.Context, q Queue, r PopRequest) (Popped, error) {
	reply, err := fillsPopScript.Run(ctx, p.store.rdb,
		[]string{p.checkpointKey(), p.waitingKey(q), p.unackedKey(q), p.leasesKey(q)},
		r.Epoch, r.Least, max(1, r.Lease.Milliseconds()), r.Token).StringSlice()
	if err != nil {
		return Popped{}, p.failed(ctx, "pop a fill", err)
	}
	var out Popped
	if out.At, err = domain.ParseCheckpoint(reply[0]); err != nil {
		return out, err
	}
	if len(reply) == 1 {
		out.Behind = true
		return out, nil
	}
	ms, err := strconv.ParseInt(reply[2], 10, 64)
	if err != nil {
		return out, fmt.Errorf("pop a fill of %s: %w: %w", q, domain.ErrUnknown, err)
	}
	if reply[1] == "" {
		out.Next = time.Duration(ms) * time.Millisecond
		return out, nil
	}
	fills, err := decodeList(p.unackedKey(q), reply[1:2], fillDecoder(q))
	if err != nil {
		return out, err
	}
	out.Found, out.Fill, out.Until = true, fills[0], time.UnixMilli(ms)
	return out, nil
}

// MoveLease lets a lease end d from now on; zero gives it back. held is false
// when it has ended or is another one's. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) MoveLease(ctx context.Context, q Queue, id, token string, d time.Duration) (held bool, err error) {
	n, err := fillsLeaseScript.Run(ctx, p.store.rdb, []string{p.leasesKey(q)}, id, token, d.Milliseconds()).Int()
	if err != nil {
		return false, p.failed(ctx, "lease of a fill", err)
	}
	return n == 1, nil
}

// QueueStatus is how a queue is doing.
type QueueStatus struct {
	At      domain.Checkpoint
	Kept    int       // fills in the list
	Unacked int       // fills not yet acknowledged
	Leased  int       // of these, those that are handed out now
	Dropped uint64    // unacknowledged ones that the queue had no room for
	Last    time.Time // the venue's time of the newest fill; zero: none
}

// QueueStatus reads how a queue is doing. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) QueueStatus(ctx context.Context, q Queue) (QueueStatus, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	kept, unacked := tx.LLen(ctx, p.fillsKey(q)), tx.ZCard(ctx, p.waitingKey(q))
	leases, now := tx.HVals(ctx, p.leasesKey(q)), tx.Time(ctx)
	dropped := tx.Get(ctx, p.droppedKey(q))
	newest := tx.LRange(ctx, p.fillsKey(q), -1, -1)
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is none
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, kept, unacked, leases, now, newest)
	}
	if err == nil && dropped.Err() != redis.Nil {
		err = p.failedReply(ctx, dropped)
	}
	if err != nil {
		return QueueStatus{}, err
	}
	s := QueueStatus{At: at, Kept: int(kept.Val()), Unacked: int(unacked.Val())}
	for _, lease := range leases.Val() {
		ends, _, _ := strings.Cut(lease, " ")
		if ms, err := strconv.ParseInt(ends, 10, 64); err == nil && ms > now.Val().UnixMilli() {
			s.Leased++
		}
	}
	s.Leased = min(s.Leased, s.Unacked)
	s.Dropped, _ = strconv.ParseUint(dropped.Val(), 10, 64)
	fills, err := decodeList(p.fillsKey(q), newest.Val(), fillDecoder(q))
	if len(fills) > 0 {
		s.Last = fills[0].Time
	}
	return s, err
}

// Queues lists the queues that have or had fills in the partition, in no order.
// The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Queues(ctx context.Context) ([]Queue, error) {
	names, err := p.store.rdb.SMembers(ctx, p.queuesKey()).Result()
	if err != nil {
		return nil, p.failed(ctx, "list the queues", err)
	}
	queues := make([]Queue, len(names))
	for i, name := range names {
		queues[i].Account, queues[i].Exchange, _ = strings.Cut(name, ":")
	}
	return queues, nil
}
