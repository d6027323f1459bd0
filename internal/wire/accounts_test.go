package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

// signedDecimals draws numbers of both signs.
var signedDecimals = rapid.Custom(func(t *rapid.T) domain.Decimal {
	d := decimals(false).Draw(t, "size")
	if rapid.Bool().Draw(t, "negative") {
		return d.Neg()
	}
	return d
})

// accountEvents draws valid events of every kind that accounts have.
var accountEvents = rapid.Custom(func(t *rapid.T) domain.Event {
	const account = "1001"
	holding := func(symbol string) domain.Position {
		return domain.Position{
			Account: account, Symbol: symbol, Exchange: rapid.SampledFrom([]string{"", "kraken"}).Draw(t, "exchange"),
			Volume: signedDecimals.Draw(t, "volume"), Price: decimals(false).Draw(t, "price"), Cost: decimals(false).Draw(t, "cost"),
			Fee: signedDecimals.Draw(t, "fee"), Realised: signedDecimals.Draw(t, "realised"),
		}
	}
	switch rapid.IntRange(0, 6).Draw(t, "account kind") {
	case 0:
		return domain.Balance{
			Account: account, Currency: rapid.StringMatching(`[A-Z0-9.]{1,10}`).Draw(t, "currency"), Time: moments.Draw(t, "time"),
			Total: signedDecimals.Draw(t, "total"), Free: signedDecimals.Draw(t, "free"), Used: decimals(false).Draw(t, "used"),
		}
	case 1:
		p := holding("ETH/EUR")
		p.Time = moments.Draw(t, "time")
		return p
	case 2:
		return domain.PositionDeleted{Account: account, Symbol: "ETH/EUR", Time: moments.Draw(t, "time")}
	case 3:
		set := domain.PositionsReplaced{Account: account, Time: moments.Draw(t, "time")}
		for _, symbol := range rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Z]{3,5}/USD`), 0, 5, rapid.ID).Draw(t, "symbols") {
			p := holding(symbol)
			p.Time = set.Time
			set.Positions = append(set.Positions, p)
		}
		return set
	case 4:
		return domain.Fill{
			Account: account, Exchange: "kraken", Symbol: "ETH/EUR", ID: rapid.StringMatching(`[!-~]{1,64}`).Draw(t, "id"),
			OrderID: rapid.StringMatching(`[0-9]{0,9}`).Draw(t, "order_id"), ClientOrderID: rapid.StringMatching(`[a-z]{0,9}`).Draw(t, "client_order_id"),
			Side: domain.Side(rapid.IntRange(1, 2).Draw(t, "side")), Price: decimals(true).Draw(t, "price"), Volume: decimals(true).Draw(t, "volume"),
			Fee: signedDecimals.Draw(t, "fee"), FeeCurrency: rapid.StringMatching(`[A-Z]{0,5}`).Draw(t, "fee_currency"),
			Maker: rapid.Bool().Draw(t, "maker"), Time: moments.Draw(t, "time"), First: rapid.Uint64().Draw(t, "first"),
		}
	case 5:
		d := domain.Difference{
			Account: account, Symbol: rapid.SampledFrom([]string{"", "ETH/EUR"}).Draw(t, "symbol"), Time: moments.Draw(t, "time"),
			Counted: signedDecimals.Draw(t, "counted"), Said: signedDecimals.Draw(t, "said"),
		}
		if d.Symbol == "" {
			d.Currency = "ETH"
		}
		return d
	}
	return domain.FillAcked{Account: account, Exchange: "kraken", ID: rapid.StringMatching(`[!-~]{1,64}`).Draw(t, "id")}
})

func seedAccounts(f *testing.F) {
	for _, seed := range []domain.Event{
		domain.Balance{Total: domain.MustDecimal("-1.5")},
		domain.Position{Volume: domain.MustDecimal("-2"), Exchange: "okx"},
		domain.PositionDeleted{},
		domain.PositionsReplaced{Positions: []domain.Position{{Symbol: "BTC/USDT"}, {Symbol: "ETH/USDT"}}},
		domain.Fill{ID: "7", Symbol: "BTC/USDT", Side: domain.Buy},
		domain.FillAcked{ID: "7"},
		domain.Difference{Symbol: "BTC/USDT", Said: domain.MustDecimal("-1.5")},
	} {
		data, err := Encode(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, string(seed.Key().Kind))
	}
}

func TestMalformedAccountPayloadsNameTheField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind    domain.Kind
		payload []any
		want    string
	}{
		"float total":       {domain.KindBalance, []any{1, 0, 1.5, "0", "0"}, "total"},
		"negative used":     {domain.KindBalance, []any{1, 0, "1", "1", "-1"}, "used"},
		"short balance":     {domain.KindBalance, []any{1, 0, "1", "1"}, "4 elements"},
		"exponent volume":   {domain.KindPosition, []any{1, 0, false, "", "1e5", "0", "0", "0", "0"}, "volume"},
		"number deleted":    {domain.KindPosition, []any{1, 0, 7, "", "1", "0", "0", "0", "0"}, "deleted"},
		"narrow position":   {domain.KindPositions, []any{1, 0, []any{[]any{"BTC/USDT", "", "1"}}}, "7 elements"},
		"too many":          {domain.KindPositions, []any{1, 0, make([]any, domain.MaxPositions+1)}, "positions"},
		"the same twice":    {domain.KindPositions, []any{1, 0, []any{row("BTC/USDT"), row("BTC/USDT")}}, "symbol"},
		"no such symbol":    {domain.KindPositions, []any{1, 0, []any{row("BTCUSDT")}}, "symbol"},
		"negative price":    {domain.KindFill, []any{1, "7", 1, "BTC/USDT", 1, "-1", "1", "0", "", false, "", "", 0}, "price"},
		"unknown side":      {domain.KindFill, []any{1, "7", 1, "BTC/USDT", 3, "1", "1", "0", "", false, "", "", 0}, "side"},
		"fill without time": {domain.KindFill, []any{1, "7", 0, "BTC/USDT", 1, "1", "1", "0", "", false, "", "", 0}, "time"},
		"ack of nothing":    {domain.KindAck, []any{1, ""}, "trade_id"},
	} {
		data, err := msgpack.Marshal(c.payload)
		if err != nil {
			t.Fatal(err)
		}
		key := domain.Key{Kind: c.kind, Account: "1001", Exchange: "okx", Symbol: "BTC/USDT", Currency: "BTC"}
		if _, err := Decode(key, data); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ErrMalformed naming %q", name, err, c.want)
		}
	}
}

func row(symbol string) []any { return []any{symbol, "", "1", "0", "0", "0", "0"} }

// What a newer producer adds is passed over, inside a set of positions too.
func TestNewerPositionsAreRead(t *testing.T) {
	t.Parallel()
	data, err := msgpack.Marshal([]any{1, 5, []any{append(row("BTC/USDT"), "more", []any{1, 2}), row("ETH/USDT")}, "and more"})
	if err != nil {
		t.Fatal(err)
	}
	set, err := DecodePositions(domain.Key{Account: "1001"}, data)
	if err != nil || len(set.Positions) != 2 || set.Positions[1].Symbol != "ETH/USDT" || set.Positions[0].Time.UnixNano() != 5 {
		t.Fatalf("%+v %v", set, err)
	}
}
