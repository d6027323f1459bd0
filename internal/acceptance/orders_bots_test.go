package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const (
	orderSymbols  = 20
	orderBots     = 3
	orderAccount  = "1001"
	pushersPerBot = 4
)

// symbolOf is one of the markets of the tests of orders.
func symbolOf(i int) string { return fmt.Sprintf("C%02d/USDT", i) }

func botOf(i int) string { return [orderBots]string{"one", "two", "three"}[i] }

func orderOf(id, bot, symbol string) domain.Order {
	return domain.Order{
		ID: id, Exchange: exchange, OrderTerms: domain.OrderTerms{
			Account: orderAccount, Bot: bot, Symbol: symbol, Side: domain.Buy, Type: domain.Limit,
			Volume: domain.MustDecimal("2"), Price: domain.MustDecimal("100"), Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond),
		},
	}
}

// bot pushes orders, takes blocks and opening marks and gives them back, whatever
// happens to the servers.
type bot struct {
	t    testing.TB
	name string
	*client.Client
	history *history
}

// right is a block or an opening mark of a market.
type right struct {
	kind   domain.Kind
	symbol string
}

// history is what the bots did with blocks and opening marks.
type history struct {
	mu  sync.Mutex
	ops map[right][]porcupine.Operation
}

func (h *history) add(of right, in claimInput, call, ret time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops[of] = append(h.ops[of], porcupine.Operation{Input: in, Call: call.UnixNano(), Return: ret.UnixNano()})
}

// definite repeats a write until it is known whether it was done. First is
// whether the first try told.
func definite(ctx context.Context, write func() error) (first bool, err error) {
	for first = true; ; first = false {
		err = write()
		if err == nil || errors.Is(err, domain.ErrConflict) || ctx.Err() != nil {
			return first, err
		}
		rest(ctx, 20*time.Millisecond)
	}
}

// push pushes one order until that is sure; with twice above zero once more so
// much later, as by a bot that was restarted.
func (b *bot) push(ctx context.Context, o domain.Order, twice time.Duration) {
	once := func() {
		for {
			_, _, err := b.Orders.Push(ctx, o)
			switch {
			case err == nil, ctx.Err() != nil:
				return
			case errors.Is(err, domain.ErrConflict), errors.Is(err, domain.ErrInvalid):
				b.t.Errorf("order %s: %v", o.ID, err)
				return
			}
			rest(ctx, 10*time.Millisecond)
		}
	}
	var group sync.WaitGroup
	if twice > 0 {
		group.Go(func() {
			rest(ctx, twice)
			once()
		})
	}
	once()
	group.Wait()
}

// trade takes blocks and opening marks of random markets until ctx ends. What it
// began it ends.
func (b *bot) trade(ctx context.Context, random *rand.Rand) {
	for ctx.Err() == nil {
		rest(ctx, time.Duration(random.Int64N(int64(150*time.Millisecond))))
		of := right{domain.KindBlock, symbolOf(random.IntN(orderSymbols))}
		if random.IntN(3) == 0 {
			of.kind = domain.KindOpening
		}
		work := context.WithoutCancel(ctx)
		claim, ok := b.get(work, of, 200*time.Millisecond+time.Duration(random.Int64N(int64(time.Second))))
		if !ok {
			continue
		}
		for random.IntN(3) == 0 && ok {
			rest(ctx, time.Duration(random.Int64N(int64(200*time.Millisecond))))
			claim, ok = b.renew(work, claim, 300*time.Millisecond+time.Duration(random.Int64N(int64(time.Second))))
		}
		if !ok {
			continue
		}
		switch random.IntN(8) {
		case 0, 1: // it expires
		case 2, 3, 4: // it expires, and is renewed although others may trade already
			for n := 0; n < 3 && ok && ctx.Err() == nil; n++ {
				rest(ctx, time.Until(claim.Expires.Add(domain.ClaimMargin+time.Duration(random.Int64N(int64(300*time.Millisecond))))))
				claim, ok = b.renew(work, claim, 100*time.Millisecond)
			}
		default:
			rest(ctx, time.Duration(random.Int64N(int64(300*time.Millisecond))))
			b.giveBack(work, claim)
		}
	}
}

func (b *bot) get(ctx context.Context, of right, last time.Duration) (domain.Claim, bool) {
	get := b.Bots.Block
	if of.kind == domain.KindOpening {
		get = b.Bots.MarkOpening
	}
	var claim domain.Claim
	begun := time.Now()
	_, err := definite(ctx, func() (err error) {
		claim, err = get(ctx, client.BlockRequest{Exchange: exchange, Symbol: of.symbol, Bot: b.name, For: last})
		return err
	})
	if err != nil { // another has it
		return claim, false
	}
	b.history.add(of, claimInput{op: acquire, bot: b.name, expires: claim.Expires.UnixMilli()}, begun, time.Now())
	return claim, true
}

func (b *bot) renew(ctx context.Context, claim domain.Claim, last time.Duration) (domain.Claim, bool) {
	renew := b.Bots.Renew
	if claim.Kind == domain.KindOpening {
		renew = b.Bots.RenewOpening
	}
	renewed := claim
	begun := time.Now()
	_, err := definite(ctx, func() (err error) {
		renewed, err = renew(ctx, claim, last)
		return err
	})
	if err != nil { // it was taken
		return claim, false
	}
	b.history.add(right{claim.Kind, claim.Symbol}, claimInput{op: acquire, bot: b.name, expires: renewed.Expires.UnixMilli()}, begun, time.Now())
	return renewed, true
}

func (b *bot) giveBack(ctx context.Context, claim domain.Claim) {
	giveBack := b.Bots.Unblock
	if claim.Kind == domain.KindOpening {
		giveBack = b.Bots.UnmarkOpening
	}
	begun := time.Now()
	first, err := definite(ctx, func() error { return giveBack(ctx, claim) })
	if err == nil || !first {
		// After an answer that was lost, it may have been given back and taken.
		b.history.add(right{claim.Kind, claim.Symbol}, claimInput{op: release, bot: b.name, perhaps: err != nil}, begun, time.Now())
	}
}
