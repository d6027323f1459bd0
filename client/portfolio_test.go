package client_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestThePortfolioNamesWhatItCannotValue(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	if _, err := r.Accounts.Portfolio(ctx, "1001", "USDT"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("nothing is known: %v", err)
	}
	stale := tick("kraken", "DOT/USDT", "7")
	stale.Received = time.Now().Add(-time.Hour)
	for _, tick := range []domain.Tick{
		tick("binance", "BTC/USDT", "60000.1"), tick("binance", "USDT/EUR", "0.8"), stale, tick("okx", "ETH/USDT:USDT", "2000"),
	} {
		r.visible(r.Ticks.Set(ctx, tick))
	}
	r.visible(r.Accounts.SetBalances(ctx, "1001", []domain.Balance{
		balance("BTC", "0.1"), balance("USDT", "-100"), balance("EUR", "8"), balance("DOT", "3"), balance("XYZ", "5"), balance("ABC", "0"),
	}))
	short := position("1001", "ETH/USDT:USDT", "-2")
	short.Price, short.Exchange = dec("2100.5"), "okx"
	elsewhere := position("1001", "BTC/USDT", "1")
	elsewhere.Exchange = "okx"
	r.visible(r.Accounts.SetPosition(ctx, short))
	r.visible(r.Accounts.SetPosition(ctx, elsewhere))
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "LTC/USDT", "0")))
	p, err := r.Accounts.Portfolio(ctx, "1001", "USDT")
	if err != nil {
		t.Fatal(err)
	}
	// 0.1 × 60000.1 − 100 + 8 ÷ 0.8
	if p.Total.String() != "5910.01" || p.Complete() || !p.PositionsKnown {
		t.Errorf("total %s, complete %v", p.Total, p.Complete())
	}
	if !slices.Equal(p.Stale, []string{"DOT"}) || !slices.Equal(p.Unvalued, []string{"XYZ"}) {
		t.Errorf("stale %v, unvalued %v", p.Stale, p.Unvalued)
	}
	var holdings, positions []string
	for _, h := range p.Holdings {
		holdings = append(holdings, fmt.Sprintf("%s %s %s", h.Currency, h.Valuation, h.Value))
	}
	want := []string{"ABC valued 0", "BTC valued 6000.01", "DOT stale 21", "EUR valued 10", "USDT valued -100", "XYZ unvalued 0"}
	if !slices.Equal(holdings, want) {
		t.Errorf("got %v", holdings)
	}
	for _, v := range p.Positions {
		positions = append(positions, fmt.Sprintf("%s %s %s %s", v.Symbol, v.Valuation, v.Value, v.Unrealised))
	}
	want = []string{"BTC/USDT unvalued 0 0", "ETH/USDT:USDT valued -4000 201", "LTC/USDT valued 0 0"}
	if !slices.Equal(positions, want) {
		t.Errorf("got %v", positions)
	}
	if p.Positions[0].Valuation != client.Unvalued {
		t.Error("a price of another exchange was taken")
	}
}
