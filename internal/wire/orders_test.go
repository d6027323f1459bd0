package wire

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

var names = rapid.StringMatching(`[A-Za-z0-9_-]{1,36}`)

var namedValues = rapid.MapOfN(rapid.StringMatching(`[a-z]{1,8}`), rapid.StringN(0, 20, 40), 0, 4)

// otherEvents draws valid events of orders, rights to trade and the catalogue.
var otherEvents = rapid.Custom(func(t *rapid.T) domain.Event {
	const exchange, symbol = "kraken", "ETH/EUR"
	claims := rapid.SampledFrom([]domain.Kind{domain.KindBlock, domain.KindOpening})
	switch rapid.IntRange(0, 8).Draw(t, "other kind") {
	case 0:
		o := domain.Order{
			ID: names.Draw(t, "id"), Exchange: exchange, Status: rapid.SampledFrom(domain.OrderStatuses()).Draw(t, "status"),
			OrderTerms: domain.OrderTerms{
				Account: "1001", Bot: names.Draw(t, "bot"), Symbol: symbol, Side: domain.Sell, Type: domain.Limit,
				TimeInForce: domain.TimeInForce(rapid.IntRange(0, 3).Draw(t, "tif")), Volume: decimals(true).Draw(t, "volume"),
				Price: decimals(true).Draw(t, "price"), ReduceOnly: rapid.Bool().Draw(t, "reduce"), Expires: moments.Draw(t, "expires"),
			},
			Created: domain.FromUnixNano(rapid.Int64Min(1).Draw(t, "created") % 1e18), Updated: moments.Draw(t, "updated"), Reason: rapid.StringN(0, 20, 100).Draw(t, "reason"),
			CancelRequested: rapid.Bool().Draw(t, "cancel"), VenueOrderID: names.Draw(t, "venue id"), VenueTime: moments.Draw(t, "venue time"),
			AveragePrice: decimals(false).Draw(t, "average"), Attempt: rapid.Uint32().Draw(t, "attempt"), Worker: names.Draw(t, "worker"),
			Deadline: moments.Draw(t, "deadline"), Token: rapid.Uint64().Draw(t, "token"), First: rapid.Uint64().Draw(t, "first"),
			Dead: rapid.Bool().Draw(t, "dead"),
		}
		if o.Created.IsZero() {
			o.Created = domain.FromUnixNano(1)
		}
		if rapid.Bool().Draw(t, "some") {
			o.Filled = o.Volume
		}
		return o
	case 1:
		return domain.Claim{
			Kind: claims.Draw(t, "kind"), Exchange: exchange, Symbol: symbol, Bot: names.Draw(t, "bot"), Account: "1001", Granted: moments.Draw(t, "granted"),
			Expires: domain.FromUnixNano(rapid.Int64Range(1, 1e18).Draw(t, "expires")), Released: rapid.Bool().Draw(t, "released"),
			Exposed: rapid.Bool().Draw(t, "exposed"), First: rapid.Uint64().Draw(t, "first"),
		}
	case 2:
		return domain.ClaimRenewal{
			Kind: claims.Draw(t, "kind"), Exchange: exchange, Symbol: symbol, Bot: names.Draw(t, "bot"), Token: rapid.Uint64().Draw(t, "token"),
			Expires: domain.FromUnixNano(rapid.Int64Range(1, 1e18).Draw(t, "expires")),
		}
	case 3:
		if rapid.Bool().Draw(t, "all") {
			return domain.Halt{Exchange: exchange, All: true, State: domain.TradingHalted, Reason: "why", Time: moments.Draw(t, "time")}
		}
		return domain.Halt{
			Exchange: exchange, Bot: rapid.SampledFrom([]string{"", "b"}).Draw(t, "bot"), State: domain.HaltState(rapid.IntRange(1, 3).Draw(t, "state")),
			Reason: rapid.StringN(0, 20, 100).Draw(t, "reason"), Time: moments.Draw(t, "time"),
		}
	case 7:
		return domain.Fence{Exchange: exchange, Symbol: rapid.SampledFrom([]string{"", symbol}).Draw(t, "symbol"), Worker: names.Draw(t, "worker")}
	case 8:
		return domain.Granted{Exchange: exchange, Bot: names.Draw(t, "bot")}
	case 4:
		return domain.Venue{
			Name: exchange, Title: "Kraken", Status: domain.VenueStatus(rapid.IntRange(1, 3).Draw(t, "status")),
			Params: namedValues.Draw(t, "params"), Time: moments.Draw(t, "time"), Emptied: rapid.Uint64().Draw(t, "emptied"),
		}
	case 5:
		return domain.Symbol{
			Exchange: exchange, Name: symbol, VenueSymbol: "XETHZEUR", Base: "ETH", Quote: "EUR", TickSize: decimals(false).Draw(t, "tick"),
			LotSize: decimals(false).Draw(t, "lot"), MinVolume: decimals(false).Draw(t, "min"), MinNotional: decimals(false).Draw(t, "notional"),
			Trading: rapid.Bool().Draw(t, "trading"),
		}
	}
	return domain.BotStatus{Bot: names.Draw(t, "bot"), Feed: names.Draw(t, "feed"), Fields: namedValues.Draw(t, "fields"), Time: moments.Draw(t, "time")}
})

func TestOrdersAndTheCatalogueReadBackAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := otherEvents.Draw(t, "event")
		data, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(want.Key(), data)
		if err != nil {
			t.Fatalf("%+v reads back as %v", want, err)
		}
		again, err := Encode(got)
		if err != nil || string(again) != string(data) || reflect.TypeOf(got) != reflect.TypeOf(want) || got.Key() != want.Key() {
			t.Fatalf("%+v reads back as %+v", want, got)
		}
		if _, err := Decode(want.Key(), data[:len(data)-1]); err == nil {
			t.Fatalf("%+v without its last byte is taken", want)
		}
	})
}

func TestAnEmptyPayloadForgets(t *testing.T) {
	t.Parallel()
	for _, want := range []domain.Event{
		domain.OrderDeleted{Exchange: "kraken", ID: "a"}, domain.VenueDeleted{Name: "kraken"}, domain.SymbolDeleted{Exchange: "kraken", Name: "ETH/EUR"},
		domain.BotDeleted{Bot: "a", Feed: "f"}, domain.BotDeleted{Bot: "a"},
	} {
		data, err := Encode(want)
		if err != nil || len(data) != 0 {
			t.Fatalf("%+v: %v %v", want, data, err)
		}
		if got, err := Decode(want.Key(), nil); err != nil || got != want {
			t.Errorf("%+v reads back as %+v (%v)", want, got, err)
		}
	}
	for _, kind := range []domain.Kind{domain.KindBlock, domain.KindHalt, domain.KindOpeningRenewal} {
		if _, err := Decode(domain.Key{Kind: kind, Exchange: "kraken", Symbol: "ETH/EUR"}, nil); err == nil {
			t.Errorf("an empty %s is taken", kind)
		}
	}
}
