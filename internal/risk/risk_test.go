package risk_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/risk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// input is what a gate decides by; what a case does not change is in order.
type input struct {
	order  domain.Order
	tick   domain.Tick
	symbol domain.Symbol
	limits risk.Limits
}

func good() *input {
	return &input{
		order: domain.Order{
			ID: "o-1", Exchange: "binance", Status: domain.OrderNew, Created: noon,
			OrderTerms: domain.OrderTerms{
				Account: "main", Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Limit, Volume: dec("0.5"), Price: dec("100.10"),
			},
		},
		tick: domain.Tick{
			Exchange: "binance", Symbol: "BTC/USDT", Bid: dec("99"), Ask: dec("101"), Last: dec("100"), Received: noon.Add(-time.Second),
		},
		symbol: domain.Symbol{
			Exchange: "binance", Name: "BTC/USDT", Base: "BTC", Quote: "USDT", VenueSymbol: "BTCUSDT", Trading: true,
			TickSize: dec("0.05"), LotSize: dec("0.001"), MinVolume: dec("0.01"), MinNotional: dec("10"),
		},
		limits: risk.Limits{MaxNotional: dec("1000"), PriceBand: dec("0.1")},
	}
}

func (in *input) as(t domain.OrderType, side domain.Side, volume, price, stop string) {
	in.order.Type, in.order.Side, in.order.Volume, in.order.Price, in.order.StopPrice = t, side, dec(volume), dec(price), dec(stop)
}

func TestEachGateStopsWhatItIsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*input)
		gate   risk.Gate // empty: it passes
		says   string
	}{
		"a good order":              {func(*input) {}, "", ""},
		"no id":                     {func(in *input) { in.order.ID = "" }, risk.GateInvalid, "client_order_id"},
		"another symbol's rules":    {func(in *input) { in.symbol.Name = "ETH/USDT" }, risk.GateInvalid, "ETH/USDT"},
		"another exchange's rules":  {func(in *input) { in.symbol.Exchange = "kraken" }, risk.GateInvalid, "kraken"},
		"another symbol's tick":     {func(in *input) { in.tick.Symbol = "ETH/USDT" }, risk.GateInvalid, "ETH/USDT"},
		"halted":                    {func(in *input) { in.symbol.Trading = false }, risk.GateTrading, "not traded"},
		"price between steps":       {func(in *input) { in.order.Price = dec("100.12") }, risk.GateTickSize, "0.05"},
		"step not known":            {func(in *input) { in.order.Price, in.symbol.TickSize = dec("100.123"), domain.Decimal{} }, "", ""},
		"stop between steps":        {func(in *input) { in.as(domain.Stop, domain.Buy, "1", "0", "102.01") }, risk.GateTickSize, "stop price 102.01"},
		"volume between steps":      {func(in *input) { in.order.Volume = dec("0.5001") }, risk.GateLotSize, "0.001"},
		"lots not known":            {func(in *input) { in.order.Volume, in.symbol.LotSize = dec("0.50001"), domain.Decimal{} }, "", ""},
		"too little":                {func(in *input) { in.order.Volume = dec("0.009") }, risk.GateMinimum, "0.01"},
		"the least":                 {func(in *input) { in.order.Volume, in.symbol.MinNotional = dec("0.01"), dec("1.001") }, "", ""},
		"worth too little":          {func(in *input) { in.order.Volume = dec("0.099") }, risk.GateMinimum, "9.9099"},
		"a market order's worth":    {func(in *input) { in.as(domain.Market, domain.Sell, "0.101", "0", "0") }, risk.GateMinimum, "9.999"},
		"no tick":                   {func(in *input) { in.tick = domain.Tick{} }, risk.GateTick, "no tick"},
		"stale":                     {func(in *input) { in.tick.Stale = true }, risk.GateTick, "stale"},
		"at the default age":        {func(in *input) { in.tick.Received = noon.Add(-10 * time.Second) }, "", ""},
		"past the default age":      {func(in *input) { in.tick.Received = noon.Add(-10*time.Second - 1) }, risk.GateTick, "10s old"},
		"past its age":              {func(in *input) { in.limits.MaxTickAge = 500 * time.Millisecond }, risk.GateTick, "1s old"},
		"any age":                   {func(in *input) { in.limits.MaxTickAge, in.tick.Received = -1, noon.Add(-time.Hour) }, "", ""},
		"nobody sells":              {func(in *input) { in.tick.Ask, in.tick.Last = domain.Decimal{}, domain.Decimal{} }, risk.GateTick, "no price"},
		"nobody sells, but did":     {func(in *input) { in.tick.Ask = domain.Decimal{} }, "", ""},
		"at the most":               {func(in *input) { in.as(domain.Limit, domain.Buy, "10", "100", "0") }, "", ""},
		"past the most":             {func(in *input) { in.as(domain.Limit, domain.Buy, "10", "100.05", "0") }, risk.GateNotional, "1000.5"},
		"a buyer pays the ask":      {func(in *input) { in.as(domain.Market, domain.Buy, "9.91", "0", "0") }, risk.GateNotional, "1000.91"},
		"a seller gets the bid":     {func(in *input) { in.as(domain.Market, domain.Sell, "10", "0", "0") }, "", ""},
		"a low limit gets the bid":  {func(in *input) { in.as(domain.Limit, domain.Sell, "10.5", "95", "0") }, risk.GateNotional, "1039.5"},
		"a stop pays its stop":      {func(in *input) { in.as(domain.Stop, domain.Buy, "9.5", "0", "110") }, risk.GateNotional, "1045"},
		"a reached stop, the ask":   {func(in *input) { in.as(domain.Stop, domain.Buy, "10", "0", "99") }, risk.GateNotional, "1010"},
		"no most":                   {func(in *input) { in.limits.MaxNotional = domain.Decimal{}; in.order.Volume = dec("1000000") }, "", ""},
		"at the upper end":          {func(in *input) { in.order.Price = dec("111.1") }, "", ""},
		"past the upper end":        {func(in *input) { in.order.Price = dec("111.15") }, risk.GatePriceBand, "90.9 to 111.1"},
		"past the lower end":        {func(in *input) { in.order.Price = dec("90.85") }, risk.GatePriceBand, "90.85"},
		"a seller's band":           {func(in *input) { in.as(domain.Limit, domain.Sell, "1", "109", "0") }, risk.GatePriceBand, "89.1 to 108.9"},
		"a stop's band":             {func(in *input) { in.as(domain.StopLimit, domain.Buy, "1", "105", "120") }, risk.GatePriceBand, "stop price 120"},
		"no band":                   {func(in *input) { in.limits.PriceBand = domain.Decimal{}; in.order.Price = dec("50") }, "", ""},
		"a reason that is too long": {func(in *input) { in.order.Symbol = strings.Repeat("é", 600) }, risk.GateInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good()
			c.change(in)
			wantGate(t, risk.Check(in.order, in.tick, in.symbol, in.limits, noon), c.gate, c.says)
		})
	}
}

