package bus_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func order(id string, status domain.OrderStatus) domain.Order {
	return domain.Order{
		ID: id, Exchange: "binance", Status: status, Created: noon,
		OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "bot-1", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
		},
	}
}

func block(bot string) domain.Claim {
	return domain.Claim{Kind: domain.KindBlock, Exchange: "binance", Symbol: "BTC/USDT", Bot: bot, Expires: noon.Add(time.Minute)}
}

func TestAnOrderIsCreatedOnce(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	if _, err := b.Commit(t.Context(), bus.Change{Event: order("a", domain.OrderNew)}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), bus.Change{Event: order("a", domain.OrderNew)}); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("a second order with the id: %v", err)
	}
	got, seq, at, err := b.Last(t.Context(), order("a", 0).Key())
	if err != nil || seq != 1 || at.IsZero() || got.(domain.Order).Status != domain.OrderNew {
		t.Fatalf("%+v %d %v %v", got, seq, at, err)
	}
}

// What is stored on the condition of a block is not stored once the block is
// another one, and what was to be stored with it is not either.
func TestACommitStoresAllOrNothing(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	stream := bus.OrderStream("binance")
	mustPublish(t, b, order("a", domain.OrderNew), block("bot-1"))
	intent := bus.Change{Event: order("a", domain.OrderIntent), Last: 1}
	token := bus.Change{Event: domain.Halt{Exchange: "binance", Bot: "bot-1", State: domain.TradingActive}, If: block("").Key(), Last: 2}
	pos, err := b.Commit(t.Context(), intent, token)
	if err != nil || pos.Seq != 4 || pos.Stream != stream {
		t.Fatalf("%+v %v", pos, err)
	}
	mustPublish(t, b, block("bot-2"))
	accepted := bus.Change{Event: order("a", domain.OrderAccepted), Last: 3}
	for name, changes := range map[string][]bus.Change{
		"the block is another":  {accepted, token},
		"the other order":       {token, accepted},
		"the order has changed": {{Event: accepted.Event, Last: 1}, {Event: token.Event, If: token.If, Last: 5}},
		"alone":                 {token},
	} {
		if _, err := b.Commit(t.Context(), changes...); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e := extent(t, b, stream); e.Last != 5 {
		t.Fatalf("%d messages are stored, want 5", e.Last)
	}
}

func TestACommitIsOfOneStream(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	a := bus.Change{Event: order("a", domain.OrderNew)}
	other := order("b", domain.OrderNew)
	other.Exchange = "kraken"
	for name, changes := range map[string][]bus.Change{
		"nothing":                         {},
		"two exchanges":                   {a, {Event: other}},
		"a condition of another exchange": {{Event: other, If: a.Key()}},
		"a wrong event":                   {a, {Event: domain.Order{ID: "b", Exchange: "binance"}}},
	} {
		if _, err := b.Commit(t.Context(), changes...); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if e := extent(t, b, bus.OrderStream("binance")); e.Last != 0 {
		t.Fatalf("%d messages are stored", e.Last)
	}
}

func TestAnExchangeWithoutAStreamIsNamed(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	o := order("a", domain.OrderNew)
	o.Exchange = "nowhere"
	c := block("bot-1")
	c.Exchange = "nowhere"
	_, published := b.Publish(t.Context(), o)
	_, committed := b.Commit(t.Context(), bus.Change{Event: o}, bus.Change{Event: c})
	_, _, _, read := b.Last(t.Context(), o.Key())
	for name, err := range map[string]error{"publish": published, "commit": committed, "read": read} {
		if !errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Provision(t.Context(), bus.Plan{Exchanges: []string{"nowhere"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	exchanges, err := b.Exchanges(t.Context())
	if err != nil || len(exchanges) != 3 || exchanges[2] != "nowhere" {
		t.Fatalf("%v %v", exchanges, err)
	}
}

func TestTheCatalogueIsReadAcrossItsHoles(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	for i := range 10 {
		mustPublish(t, b, domain.BotStatus{Bot: "a", Feed: "f", Time: noon.Add(time.Duration(i) * time.Second)}, domain.BotStatus{Bot: "b", Feed: "f"})
	}
	mustPublish(t, b, domain.BotDeleted{Bot: "c"})
	r := b.NewReader(bus.CatalogueStream, 1)
	defer r.Close()
	var seqs []uint64
	buffer := make([]domain.Record, 10)
	for len(seqs) < 3 {
		n, err := r.Read(t.Context(), buffer, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range buffer[:n] {
			seqs = append(seqs, rec.Seq)
		}
	}
	if seqs[0] != 19 || seqs[1] != 20 || seqs[2] != 21 {
		t.Fatalf("read %v", seqs)
	}
}
