package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Fills is the accounts' own trades: a list of the newest for reading, and a
// queue for each account and exchange that hands every fill out at least once.
//
// A fill that was popped stays in the queue, leased to who popped it, until it
// is acknowledged. When a lease ends, because its holder crashed or was slow,
// the fill is handed out again, before those that came later; so who deals with
// fills must recognise one that it has dealt with, by its ID. An acknowledgement
// is an event of the log: what was acknowledged is not handed out again by a
// Redis that was folded anew. Leases are in Redis alone.
//
// Errors match domain.ErrInvalid, domain.ErrUnreachable or domain.ErrUnknown;
// others are named.
type Fills struct {
	client   *Client
	accounts *Accounts
}

const (
	// MaxLease bounds how long a fill can be leased at once.
	MaxLease = 24 * time.Hour
	// ackGrace is for how long an acknowledged fill is kept from being handed
	// out while the projector has not taken it out yet.
	ackGrace = 10 * time.Minute
)

// Delivery is a fill that was popped.
type Delivery struct {
	domain.Fill
	Until time.Time // when the lease ends, by the clock of Redis

	token string
}

func (d Delivery) queue() cachestore.Queue {
	return cachestore.Queue{Account: d.Account, Exchange: d.Exchange}
}

// Push stores a fill in the log; one whose ID its account has already at the
// exchange is there once. It blocks until the log acknowledged; after
// domain.ErrUnreachable push the same fill again.
func (f *Fills) Push(ctx context.Context, fill domain.Fill) (domain.LogPosition, error) {
	fill.First = 0
	return f.client.log.Publish(ctx, fill)
}

// Pop leases the oldest fill that is neither acknowledged nor leased, for lease
// (1 ms to MaxLease), and waits for one for at most timeout; zero does not wait.
// Each fill goes to one caller at a time. The error matches also
// domain.ErrNotFound when there was none in time, and domain.ErrUnknown when
// Redis is being folded anew for all that time.
func (f *Fills) Pop(ctx context.Context, account, exchange string, lease, timeout time.Duration) (Delivery, error) {
	q, err := checkQueue(account, exchange)
	if err != nil {
		return Delivery{}, err
	}
	if lease < time.Millisecond || lease > MaxLease {
		return Delivery{}, domain.Invalid("lease", lease.String(), "1ms to 24h")
	}
	if timeout < 0 || timeout > MaxPopWait {
		return Delivery{}, domain.Invalid("timeout", timeout.String(), "0 to 1h")
	}
	p := f.accounts.partition(account)
	var d Delivery
	err = f.client.await(ctx, fmt.Sprintf("fills of %s", q), p.Partition, timeout, func() (next time.Duration, err error) {
		d, next, err = f.pop(ctx, p, q, lease)
		return next, err
	})
	return d, err
}

// pop tries once. Without a fill the error matches errNothing, and next is when
// a lease ends.
func (f *Fills) pop(ctx context.Context, p *settledPartition, q cachestore.Queue, lease time.Duration) (Delivery, time.Duration, error) {
	token := rand.Text()
	w, err := p.target(ctx)
	if err != nil {
		return Delivery{}, 0, err
	}
	got, err := p.PopFill(ctx, q, cachestore.PopRequest{Epoch: w.epoch, Least: w.least, Lease: lease, Token: token})
	if err != nil {
		return Delivery{}, 0, err
	}
	if got.Found {
		return Delivery{Fill: got.Fill, Until: got.Until, token: token}, 0, nil
	}
	if !got.Behind {
		next := waitSlice
		if got.Next > 0 {
			next = got.Next
		}
		return Delivery{}, next, nothing{fmt.Errorf("fills of %s: %w", q, domain.ErrNotFound)}
	}
	ok, err := p.reached(ctx, got.At, w) // a new epoch, if it is one, is known from now on
	if err != nil {
		return Delivery{}, 0, err
	}
	next := waitSlice
	if ok {
		next = time.Millisecond
	}
	return Delivery{}, next, nothing{p.rebuilding(got.At)}
}

