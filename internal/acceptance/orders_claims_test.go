package acceptance

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullon/fullon/domain"
)

// claimOp is something that is done with the block or the opening mark of a market,
// or that it permits.
type claimOp uint8

const (
	acquire claimOp = iota // granted, or renewed
	release
	expire
	submit
)

// claimInput is one of them.
type claimInput struct {
	op      claimOp
	bot     string
	expires int64 // of what was granted, or of what expires; unix ms
	perhaps bool  // nobody knows whether it was done
}

// claimState is who has it, and until when.
type claimState struct {
	bot     string
	expires int64
}

// claimModel is a claim as it should be: one bot has it, and then no other
// submits.
var claimModel = porcupine.Model{
	Init: func() any { return claimState{} },
	Step: func(state, input, _ any) (bool, any) {
		s, in := state.(claimState), input.(claimInput)
		others := s.bot != "" && s.bot != in.bot
		switch in.op {
		case acquire:
			return !others, claimState{in.bot, in.expires}
		case release:
			if others {
				return in.perhaps, s
			}
			return true, claimState{}
		case expire:
			if s.bot == in.bot && s.expires == in.expires {
				s = claimState{}
			}
			return true, s
		default:
			return !others, s
		}
	},
}

// check holds the history of each market, with what was submitted there, to the
// model.
func (h *history) check(t testing.TB, submits map[string][]porcupine.Operation) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	claims, sent := 0, 0
	for i := range 2 * orderSymbols {
		of := right{domain.KindBlock, symbolOf(i % orderSymbols)}
		if i >= orderSymbols {
			of.kind = domain.KindOpening
		}
		ops := slices.Concat(h.ops[of], expiries(h.ops[of]), submits[of.symbol])
		claims, sent = claims+len(h.ops[of]), sent+len(submits[of.symbol])
		for n := range ops {
			ops[n].ClientId = n
		}
		switch porcupine.CheckOperationsTimeout(claimModel, ops, time.Minute) {
		case porcupine.Illegal:
			t.Errorf("%s: somebody submitted, or had the %s, while another had it", of.symbol, of.kind)
		case porcupine.Unknown:
			t.Errorf("%s: the history of %d operations with its %s could not be checked in time", of.symbol, len(ops), of.kind)
		}
	}
	t.Logf("%d operations on blocks and opening marks, %d submissions", claims, sent/2)
	if claims < orderSymbols || sent == 0 {
		t.Error("that is too little to say anything")
	}
}

// expiries are the moments at which blocks end by themselves: some time after
// they may be taken, and before the next bot got it.
func expiries(ops []porcupine.Operation) []porcupine.Operation {
	var out []porcupine.Operation
	last := int64(math.MinInt64)
	for _, op := range ops {
		last = max(last, op.Return)
	}
	for _, op := range ops {
		in := op.Input.(claimInput)
		from := time.UnixMilli(in.expires).Add(domain.ClaimMargin).UnixNano()
		if in.op != acquire {
			continue
		}
		until := int64(math.MaxInt64)
		for _, next := range ops {
			if n := next.Input.(claimInput); n.op == acquire && n.bot != in.bot && next.Return >= from {
				until = min(until, next.Return)
			}
		}
		out = append(out, porcupine.Operation{
			Input: claimInput{op: expire, bot: in.bot, expires: in.expires}, Call: from, Return: max(until, from),
		})
	}
	return out
}