func wantGate(t testing.TB, err error, gate risk.Gate, says string) {
	t.Helper()
	if gate == "" {
		if err != nil {
			t.Fatalf("stopped: %v", err)
		}
		return
	}
	r, ok := errors.AsType[*risk.Rejection](err)
	if !ok || !errors.Is(err, risk.ErrRejected) || r.Gate != gate || !strings.Contains(r.Reason, says) {
		t.Fatalf("got %v, want %s and %q", err, gate, says)
	}
	if r.Reason == "" || len(r.Reason) > domain.MaxReasonBytes || strings.ContainsAny(r.Reason, "\n\r") {
		t.Fatalf("the reason %q is no reason of an order", r.Reason)
	}
}

func TestReduceOnlyOrdersOnlyReduce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		side   domain.Side
		volume string
		holds  string
		gate   risk.Gate
	}{
		"a part of it":    {domain.Sell, "1", "2", ""},
		"all of it":       {domain.Sell, "2", "2", ""},
		"more than it":    {domain.Sell, "2.1", "2", risk.GateReduceOnly},
		"on top of it":    {domain.Buy, "1", "2", risk.GateReduceOnly},
		"nothing":         {domain.Sell, "1", "0", risk.GateReduceOnly},
		"back":            {domain.Buy, "2", "-2", ""},
		"back and beyond": {domain.Buy, "3", "-2", risk.GateReduceOnly},
		"further short":   {domain.Sell, "1", "-2", risk.GateReduceOnly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good()
			in.order.Side, in.order.Volume = c.side, dec(c.volume)
			wantGate(t, risk.CheckReduceOnly(in.order, domain.Position{Account: "main", Symbol: "BTC/USDT", Volume: dec(c.holds)}), c.gate, "")
		})
	}
	in := good()
	in.order.Side = domain.Sell
	wantGate(t, risk.CheckReduceOnly(in.order, domain.Position{Account: "other", Symbol: "BTC/USDT", Volume: dec("9")}), risk.GateInvalid, "other")
	wantGate(t, risk.CheckReduceOnly(in.order, domain.Position{Account: "main", Symbol: "ETH/USDT", Volume: dec("9")}), risk.GateInvalid, "ETH/USDT")
}

