package private

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/internal/pause"
)

// sweep delivers the fills that were not, of all lists that there are.
func (d *Delivery) sweep(ctx context.Context) error {
	if err := d.release(ctx); err != nil {
		return err
	}
	for _, list := range d.v.lists() {
		if err := d.sweepList(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

func (d *Delivery) sweepList(ctx context.Context, list string) error {
	tape := d.v.delivered.tape(list)
	for from := tape.from(); ; {
		page, err := d.page(ctx, list, from)
		if err != nil {
			return err
		}
		missed := page.Fills[:0:0]
		for i, f := range page.Fills {
			if f.Place < from || i > 0 && f.Place < page.Fills[i-1].Place {
				return errors.New("the list of fills is not in order")
			}
			if !tape.has(f) {
				missed = append(missed, f)
			}
		}
		if err := d.v.api.Name(ctx, missed); err != nil {
			return err
		}
		for _, f := range missed {
			if err := d.Fill(ctx, f); err != nil {
				return err
			}
		}
		tape.through(page.Next)
		if !page.More {
			return nil
		}
		if page.Next <= from {
			return errors.New("the list of fills does not go on")
		}
		from = page.Next
	}
}

// page asks for a page of a list. A venue that has enough of it is asked again
// later: the stream goes on meanwhile, and what was listed is not asked for
// again.
func (d *Delivery) page(ctx context.Context, list string, from int64) (Page, error) {
	for wait := d.v.backoff(); ; {
		page, err := d.v.api.Fills(ctx, list, from)
		if !Is(err, Limited) {
			return page, err
		}
		pause.For(ctx, max(wait.NextBackOff(), retryAfter(err), time.Second))
		if ctx.Err() != nil {
			return Page{}, err
		}
	}
}
