package domain

import "time"

// Claim is an exclusive right of one bot in a market: a block, the right to
// trade there (KindBlock), or an opening mark, the right to open a position
// (KindOpening). The event with it grants the right, or gives it back.
//
// Token is the fencing token: the sequence of the event that granted the right,
// so that each grant has a higher one than all before it in its market. What is
// done in the name of a claim is stored under the condition that its token is
// still the newest.
type Claim struct {
	Kind     Kind // KindBlock or KindOpening
	Exchange string
	Symbol   string
	Bot      string    // who has it, or had it where Released
	Account  string    // that the bot trades with; empty: not said
	Granted  time.Time // by the log's clock
	Expires  time.Time // by the log's clock; see ClaimMargin. Where Released: when that was
	Released bool      // given back
	// Exposed ties the claim to what the bot has at stake: while it has a
	// resting order in the market, or Account a position, it does not expire.
	Exposed bool

	// First is the token where a projector has stored the claim again, and where
	// it is given back; zero in the event that grants it.
	First    uint64
	Sequence uint64 // position in its log stream, of the grant; set by readers
}

// ClaimMargin is how long after its expiry a claim may be taken by another bot:
// more than the clocks of two servers of the log may differ.
const ClaimMargin = time.Second

// Bounds of how long a claim lasts without renewal.
const (
	MinClaim = time.Millisecond * 100
	MaxClaim = 24 * time.Hour
)

// Token is the fencing token; zero for a claim that is not from the log.
func (c Claim) Token() uint64 {
	if c.First != 0 {
		return c.First
	}
	return c.Sequence
}

// HeldAt tells whether the claim keeps others out at a time, exposure apart.
func (c Claim) HeldAt(now time.Time) bool {
	return !c.Released && c.Bot != "" && now.Before(c.Expires.Add(ClaimMargin))
}

// Validate tells what is wrong with the claim. The error is a *FieldError.
func (c Claim) Validate() error {
	if c.Kind != KindBlock && c.Kind != KindOpening {
		return Invalid("kind", string(c.Kind), "block or opening")
	}
	if err := checkMarket(c.Exchange, c.Symbol); err != nil {
		return err
	}
	if err := CheckBot(c.Bot); err != nil {
		return err
	}
	if c.Account != "" {
		if err := CheckAccount(c.Account); err != nil {
			return err
		}
	}
	if err := optionalTime("granted", c.Granted); err != nil {
		return err
	}
	return requiredTime(c.Expires, "when the claim expires")
}

// ClaimRenewal moves the expiry of a claim. It is on a subject of its own, so
// that it does not disturb what is stored on the condition of the token.
type ClaimRenewal struct {
	Kind     Kind // of the claim
	Exchange string
	Symbol   string
	Bot      string
	Token    uint64 // of the claim; zero: of the one that is granted in the same batch
	Expires  time.Time

	Sequence uint64 // position in its log stream; set by readers
}

// Renews tells whether the renewal is of the claim.
func (r ClaimRenewal) Renews(c Claim) bool {
	token := r.Token
	if token == 0 {
		token = r.Sequence - 1
	}
	return !c.Released && r.Key() == ClaimRenewal{Kind: c.Kind, Exchange: c.Exchange, Symbol: c.Symbol}.Key() &&
		r.Bot == c.Bot && token == c.Token()
}

// Validate tells what is wrong with the renewal. The error is a *FieldError.
func (r ClaimRenewal) Validate() error {
	return Claim{Kind: r.Kind, Exchange: r.Exchange, Symbol: r.Symbol, Bot: r.Bot, Expires: r.Expires}.Validate()
}
