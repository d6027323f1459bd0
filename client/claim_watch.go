package client

import (
	"context"
	"iter"
	"slices"

	"github.com/fullon/fullon/domain"
)

// Watch yields the present blocks and opening marks at an exchange that were not
// given back, and from then on each one that changed: that was granted, renewed,
// taken over, or, with Released, given back. It yields the newest state; states
// that were replaced before they could be yielded are skipped. That one expires
// is no change.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable or domain.ErrUnknown (also: Redis is being
// folded anew) is yielded and the iteration goes on; any other ends it.
func (b *Bots) Watch(ctx context.Context, exchange string) iter.Seq2[domain.Claim, error] {
	return func(yield func(domain.Claim, error) bool) {
		if err := domain.CheckExchange(exchange); err != nil {
			yield(domain.Claim{}, err)
			return
		}
		seen := make(claimWatch)
		watch(ctx, b.client, b.client.exchange(exchange).Partition, yield, func() ([]domain.Claim, bool, error) {
			rights, err := b.rights(ctx, exchange)
			if err != nil {
				return nil, false, err
			}
			return seen.changes(rights.Claims), false, nil
		})
	}
}

// claimWatch is what a Watch has yielded, by kind and symbol.
type claimWatch map[[2]string]domain.Claim

// changes is what differs from what was yielded.
func (w claimWatch) changes(claims []domain.Claim) []domain.Claim {
	slices.SortFunc(claims, compareClaims)
	var changed []domain.Claim
	for _, c := range claims {
		key := [2]string{string(c.Kind), c.Symbol}
		last, known := w[key]
		if !known && c.Released {
			continue // it was before
		}
		// Where the log has it changes also when a projector stores it again.
		if known && last.First == c.First && last.Released == c.Released && last.Expires.Equal(c.Expires) {
			continue
		}
		w[key] = c
		changed = append(changed, c)
	}
	return changed
}