// TestFiltersAreExact holds the gates to rational arithmetic.
func TestFiltersAreExact(t *testing.T) {
	t.Parallel()
	number := func(rt *rapid.T, name string) domain.Decimal {
		whole := rapid.Uint64Range(1, 1e12).Draw(rt, name)
		d, err := domain.ParseDecimal(name, rationalText(whole, rapid.IntRange(0, 10).Draw(rt, name+" digits")))
		if err != nil {
			rt.Fatal(err)
		}
		return d
	}
	rapid.Check(t, func(rt *rapid.T) {
		in := good()
		in.limits.PriceBand = domain.Decimal{}
		in.symbol.TickSize, in.symbol.LotSize = number(rt, "tick"), number(rt, "lot")
		in.symbol.MinVolume, in.symbol.MinNotional, in.limits.MaxNotional = number(rt, "min volume"), number(rt, "min notional"), number(rt, "max notional")
		in.order.Price, in.order.Volume = number(rt, "price"), number(rt, "volume")
		if rapid.Bool().Draw(rt, "on step") {
			in.order.Price = in.symbol.TickSize.Mul64(rapid.Uint64Range(1, 1000).Draw(rt, "ticks"))
			in.order.Volume = in.symbol.LotSize.Mul64(rapid.Uint64Range(1, 1000).Draw(rt, "lots"))
		}
		if in.order.Validate() != nil {
			rt.Skip("too large for an order")
		}
		price, volume := rational(in.order.Price), rational(in.order.Volume)
		worth := new(big.Rat).Mul(price, volume)
		if len(in.order.Price.Mul(in.order.Volume).String()) > 38 {
			rt.Skip("more digits than a decimal holds")
		}
		want := risk.Gate("")
		switch {
		case !new(big.Rat).Quo(price, rational(in.symbol.TickSize)).IsInt():
			want = risk.GateTickSize
		case !new(big.Rat).Quo(volume, rational(in.symbol.LotSize)).IsInt():
			want = risk.GateLotSize
		case volume.Cmp(rational(in.symbol.MinVolume)) < 0, worth.Cmp(rational(in.symbol.MinNotional)) < 0:
			want = risk.GateMinimum
		case worth.Cmp(rational(in.limits.MaxNotional)) > 0:
			want = risk.GateNotional
		}
		err := risk.Check(in.order, in.tick, in.symbol, in.limits, noon)
		got := risk.Gate("")
		if r, ok := errors.AsType[*risk.Rejection](err); ok {
			got = r.Gate
		}
		if got != want {
			rt.Fatalf("got %v, want %q", err, want)
		}
	})
}

func rationalText(whole uint64, digits int) string {
	text := new(big.Rat).SetFrac(new(big.Int).SetUint64(whole), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil))
	return text.FloatString(digits)
}

func rational(d domain.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		panic(d.String())
	}
	return r
}

func TestPaceHoldsEachAccountToItsRate(t *testing.T) {
	t.Parallel()
	p := risk.NewPace(risk.Limits{OrdersPerSecond: 10, Burst: 3})
	for range 3 {
		wantGate(t, p.Take("a", noon), "", "")
	}
	err := p.Take("a", noon)
	wantGate(t, err, risk.GatePace, "10 orders a second")
	if r, _ := errors.AsType[*risk.Rejection](err); r.Wait != 100*time.Millisecond {
		t.Fatalf("it says to wait %s", r.Wait)
	}
	wantGate(t, p.Take("b", noon), "", "") // each for itself
	wantGate(t, p.Take("a", noon.Add(99*time.Millisecond)), risk.GatePace, "")
	wantGate(t, p.Take("a", noon.Add(100*time.Millisecond)), "", "")
	wantGate(t, p.Take("a", noon.Add(2*time.Minute)), "", "") // forgotten and made anew
	none := risk.NewPace(risk.Limits{})
	for range 1000 {
		wantGate(t, none.Take("a", noon), "", "")
	}
}

func TestLimitsSayWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	for field, limits := range map[string]risk.Limits{
		"":                  {MaxNotional: dec("1"), PriceBand: dec("0.1"), OrdersPerSecond: 1, Burst: 2},
		"max_notional":      {MaxNotional: dec("-1")},
		"price_band":        {PriceBand: dec("-0.1")},
		"orders_per_second": {OrdersPerSecond: -1},
		"burst":             {Burst: 1},
	} {
		err := limits.Validate()
		fe, ok := errors.AsType[*domain.FieldError](err)
		if ok != (field != "") || ok && fe.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