// Ack says that a fill was dealt with: it is handed out no more. It blocks until
// the log acknowledged. It counts even if the lease has ended meanwhile. After
// domain.ErrUnreachable acknowledge again; doing it twice does no harm.
func (f *Fills) Ack(ctx context.Context, d Delivery) (domain.LogPosition, error) {
	pos, err := f.client.log.Publish(ctx, domain.FillAcked{Account: d.Account, Exchange: d.Exchange, ID: d.ID})
	if err != nil {
		return pos, err
	}
	// The projector takes the fill out; until then the lease keeps it from being
	// handed out. If this fails the fill may come once more, as it may anyway.
	_, _ = f.accounts.partition(d.Account).MoveLease(ctx, d.queue(), d.ID, d.token, ackGrace)
	return pos, nil
}

// Nack gives a fill back: it is the first to be handed out again. The error
// matches also domain.ErrConflict when the lease has ended before.
func (f *Fills) Nack(ctx context.Context, d Delivery) error { return f.move(ctx, d, 0) }

// Extend lets the lease end lease from now on, 1 ms to MaxLease. The error
// matches also domain.ErrConflict when it has ended before: somebody else may
// have the fill.
func (f *Fills) Extend(ctx context.Context, d Delivery, lease time.Duration) error {
	if lease < time.Millisecond || lease > MaxLease {
		return domain.Invalid("lease", lease.String(), "1ms to 24h")
	}
	return f.move(ctx, d, lease)
}

func (f *Fills) move(ctx context.Context, d Delivery, lease time.Duration) error {
	if _, err := checkQueue(d.Account, d.Exchange); err != nil {
		return err
	}
	held, err := f.accounts.partition(d.Account).MoveLease(ctx, d.queue(), d.ID, d.token, lease)
	if err == nil && !held {
		err = fmt.Errorf("fill %s of %s: %w: the lease has ended", d.ID, d.queue(), domain.ErrConflict)
	}
	return err
}

// MaxFills bounds one List.
const MaxFills = 100_000

// List reads the newest limit fills of an account at an exchange, acknowledged
// or not, oldest first, at most MaxFills. Reading takes nothing away. None is an
// empty result.
func (f *Fills) List(ctx context.Context, account, exchange string, limit int) ([]domain.Fill, error) {
	q, err := checkQueue(account, exchange)
	if err != nil {
		return nil, err
	}
	if err := checkLimit(limit, MaxFills); err != nil {
		return nil, err
	}
	p := f.accounts.partition(account)
	var fills []domain.Fill
	err = p.settled(ctx, func() (at domain.Checkpoint, err error) {
		fills, at, err = p.Fills(ctx, q, limit)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	return fills, nil
}

// FillStatus is how the fills of an account at an exchange are doing.
type FillStatus struct {
	Account  string
	Exchange string
	Kept     int       // in the list
	Waiting  int       // neither acknowledged nor leased
	Leased   int       // handed out and not acknowledged yet
	Dropped  uint64    // given up unacknowledged, because the queue was full
	Last     time.Time // the venue's time of the newest; zero: none
}

// Status tells how each exchange's fills of an account are doing, by exchange;
// an account without any gives an empty result.
func (f *Fills) Status(ctx context.Context, account string) ([]FillStatus, error) {
	if err := domain.CheckAccount(account); err != nil {
		return nil, err
	}
	p := f.accounts.partition(account)
	if err := p.settled(ctx, func() (domain.Checkpoint, error) { return p.Checkpoint(ctx) }); err != nil {
		return nil, err
	}
	queues, err := p.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var out []FillStatus
	for _, q := range queues {
		if q.Account != account {
			continue
		}
		s, err := p.QueueStatus(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, FillStatus{
			Account: q.Account, Exchange: q.Exchange, Kept: s.Kept, Waiting: s.Unacked - s.Leased, Leased: s.Leased,
			Dropped: s.Dropped, Last: s.Last,
		})
	}
	slices.SortFunc(out, func(a, b FillStatus) int { return cmp.Compare(a.Exchange, b.Exchange) })
	return out, nil
}

func checkQueue(account, exchange string) (cachestore.Queue, error) {
	q := cachestore.Queue{Account: account, Exchange: exchange}
	if err := domain.CheckAccount(account); err != nil {
		return q, err
	}
	return q, domain.CheckExchange(exchange)
}
