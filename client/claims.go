package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// How claims are granted, renewed and given back. Each message of the log about
// one is on a condition:
//
//	grant   block.<market> is as it was seen, and so is block-renewal.<market>:
//	        nobody else was granted it, and the one it is taken from did not renew it
//	renewal block.<market> is as it was seen: it was not taken or given back
//	return  the same
//
// A grant stores a renewal in the same batch. So of a grant and a renewal that
// do not know of each other one is refused, whichever comes first. It also stores
// granted.<exchange>, under no condition: who knows the newest one knows all grants.

// claimTries bounds how often a write begins anew because somebody was faster:
// each time another one got something done.
const claimTries = 32

// claimState is what the log says of one market's claim.
type claimState struct {
	claim   domain.Claim // its renewals merged; without a Bot: there never was one
	seq     uint64       // the newest message about it; zero: none
	renewed uint64       // the newest renewal; zero: none
	now     time.Time    // by the log's clock
	last    uint64       // where the stream ended
}

func (s claimState) held() bool { return s.seq != 0 && !s.claim.Released }

// isOf tells whether the claim is still that bot's by that token.
func (s claimState) isOf(claim domain.Claim) bool {
	return s.held() && s.claim.Bot == claim.Bot && s.claim.Token() == claim.Token()
}

// state reads a claim from the log.
func (b *Bots) state(ctx context.Context, kind domain.Kind, exchange, symbol string) (claimState, error) {
	var s claimState
	extent, err := b.extent(ctx, exchange) // tells an exchange without a stream from a claim that never was
	if err != nil {
		return s, err
	}
	s.now, s.last = extent.Now, extent.Last
	s.claim = domain.Claim{Kind: kind, Exchange: exchange, Symbol: symbol}
	event, seq, err := b.newest(ctx, s.claim.Key())
	if err != nil || seq == 0 {
		if err == nil { // also without a claim there may be a renewal, whose claim has aged out
			_, s.renewed, err = b.newest(ctx, domain.ClaimRenewal{Kind: kind, Exchange: exchange, Symbol: symbol}.Key())
		}
		return s, err
	}
	s.claim, s.seq = event.(domain.Claim), seq
	s.claim.Sequence = seq
	event, seq, err = b.newest(ctx, domain.ClaimRenewal{Kind: kind, Exchange: exchange, Symbol: symbol}.Key())
	if err != nil || seq == 0 {
		return s, err
	}
	renewal := event.(domain.ClaimRenewal)
	renewal.Sequence, s.renewed = seq, seq
	// A claim that was stored again has all renewals before it.
	if renewal.Renews(s.claim) && seq > s.seq {
		s.claim.Expires = renewal.Expires
	}
	return s, nil
}

// newest reads the newest message with a key; sequence zero: there is none.
func (b *Bots) newest(ctx context.Context, key domain.Key) (domain.Event, uint64, error) {
	event, seq, _, err := b.client.log.Last(ctx, key)
	switch {
	case err == nil:
		return event, seq, nil
	case errors.Is(err, domain.ErrNotFound):
		return nil, 0, nil
	case errors.Is(err, domain.ErrUnreachable), ctx.Err() != nil:
		return nil, 0, err
	}
	return nil, 0, fmt.Errorf("%s of %s %s in the log: %w: %w", key.Kind, key.Exchange, key.Symbol, domain.ErrUnknown, err)
}

// grant gets a claim. With force one that has expired is taken even if its bot is
// exposed.
func (b *Bots) grant(ctx context.Context, kind domain.Kind, r BlockRequest, force bool) (domain.Claim, error) {
	want := domain.Claim{
		Kind: kind, Exchange: r.Exchange, Symbol: r.Symbol, Bot: r.Bot, Account: r.Account, Exposed: r.Exposed,
		Expires: time.Unix(1, 0), // stands in for what only the log's clock tells
	}
	if err := want.Validate(); err != nil {
		return domain.Claim{}, err
	}
	last, err := claimLength(r.For)
	if err != nil {
		return domain.Claim{}, err
	}
	if err := b.surelyHeld(ctx, want); err != nil {
		return domain.Claim{}, err
	}
	for range claimTries {
		var s claimState
		if s, err = b.state(ctx, kind, r.Exchange, r.Symbol); err != nil {
			return domain.Claim{}, err
		}
		var claim domain.Claim
		switch mine := s.held() && s.claim.Bot == r.Bot; {
		case mine && s.claim.Account == r.Account && s.claim.Exposed == r.Exposed:
			claim, err = b.extend(ctx, s, last)
		case s.held() && !mine && s.claim.HeldAt(s.now):
			return domain.Claim{}, &HeldError{s.claim}
		default:
			if s.held() && !mine && !force {
				if err := b.free(ctx, s); err != nil {
					return domain.Claim{}, err
				}
			}
			claim, err = b.take(ctx, s, want, last)
		}
		if !errors.Is(err, domain.ErrConflict) {
			return claim, err
		}
	}
	return domain.Claim{}, err
}

// surelyHeld is a *HeldError if Redis says that another bot has the claim and
// that it has not expired: most of those who ask in vain cost the log nothing.
// Nobody gets anything because of what Redis says.
func (b *Bots) surelyHeld(ctx context.Context, want domain.Claim) error {
	p := b.client.exchange(want.Exchange)
	w := p.want()
	claim, held, at, err := p.Claim(ctx, want.Kind, want.Symbol)
	if err != nil || !held || claim.Bot == want.Bot {
		return nil
	}
	if ok, err := p.reached(ctx, at, w); !ok || err != nil {
		return nil
	}
	if now, err := b.Now(ctx, want.Exchange); err == nil && claim.HeldAt(now) {
		return &HeldError{claim}
	}
	return nil
}

