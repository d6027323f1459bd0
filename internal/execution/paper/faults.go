package paper

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
)

// faults decides what goes wrong. It is safe for concurrent use.
type faults struct {
	latency, spread time.Duration
	Faults

	mu     sync.Mutex
	random *rand.Rand
}

func newFaults(c Config) *faults {
	return &faults{latency: c.Latency, spread: c.LatencySpread, Faults: c.Faults, random: rand.New(rand.NewPCG(c.Faults.Seed, 0))}
}

// draw tells whether something that goes wrong so many times in 1000 does.
func (f *faults) draw(permille int) bool {
	if permille == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random.IntN(1000) < permille
}

// call runs a call as a bad line would: late, lost on the way there, lost on
// the way back, or refused.
func call[T any](ctx context.Context, f *faults, do func() (T, error)) (answer T, err error) {
	if err := f.wait(ctx, f.delay()); err != nil {
		return answer, err
	}
	switch {
	case f.draw(f.Limits):
		return answer, &execution.RateLimited{RetryAfter: f.RetryAfter}
	case f.draw(f.LostRequests):
		return answer, f.lost(ctx)
	}
	answer, err = do()
	if f.draw(f.LostAnswers) {
		var none T
		return none, f.lost(ctx)
	}
	return answer, err
}

func (f *faults) delay() time.Duration {
	if f.spread == 0 {
		return f.latency
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latency + time.Duration(f.random.Int64N(int64(f.spread)))
}

// wait waits; its error is that of a call nobody waits for any more.
func (f *faults) wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		pause.For(ctx, d)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", execution.ErrUnanswered, ctx.Err())
	}
	return nil
}

func (f *faults) lost(ctx context.Context) error {
	if err := f.wait(ctx, f.Hang); err != nil {
		return err
	}
	return fmt.Errorf("%w: lost on purpose", execution.ErrUnanswered)
}

// lie names what an account is told wrongly: a symbol or a currency.
type lie struct{ account, of string }

// Misstate lets what is told of a position or a balance of an account be off by
// so much from the next change on, as by a venue that has lost track; zero: no
// more. The books stay right.
func (x *Exchange) Misstate(account, symbolOrCurrency string, off domain.Decimal) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.lies == nil {
		x.lies = make(map[lie]domain.Decimal)
	}
	x.lies[lie{account, symbolOrCurrency}] = off
}

// misstated is a change as it is told. The exchange's mu is held.
func (x *Exchange) misstated(c change) change {
	if len(x.lies) == 0 {
		return c
	}
	c.Balances, c.Positions = slices.Clone(c.Balances), slices.Clone(c.Positions)
	for i := range c.Balances {
		b := &c.Balances[i]
		off := x.lies[lie{c.Account, b.Currency}]
		b.Total, b.Free = b.Total.Add(off), b.Free.Add(off)
	}
	for i := range c.Positions {
		p := &c.Positions[i]
		p.Volume = p.Volume.Add(x.lies[lie{c.Account, p.Symbol}])
	}
	return c
}
