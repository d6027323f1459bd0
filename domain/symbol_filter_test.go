package domain_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

func filtered() domain.Symbol {
	return domain.Symbol{
		Exchange: "binance", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true,
		TickSize: domain.MustDecimal("0.05"), LotSize: domain.MustDecimal("0.001"), MinVolume: domain.MustDecimal("0.002"),
		MinNotional: domain.MustDecimal("5"),
	}
}

// D44: round_down of the Python library made balances that were worth less than
// two dollars zero.
func TestD44WhatIsRoundedAwayIsLeftOverOrAnError(t *testing.T) {
	t.Parallel()
	s := filtered()
	for volume, want := range map[string]string{
		"0.0019": "0.001 0.0009", "0.001": "0.001 0", "12345.6789": "12345.678 0.0009", "0": "0 0", "-0.0015": "-0.001 -0.0005",
		"0.0009999999999999999": "0 0.0009999999999999999 volume", "-0.0001": "0 -0.0001 volume",
	} {
		rounded, rest, err := s.RoundVolume(domain.MustDecimal(volume))
		got := rounded.String() + " " + rest.String()
		var wrong *domain.FieldError
		if errors.As(err, &wrong) {
			got += " " + wrong.Field
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", volume, got, err, want)
		}
	}
	for price, want := range map[string]string{"100.07": "100.05", "0.05": "0.05", "0.049": "error", "-1": "error", "0": "0", "9999999999999999999.99": "9999999999999999999.95"} {
		got, err := s.RoundPrice(domain.MustDecimal(price))
		if (want == "error") != (err != nil) || err == nil && got.String() != want {
			t.Errorf("%s: %s (%v), want %s", price, got, err, want)
		}
	}
	unknown := domain.Symbol{}
	if rounded, rest, err := unknown.RoundVolume(domain.MustDecimal("0.123456789")); err != nil || !rest.IsZero() || rounded.String() != "0.123456789" {
		t.Errorf("without a step: %s %s %v", rounded, rest, err)
	}
}

// Nothing is lost and nothing is made up, whatever the step.
func TestWhatIsRoundedAndWhatIsLeftOverAreTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[0-9]{1,19}\.[0-9]{1,19}`)
		s := domain.Symbol{LotSize: domain.MustDecimal(number.Draw(t, "step"))}
		volume := domain.MustDecimal(number.Draw(t, "volume"))
		rounded, rest, err := s.RoundVolume(volume)
		if !rounded.Add(rest).Equal(volume) {
			t.Fatalf("%s and %s are not %s", rounded, rest, volume)
		}
		if err != nil {
			if !rounded.IsZero() || !errors.Is(err, domain.ErrInvalid) || !volume.LessThan(s.LotSize) {
				t.Fatalf("%s by %s: %s, %s left, %v", volume, s.LotSize, rounded, rest, err)
			}
			return
		}
		if s.LotSize.IsZero() {
			return
		}
		if again, err := rounded.Mod(s.LotSize); err != nil || !again.IsZero() || rest.IsNeg() || !rest.LessThan(s.LotSize) {
			t.Fatalf("%s by %s: %s, %s left", volume, s.LotSize, rounded, rest)
		}
	})
}

func TestCheckNamesTheFilterThatAnOrderDoesNotPass(t *testing.T) {
	t.Parallel()
	const none = ""
	for what, c := range map[string]struct {
		change func(*domain.OrderTerms, *domain.Symbol)
		market string // price
		field  string
		part   string
	}{
		"passes":             {func(*domain.OrderTerms, *domain.Symbol) {}, "0", none, none},
		"price off a step":   {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Price = domain.MustDecimal("50000.01") }, "0", "price", "0.05"},
		"price below a step": {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Price = domain.MustDecimal("0.01") }, "0", "price", "0.05"},
		"stop off a step":    {func(o *domain.OrderTerms, _ *domain.Symbol) { o.StopPrice = domain.MustDecimal("1.01") }, "0", "stop_price", "0.05"},
		"volume off a lot":   {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Volume = domain.MustDecimal("0.0101") }, "0", "volume", "0.001"},
		"volume too small":   {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Volume = domain.MustDecimal("0.001") }, "0", "volume", "0.002"},
		"worth too little":   {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Price = domain.MustDecimal("499.95") }, "0", "volume", "5 USDT"},
		"worth just enough":  {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Price = domain.MustDecimal("500") }, "0", none, none},
		"market order":       {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Type, o.Price = domain.Market, domain.Decimal{} }, "600", none, none},
		"cheap market order": {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Type, o.Price = domain.Market, domain.Decimal{} }, "400", "volume", "5 USDT"},
		"no market price":    {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Type, o.Price = domain.Market, domain.Decimal{} }, "0", "price", "5 USDT"},
		"stop order": {func(o *domain.OrderTerms, _ *domain.Symbol) {
			o.Type, o.Price, o.StopPrice = domain.Stop, domain.Decimal{}, domain.MustDecimal("400")
		}, "600", "volume", "5 USDT"},
		"halted":         {func(_ *domain.OrderTerms, s *domain.Symbol) { s.Trading = false }, "0", "symbol", "halted"},
		"another symbol": {func(o *domain.OrderTerms, _ *domain.Symbol) { o.Symbol = "ETH/USDT" }, "0", "symbol", "BTC/USDT"},
		"nothing is known": {func(o *domain.OrderTerms, s *domain.Symbol) {
			*s = domain.Symbol{Exchange: "x", Name: s.Name, Trading: true}
			o.Price = domain.MustDecimal("0.0000000001")
		}, "0", none, none},
	} {
		s := filtered()
		o := domain.OrderTerms{Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Limit, Volume: domain.MustDecimal("0.01"), Price: domain.MustDecimal("50000")}
		c.change(&o, &s)
		err := s.Check(o, domain.MustDecimal(c.market))
		var wrong *domain.FieldError
		if c.field == none {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		} else if !errors.As(err, &wrong) || wrong.Field != c.field || !strings.Contains(err.Error(), c.part) {
			t.Errorf("%s: %v, want %s with %q", what, err, c.field, c.part)
		}
	}
}