// free makes sure that a claim which has expired is not tied to anything. What
// the log held when the claim was read must be known for that.
func (b *Bots) free(ctx context.Context, s claimState) error {
	if !s.claim.Exposed {
		return nil
	}
	p := b.client.exchange(s.claim.Exchange)
	bounded, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	if err := b.client.Wait(bounded, domain.LogPosition{Stream: p.Stream(), Seq: s.last}); err != nil {
		if ctx.Err() != nil {
			return err
		}
		at, err := p.Checkpoint(ctx)
		if err != nil {
			return err
		}
		return fmt.Errorf("%s of %s %s: %w: Redis reflects the log up to %d, not to %d: bot %s may be exposed",
			s.claim.Kind, s.claim.Exchange, s.claim.Symbol, domain.ErrUnknown, at.Seq, s.last, s.claim.Bot)
	}
	exposed, err := b.exposed(ctx, s.claim)
	if err == nil && exposed {
		err = &HeldError{s.claim}
	}
	return err
}

// take stores a grant.
func (b *Bots) take(ctx context.Context, s claimState, want domain.Claim, last time.Duration) (domain.Claim, error) {
	want.Granted, want.Expires = s.now.UTC().Truncate(time.Millisecond), expiry(s.now, last)
	renewal := domain.ClaimRenewal{Kind: want.Kind, Exchange: want.Exchange, Symbol: want.Symbol, Bot: want.Bot, Expires: want.Expires}
	pos, err := b.client.log.Commit(ctx,
		bus.Change{Event: domain.Granted{Exchange: want.Exchange, Bot: want.Bot}, Free: true},
		bus.Change{Event: want, Last: s.seq}, bus.Change{Event: renewal, Last: s.renewed},
	)
	if err != nil {
		return domain.Claim{}, err
	}
	want.Sequence = pos.Seq - 1 // the renewal is next to it
	want.First = want.Sequence
	return want, nil
}

// extend stores a renewal of the claim that the log has.
func (b *Bots) extend(ctx context.Context, s claimState, last time.Duration) (domain.Claim, error) {
	c := s.claim
	c.First, c.Expires = c.Token(), expiry(s.now, last)
	_, err := b.client.log.Commit(ctx, bus.Change{
		Event: domain.ClaimRenewal{Kind: c.Kind, Exchange: c.Exchange, Symbol: c.Symbol, Bot: c.Bot, Token: c.First, Expires: c.Expires},
		If:    c.Key(), Last: s.seq,
	})
	if err != nil {
		return domain.Claim{}, err
	}
	return c, nil
}

func (b *Bots) renew(ctx context.Context, kind domain.Kind, claim domain.Claim, last time.Duration) (domain.Claim, error) {
	last, err := claimLength(last)
	if err == nil {
		err = checkClaim(kind, claim)
	}
	if err != nil {
		return domain.Claim{}, err
	}
	for range claimTries {
		var s claimState
		if s, err = b.state(ctx, kind, claim.Exchange, claim.Symbol); err != nil {
			return domain.Claim{}, err
		}
		if !s.isOf(claim) {
			return domain.Claim{}, s.lost(claim)
		}
		var renewed domain.Claim
		if renewed, err = b.extend(ctx, s, last); !errors.Is(err, domain.ErrConflict) {
			return renewed, err
		}
	}
	return domain.Claim{}, err
}

func (b *Bots) giveBack(ctx context.Context, kind domain.Kind, claim domain.Claim) error {
	err := checkClaim(kind, claim)
	if err != nil {
		return err
	}
	for range claimTries {
		var s claimState
		if s, err = b.state(ctx, kind, claim.Exchange, claim.Symbol); err != nil {
			return err
		}
		if s.claim.Released && s.claim.Bot == claim.Bot && s.claim.First == claim.Token() {
			return nil // it was
		}
		if !s.isOf(claim) {
			return s.lost(claim)
		}
		c := s.claim
		c.Released, c.First, c.Expires = true, c.Token(), expiry(s.now, 0)
		if _, err = b.client.log.Commit(ctx, bus.Change{Event: c, Last: s.seq}); !errors.Is(err, domain.ErrConflict) {
			return err
		}
	}
	return err
}

// lost tells who asks in the name of a claim what became of it.
func (s claimState) lost(claim domain.Claim) error {
	switch {
	case s.held():
		return &HeldError{s.claim}
	case s.seq == 0:
		return fmt.Errorf("%s of %s %s: %w: nobody has it", claim.Kind, claim.Exchange, claim.Symbol, domain.ErrConflict)
	}
	return fmt.Errorf("%s of %s %s: %w: nobody has it, bot %s gave it back",
		claim.Kind, claim.Exchange, claim.Symbol, domain.ErrConflict, s.claim.Bot)
}

// expiry has the precision that Redis has.
func expiry(now time.Time, last time.Duration) time.Time {
	return now.Add(last).UTC().Truncate(time.Millisecond)
}

func claimLength(last time.Duration) (time.Duration, error) {
	if last == 0 {
		last = DefaultClaim
	}
	if last < domain.MinClaim || last > domain.MaxClaim {
		return 0, domain.Invalid("for", last.String(), domain.MinClaim.String()+" to "+domain.MaxClaim.String())
	}
	return last, nil
}

// checkClaim makes sure that a claim is one that somebody was granted.
func checkClaim(kind domain.Kind, claim domain.Claim) error {
	if claim.Kind != kind {
		return domain.Invalid("kind", string(claim.Kind), string(kind))
	}
	if err := claim.Validate(); err != nil {
		return err
	}
	if claim.Token() == 0 {
		return domain.Invalid("token", "0", "that of a claim that was granted")
	}
	return nil
}
