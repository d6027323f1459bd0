package private

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Delivery hands to a Sink what a venue tells. One goroutine has it.
type Delivery struct {
	v     *Venue
	sink  execution.Sink
	stale bool // the books are to be asked for
}

// Order hands on what became of an order.
func (d *Delivery) Order(r execution.Report) {
	d.v.watch(r.Symbol)
	d.v.taken.add(r.ID)
	d.sink.Order(d.v.unified(r))
}

// Recount says that balances or positions changed, in a way that the stream
// does not tell: they are asked for, within Config.BooksEvery.
func (d *Delivery) Recount() { d.stale = true }

// Balance hands on what there is of a currency, unless something newer was
// told.
func (d *Delivery) Balance(ctx context.Context, b domain.Balance) {
	b.Account = d.v.account.Cfg.Account
	if err := b.Validate(); err != nil {
		// Assets may be called what this system cannot call a currency.
		d.v.account.Cfg.Logger.DebugContext(ctx, "balance left out", "account", b.Account, "error", err)
		return
	}
	if d.v.delivered.news(b) {
		d.sink.Balance(b)
	}
}

// Position hands on what is held of a symbol, in base units.
func (d *Delivery) Position(ctx context.Context, p domain.Position) error {
	p.Account, p.Exchange = d.v.account.Cfg.Account, d.v.account.Cfg.Exchange
	d.v.watch(p.Symbol)
	name, known := d.v.account.Symbols.Name(p.Symbol)
	if !known {
		d.v.account.Cfg.Logger.WarnContext(ctx, "position left out: its symbol is not in the catalogue", "account", p.Account, "symbol", p.Symbol)
		return nil
	}
	p.Symbol = name
	if err := p.Validate(); err != nil {
		return fmt.Errorf("a position: %w", err)
	}
	d.sink.Position(p)
	return nil
}

// Fill hands on a fill that was not delivered before. One whose symbol is not
// in the catalogue is held back until it is.
func (d *Delivery) Fill(ctx context.Context, f Fill) error {
	d.v.watch(f.Symbol)
	tape := d.v.delivered.tape(d.v.list(f.Symbol))
	if tape.has(f) {
		return nil
	}
	if err := d.tell(ctx, f); err != nil {
		return err
	}
	tape.add(f)
	return nil
}

func (d *Delivery) tell(ctx context.Context, f Fill) error {
	cfg, told := d.v.account.Cfg, f.Fill
	name, known := d.v.account.Symbols.Name(f.Symbol)
	if !known {
		d.v.delivered.held[f.ID] = f
		cfg.Logger.WarnContext(ctx, "fill held back: its symbol is not in the catalogue", "account", cfg.Account, "symbol", f.Symbol)
		return nil
	}
	told.Account, told.Exchange, told.Symbol = cfg.Account, cfg.Exchange, name
	if err := told.Validate(); err != nil && told.ClientOrderID != "" {
		told.ClientOrderID = "" // of another maker, whose ids may be none of ours
	}
	if err := told.Validate(); err != nil {
		return fmt.Errorf("the fill %s: %w", f.ID, err)
	}
	d.sink.Fill(told)
	return nil
}

// release hands on the fills that were held back and can be told now, the
// oldest first.
func (d *Delivery) release(ctx context.Context) error {
	held := d.v.delivered.held
	for _, f := range slices.SortedFunc(maps.Values(held), func(f, other Fill) int { return cmp.Compare(f.Place, other.Place) }) {
		if _, known := d.v.account.Symbols.Name(f.Symbol); known {
			delete(held, f.ID)
			if err := d.tell(ctx, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// books delivers all balances and positions as they are.
func (d *Delivery) books(ctx context.Context) error {
	d.stale = false
	balances, err := d.v.api.Balances(ctx)
	if err != nil {
		return err
	}
	for _, b := range balances {
		d.Balance(ctx, b)
	}
	positions, err := d.v.api.Positions(ctx)
	if err != nil {
		return err
	}
	for _, p := range positions {
		if err := d.Position(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
