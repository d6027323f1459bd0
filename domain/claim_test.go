package domain

import (
	"testing"
	"time"
)

func TestARenewalIsOfOneClaim(t *testing.T) {
	t.Parallel()
	claim := Claim{Kind: KindBlock, Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", First: 7, Sequence: 20}
	renewal := ClaimRenewal{Kind: KindBlock, Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", Token: 7, Sequence: 21}
	if !renewal.Renews(claim) {
		t.Error("its own")
	}
	batched := renewal
	batched.Token, batched.Sequence = 0, 8
	if !batched.Renews(claim) {
		t.Error("in the batch of the grant")
	}
	for name, change := range map[string]func(*ClaimRenewal, *Claim){
		"kind":     func(r *ClaimRenewal, _ *Claim) { r.Kind = KindOpening },
		"exchange": func(r *ClaimRenewal, _ *Claim) { r.Exchange = "kraken" },
		"symbol":   func(r *ClaimRenewal, _ *Claim) { r.Symbol = "ETH/USDT" },
		"bot":      func(r *ClaimRenewal, _ *Claim) { r.Bot = "two" },
		"token":    func(r *ClaimRenewal, _ *Claim) { r.Token = 20 },
		"batch":    func(r *ClaimRenewal, _ *Claim) { r.Token = 0 },
		"released": func(_ *ClaimRenewal, c *Claim) { c.Released = true },
	} {
		r, c := renewal, claim
		if change(&r, &c); r.Renews(c) {
			t.Errorf("another %s", name)
		}
	}
}

func TestAClaimIsHeldForAMarginAfterItsExpiry(t *testing.T) {
	t.Parallel()
	expires := time.Unix(1_700_000_000, 0)
	c := Claim{Bot: "one", Expires: expires}
	if !c.HeldAt(expires.Add(ClaimMargin-1)) || c.HeldAt(expires.Add(ClaimMargin)) {
		t.Error("the margin")
	}
	if c.Released = true; c.HeldAt(expires.Add(-time.Hour)) {
		t.Error("given back")
	}
	if (Claim{Expires: expires}).HeldAt(expires.Add(-time.Hour)) {
		t.Error("nobody's")
	}
}
