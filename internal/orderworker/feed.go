package orderworker

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
)

// feed stores what a venue delivers of an account, and after each connect looks
// for what was missed.
type feed struct {
	worker  *Worker
	account string
	venue   execution.Venue

	reports   chan execution.Report
	events    chan domain.Event
	connected chan struct{} // holds a token while there is something to reconcile
}

// feedRoom is how many events may wait to be stored. A venue that delivers more
// is held back.
const feedRoom = 4096

func newFeed(w *Worker, account string, venue execution.Venue) *feed {
	return &feed{
		worker: w, account: account, venue: venue, reports: make(chan execution.Report, feedRoom),
		events: make(chan domain.Event, feedRoom), connected: make(chan struct{}, 1),
	}
}

// run follows the account until ctx ends.
func (f *feed) run(ctx context.Context) error {
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(ctx context.Context) error { return f.venue.Run(ctx, sink{ctx, f}) })
	group.Go(f.store)
	group.Go(f.follow)
	return group.Wait()
}

// sink is what the venue calls. It blocks while the feed is full.
type sink struct {
	ctx  context.Context
	feed *feed
}

func (s sink) Connected() {
	select {
	case s.feed.connected <- struct{}{}:
	default:
	}
}

func (s sink) Order(r execution.Report) {
	select {
	case s.feed.reports <- r:
	case <-s.ctx.Done():
	}
}

func (s sink) Fill(f domain.Fill)         { s.event(f) }
func (s sink) Balance(b domain.Balance)   { s.event(b) }
func (s sink) Position(p domain.Position) { s.event(p) }

func (s sink) event(e domain.Event) {
	select {
	case s.feed.events <- e:
	case <-s.ctx.Done():
	}
}

// store stores fills, balances and positions, however long the log is away.
func (f *feed) store(ctx context.Context) error {
	for {
		var batch []domain.Event
		select {
		case <-ctx.Done():
			return nil
		case e := <-f.events:
			batch = append(batch, e)
		}
	gather:
		for len(batch) < 500 {
			select {
			case e := <-f.events:
				batch = append(batch, e)
			default:
				break gather
			}
		}
		f.publish(ctx, batch)
	}
}

// publish stores a batch. What the log refuses is reported and left out; all
// else is tried until it is stored: a repetition does no harm.
func (f *feed) publish(ctx context.Context, batch []domain.Event) {
	valid := batch[:0]
	for _, e := range newest(batch) {
		if err := e.Validate(); err != nil {
			f.trouble(ctx, "the venue delivered nonsense", err)
			continue
		}
		valid = append(valid, e)
	}
	wait := newBackOff()
	for len(valid) > 0 && ctx.Err() == nil {
		err := f.worker.events.PublishAll(ctx, valid)
		if err == nil {
			f.worker.stats.events.Add(uint64(len(valid)))
			return
		}
		f.worker.log.Warn("what the venue delivered is not stored yet", "account", f.account, "error", err)
		pause.For(ctx, wait.NextBackOff())
	}
}

// newest drops the states of balances and positions that a later one of the
// batch replaces. Fills are no states.
func newest(batch []domain.Event) []domain.Event {
	last := make(map[domain.Key]int, len(batch))
	for i, e := range batch {
		last[e.Key()] = i
	}
	kept := batch[:0]
	for i, e := range batch {
		if _, fill := e.(domain.Fill); fill || last[e.Key()] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

func newBackOff() *backoff.ExponentialBackOff {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 50*time.Millisecond, 2*time.Second
	return wait
}

// trouble tells operators, in the log and in the venue's list of errors.
func (f *feed) trouble(ctx context.Context, what string, err error) {
	f.worker.log.Warn(what, "account", f.account, "error", err)
	if err := f.worker.events.VenueError(ctx, f.worker.cfg.Exchange, what+": "+err.Error()); err != nil {
		f.worker.log.Debug("venue error not stored", "error", err)
	}
}

// follow applies reports, and reconciles after each connect.
func (f *feed) follow(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-f.reports:
			if !f.worker.sent.covers(r) {
				f.apply(ctx, r)
			}
		case <-f.connected:
			f.reconcile(ctx)
		}
	}
}

// errUnchanged says that a report is no news.
var errUnchanged = errors.New("nothing has changed")

// apply records what a venue says of an order of ours.
func (f *feed) apply(ctx context.Context, r execution.Report) {
	if domain.CheckOrderID(r.ID) != nil {
		f.worker.log.Debug("order of another maker", "venue_order_id", r.VenueOrderID, "symbol", r.Symbol)
		return
	}
	wait := newBackOff()
	for ctx.Err() == nil {
		_, err := f.worker.orders.Update(ctx, f.worker.cfg.Exchange, r.ID, func(o *domain.Order) error {
			after := applied(*o, r)
			if same(o, after) {
				return errUnchanged
			}
			*o = after
			return nil
		})
		switch {
		case err == nil, errors.Is(err, errUnchanged):
			return
		case errors.Is(err, domain.ErrNotFound):
			f.worker.log.Debug("order of another maker", "order", r.ID)
			return
		case errors.Is(err, domain.ErrConflict):
			// It was deleted after its end; no other attempt would fare better.
			f.worker.log.Debug("report of an order that was deleted", "order", r.ID, "error", err)
			return
		case errors.Is(err, domain.ErrInvalid):
			f.trouble(ctx, "the venue says of order "+r.ID+" what cannot be", err)
			return
		}
		pause.For(ctx, wait.NextBackOff())
	}
}

// reconcile asks the venue what became of the orders that rest as far as is
// known: those that it does not list as open have ended unseen.
func (f *feed) reconcile(ctx context.Context) {
	wait := newBackOff()
	for ctx.Err() == nil {
		err := f.compare(ctx)
		if err == nil {
			f.worker.stats.reconciled.Add(1)
			return
		}
		f.worker.log.Warn("not reconciled with the venue yet", "account", f.account, "error", err)
		pause.For(ctx, wait.NextBackOff())
	}
}

func (f *feed) compare(ctx context.Context) error {
	resting, err := f.worker.orders.Resting(ctx, f.worker.cfg.Exchange)
	if err != nil {
		return err
	}
	open, err := f.venue.Open(ctx)
	if err != nil {
		return err
	}
	listed := make(map[string]bool, len(open))
	for _, r := range open {
		listed[r.ID] = true
		f.apply(ctx, r)
	}
	for _, o := range resting {
		if o.Account != f.account || listed[o.ID] {
			continue
		}
		r, err := f.venue.Query(ctx, o)
		switch {
		case errors.Is(err, domain.ErrNotFound):
			f.trouble(ctx, "the venue does not know order "+o.ID+", which rested there", err)
		case err != nil:
			return err
		default:
			f.apply(ctx, r)
		}
	}
	return nil
}
