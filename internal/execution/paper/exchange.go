package paper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Exchange is a paper venue with all its accounts. It is safe for concurrent
// use. Run lets its resting orders meet the ticks; without it only what is
// submitted meets one.
type Exchange struct {
	cfg    Config
	faults *faults
	intake intake

	mu      sync.Mutex // of the engine, what it decided, and who listens
	engine  *engine
	pending []change // decided, not stored
	subs    map[*subscription]struct{}
	lies    map[lie]domain.Decimal

	storing sync.Mutex // held before mu, never after
	journal *journal
	spare   []change // a pending list to use again
	broken  error    // nothing is stored any more
}

// Open opens a paper venue as its journal has it, or begins one. The error is
// a *domain.FieldError or tells what is wrong with the journal. Close it.
func Open(cfg Config) (*Exchange, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	books := newLedger()
	journal, cut, err := openJournal(cfg, strings.ToLower(rand.Text()[:8]), books.apply, func() []change {
		books.sortOpen()
		books.forget(cfg.Now().Add(-cfg.Remember))
		return books.snapshot()
	})
	if err != nil {
		return nil, err
	}
	if cut > 0 {
		cfg.Logger.Warn("the end of the paper journal was not whole; what it held was told to nobody", "exchange", cfg.Exchange, "bytes", cut)
	}
	x := &Exchange{
		cfg: cfg, faults: newFaults(cfg), journal: journal,
		engine: newEngine(rulesOf(cfg), journal.header.Epoch, books), subs: make(map[*subscription]struct{}),
		intake: intake{places: make(map[string]int)},
	}
	x.intake.take = x.take
	return x, nil
}

// Name is the exchange's.
func (x *Exchange) Name() string { return x.cfg.Exchange }

// Close stores what is not stored, cuts those off who listen, and closes the
// journal. Calls after it are not answered. It is idempotent.
func (x *Exchange) Close() error {
	x.intake.close()
	err := x.flush()
	x.storing.Lock()
	defer x.storing.Unlock()
	if errors.Is(x.broken, errClosed) {
		return nil
	}
	failed := x.broken
	x.broken = errClosed
	x.cutAll()
	return errors.Join(failed, err, x.journal.close())
}

var errClosed = errors.New("the paper venue is closed")

// Run lets resting orders meet the ticks until ctx ends, then returns nil. The
// error tells why there will be no more ticks, or that nothing can be stored.
func (x *Exchange) Run(ctx context.Context) error {
	for tick, err := range x.cfg.Ticks.Watch(ctx, x.cfg.Exchange) {
		switch {
		case errors.Is(err, domain.ErrUnreachable), errors.Is(err, domain.ErrUnknown):
			continue // Redis is away or is folded anew: nothing is filled meanwhile, and the watch goes on
		case err != nil:
			return fmt.Errorf("paper venue %s: watch ticks: %w", x.cfg.Exchange, err)
		}
		x.mu.Lock()
		changes := x.engine.tick(tick, x.cfg.Now())
		x.pending = append(x.pending, changes...)
		x.mu.Unlock()
		if len(changes) > 0 {
			if err := x.flush(); err != nil {
				return fmt.Errorf("paper venue %s: %w", x.cfg.Exchange, err)
			}
		}
	}
	if ctx.Err() == nil {
		return fmt.Errorf("paper venue %s: watch ticks: %w: it ended", x.cfg.Exchange, domain.ErrUnreachable)
	}
	return nil
}

// decide runs a decision and stores what it changed before it returns what it
// was: an answer may rest on what another call decided a moment ago, so that
// has to be stored too.
func (x *Exchange) decide(decision func(e *engine, now time.Time) ([]change, execution.Report, error)) (execution.Report, error) {
	x.mu.Lock()
	changes, report, err := decision(x.engine, x.cfg.Now())
	x.pending = append(x.pending, changes...)
	x.mu.Unlock()
	if failed := x.flush(); failed != nil {
		return execution.Report{}, fmt.Errorf("%w: %w", execution.ErrUnanswered, failed)
	}
	return report, err
}

// flush stores everything that was decided before it was called. Who comes
// while another one writes waits, and the next writes for all of them.
func (x *Exchange) flush() error {
	x.storing.Lock()
	defer x.storing.Unlock()
	if x.broken != nil {
		return x.broken
	}
	x.mu.Lock()
	batch := x.pending
	if len(batch) > 0 {
		x.pending, x.spare = x.spare, nil
	}
	x.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	if err := x.journal.append(batch); err != nil {
		// The books are ahead of the file, and the file may end in half a
		// record: only opening it anew makes them one again.
		x.fail(err)
		return err
	}
	x.tell(batch)
	clear(batch)
	x.spare = batch[:0]
	if x.journal.grown() {
		return x.compact()
	}
	return nil
}

// compact writes the journal anew. storing is held.
func (x *Exchange) compact() error {
	x.mu.Lock()
	batch := x.pending // in the books already, so it is stored with them
	x.pending = nil
	x.engine.books.forget(x.cfg.Now().Add(-x.cfg.Remember))
	snapshot := x.engine.books.snapshot()
	x.mu.Unlock()
	if err := x.journal.rewrite(snapshot); err != nil {
		x.fail(err)
		return err
	}
	x.tell(batch)
	return nil
}

// tell hands changes that are stored to those who listen. storing is held.
func (x *Exchange) tell(batch []change) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range batch {
		c = x.misstated(c)
		for s := range x.subs {
			s.offer(c)
		}
	}
}

// fail stops the venue: it answers nobody until it is opened anew. storing is
// held.
func (x *Exchange) fail(err error) {
	x.broken = err
	x.cfg.Logger.Error("the paper venue stops: it cannot store", "exchange", x.cfg.Exchange, "error", err)
	x.cutAll()
}

// Disconnect cuts off everybody who listens, as a venue does now and then. They
// come back by themselves.
func (x *Exchange) Disconnect() { x.cutAll() }

func (x *Exchange) cutAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for s := range x.subs {
		s.cut()
		delete(x.subs, s)
	}
}
