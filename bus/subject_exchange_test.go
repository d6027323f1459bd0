package bus_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

var exchangeAndCatalogueKeys = rapid.Custom(func(t *rapid.T) domain.Key {
	exchange := rapid.StringMatching(`[a-z0-9_-]{1,20}`).Draw(t, "exchange")
	symbol := rapid.StringMatching(`[!-.0-9;-~]{1,20}/[!-.0-9;-~]{1,10}(:[!-~]{1,10})?`).Draw(t, "symbol")
	bot := rapid.StringMatching(`[A-Za-z0-9_-]{1,20}`).Draw(t, "bot")
	switch kind := rapid.SampledFrom([]domain.Kind{
		domain.KindOrder, domain.KindBlock, domain.KindBlockRenewal, domain.KindOpening, domain.KindOpeningRenewal, domain.KindHalt, domain.KindFence,
		domain.KindGranted, domain.KindHaltAll,
		domain.KindVenue, domain.KindSymbol, domain.KindBot,
	}).Draw(t, "kind"); kind {
	case domain.KindOrder:
		return domain.Key{Kind: kind, Exchange: exchange, OrderID: rapid.StringMatching(`[A-Za-z0-9_-]{1,36}`).Draw(t, "id")}
	case domain.KindHalt:
		return domain.Key{Kind: kind, Exchange: exchange, Bot: rapid.SampledFrom([]string{"", bot}).Draw(t, "of")}
	case domain.KindFence:
		return domain.Key{Kind: kind, Exchange: exchange, Symbol: rapid.SampledFrom([]string{"", symbol}).Draw(t, "of")}
	case domain.KindVenue, domain.KindGranted, domain.KindHaltAll:
		return domain.Key{Kind: kind, Exchange: exchange}
	case domain.KindBot:
		return domain.Key{Kind: kind, Bot: bot, BotFeed: rapid.SampledFrom([]string{"", "feed-1"}).Draw(t, "feed")}
	default:
		return domain.Key{Kind: kind, Exchange: exchange, Symbol: symbol}
	}
})

func TestOrdersAndTheCatalogueHaveSubjectsThatParse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := exchangeAndCatalogueKeys.Draw(t, "key")
		address, err := bus.Layout{}.WithDefaults().Address(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bus.ParseSubject(address.Subject)
		if err != nil || got != want {
			t.Fatalf("%+v is at %s, which is %+v (%v)", want, address.Subject, got, err)
		}
		exchange, ok := bus.ExchangeOf(address.Stream)
		if catalogue := address.Stream == bus.CatalogueStream; ok == catalogue || ok && exchange != want.Exchange {
			t.Fatalf("%+v goes to %s", want, address.Stream)
		}
	})
}

func TestParseSubjectRefusesWhatIsNoOrder(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"order.binance", "order.binance.a b", "order.binance.x.y", "order.Binance.x", "order.binance.", "order.binance.0123456789012345678901234567890123456789",
		"block.binance", "block.binance.BTC", "block.binance.BTC/USDT.x", "block-renewal.binance", "opening.binance.BTC", "halt", "halt.binance.a.b", "halt.binance.%2E", "halt-all", "halt-all.binance.a", "granted", "granted.binance.a",
		"venue", "venue.binance.x", "symbol.binance", "symbol.binance.BTC", "bot", "bot.a.b.c", "bot.a%2Eb",
	} {
		if key, err := bus.ParseSubject(subject); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%q is %+v (%v)", subject, key, err)
		}
	}
}
