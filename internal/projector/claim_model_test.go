package projector_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// claimModel is what a reader must see, told as plainly as possible: every
// message that the log has, from the first one on.
type claimModel struct {
	claims map[claimPlace]domain.Claim
	halts  map[string]domain.Halt
}

type claimPlace struct {
	kind   domain.Kind
	symbol string
}

// stored is one message that the log took.
func (m *claimModel) stored(event domain.Event, seq uint64) {
	switch ev := event.(type) {
	case domain.Claim:
		place := claimPlace{ev.Kind, ev.Symbol}
		before := m.claims[place]
		known, held := before.Bot != "", before.Bot != "" && !before.Released
		same := before.Bot == ev.Bot && (ev.First == 0 || ev.First == before.First)
		switch {
		case ev.First >= seq, ev.Released && held && !same, !ev.Released && ev.First != 0 && known && !(held && same):
			return // refused: nobody else gives it back, and what was not so is no repetition
		case ev.First == 0 && !ev.Released:
			ev.First = seq
		case ev.First == 0 && held:
			ev.First = before.First
		}
		ev.Sequence = seq
		m.claims[place] = ev
	case domain.ClaimRenewal:
		place := claimPlace{ev.Kind, ev.Symbol}
		c := m.claims[place]
		if ev.Token == 0 {
			ev.Token = seq - 1
		}
		if !c.Released && c.First == ev.Token && c.Bot == ev.Bot {
			c.Expires = ev.Expires
			m.claims[place] = c
		}
	case domain.Halt:
		ev.Sequence = seq
		whose := ev.Bot
		if ev.All {
			whose = "*"
		}
		if delete(m.halts, whose); whose == "" || ev.State != domain.TradingActive {
			m.halts[whose] = ev
		}
	}
}

func (m *claimModel) String() string {
	var claims []domain.Claim
	for _, c := range m.claims {
		claims = append(claims, c)
	}
	var halts []domain.Halt
	for _, h := range m.halts {
		halts = append(halts, h)
	}
	return describe(claims, halts)
}

// What readers see of the rights to trade is what a plain model makes of the
// messages of the log, sensible ones or not, whatever happens to projector and
// Redis between any two of them.
func TestRightsToTradeAreWhatAPlainModelSaysThroughCrashes(t *testing.T) {
	t.Parallel()
	r := newClaimRig(t, 0)
	m := &claimModel{claims: make(map[claimPlace]domain.Claim), halts: make(map[string]domain.Halt)}
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			r.step(t, m)
		}
		r.agree(t, m)
	})
}

func (r *claimRig) agree(t *rapid.T, m *claimModel) {
	if got, want := r.seen(), m.String(); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// step stores something, or breaks something.
func (r *claimRig) step(t *rapid.T, m *claimModel) {
	kind := rapid.SampledFrom([]domain.Kind{domain.KindBlock, domain.KindOpening}).Draw(t, "kind")
	symbol := rapid.SampledFrom([]string{"BTC/USDT", "ETH/USDT:USDT"}).Draw(t, "symbol")
	bot := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "bot")
	now := m.claims[claimPlace{kind, symbol}]
	c := domain.Claim{
		Kind: kind, Exchange: "binance", Symbol: symbol, Bot: bot, Exposed: rapid.Bool().Draw(t, "exposed"), Granted: epoch,
		Account: rapid.SampledFrom([]string{"", "1001"}).Draw(t, "account"), Expires: r.later(t),
	}
	renewal := domain.ClaimRenewal{Kind: kind, Exchange: "binance", Symbol: symbol, Bot: bot, Expires: c.Expires}
	switch rapid.IntRange(0, 9).Draw(t, "step") {
	case 0, 1:
		r.commit(t, m, c, renewal)
	case 2:
		c.First = rapid.SampledFrom([]uint64{0, now.First, 1, 1 << 40}).Draw(t, "first")
		r.commit(t, m, c)
	case 3, 4: // often of a token that is not, or not any more, the one
		renewal.Token = uint64(max(1, int(now.First)+rapid.SampledFrom([]int{0, 0, 1, -1}).Draw(t, "off")))
		r.commit(t, m, renewal)
	case 5, 6:
		c.Released, c.First = true, rapid.SampledFrom([]uint64{0, now.First, 1}).Draw(t, "first")
		r.commit(t, m, c)
	case 7:
		whose := rapid.SampledFrom([]string{"", "*", "one", "two"}).Draw(t, "whose")
		r.commit(t, m, domain.Halt{
			Exchange: "binance", Bot: strings.Trim(whose, "*"), All: whose == "*", Time: epoch,
			State:  domain.HaltState(rapid.IntRange(1, 3).Draw(t, "state")),
			Reason: rapid.SampledFrom([]string{"", "slow", "two words", " 1 2 "}).Draw(t, "reason"),
		})
	case 8:
		r.agree(t, m)
	case 9:
		r.crash(rapid.IntRange(0, 3).Draw(t, "crash"))
	}
}

func (r *claimRig) later(t *rapid.T) time.Time {
	return epoch.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "later")) * time.Millisecond)
}

// commit stores events, whatever is there, and tells the model.
func (r *claimRig) commit(t *rapid.T, m *claimModel, events ...domain.Event) {
	changes := make([]bus.Change, len(events))
	for i, event := range events {
		_, last, _, err := r.bus.Last(context.Background(), event.Key())
		if err != nil && !errors.Is(err, domain.ErrNotFound) {
			t.Fatal(err)
		}
		changes[i] = bus.Change{Event: event, Last: last}
	}
	pos, err := r.bus.Commit(context.Background(), changes...)
	if err != nil {
		t.Fatal(err)
	}
	for i, event := range events {
		m.stored(event, pos.Seq-uint64(len(events)-1-i))
	}
}
