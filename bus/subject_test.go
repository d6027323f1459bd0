package bus_test

import (
	"errors"
	"hash/fnv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

func TestEscapedTokensAreAsDocumented(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"BTC/USDT": "BTC/USDT", "BTC/USDT:USDT": "BTC/USDT:USDT", "a.b": "a%2Eb", "*": "%2A", ">": "%3E", "100%": "100%25",
		"a b\tc\r\n": "a%20b%09c%0D%0A", "\x7f\x00": "%7F%00", "€": "€",
	} {
		if got := bus.EscapeToken(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got, err := bus.UnescapeToken(want); err != nil || got != text {
			t.Errorf("%q: %q %v, want %q", want, got, err, text)
		}
	}
}

// One market must have one subject, so a second spelling is refused.
func TestUnescapeTokenTakesOnlyWhatEscapeTokenGives(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "a.b", "*", ">", "a b", "%", "%4", "%4G", "%2e", "%41", "a%", "a%2", "%%25", "x\n"} {
		text, err := bus.UnescapeToken(token)
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%q became %q (%v)", token, text, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, text := range []string{"BTC/USDT", "a.b", "*", ">", "%", "%2E", "%2e", "\x00\xff é\n", "%4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text != "" {
			token := bus.EscapeToken(text)
			if token == "" || strings.ContainsAny(token, ".*> \t\r\n\x00") {
				t.Fatalf("%q became %q, which is not one token", text, token)
			}
			if got, err := bus.UnescapeToken(token); err != nil || got != text {
				t.Fatalf("%q became %q, then %q (%v)", text, token, got, err)
			}
		}
		// And as a token.
		if got, err := bus.UnescapeToken(text); err == nil && bus.EscapeToken(got) != text {
			t.Fatalf("%q became %q, which escapes to %q", text, got, bus.EscapeToken(got))
		}
	})
}

var keys = rapid.Custom(func(t *rapid.T) domain.Key {
	key := domain.Key{
		Kind:     rapid.SampledFrom([]domain.Kind{domain.KindTick, domain.KindTrade, domain.KindGap, domain.KindCandle}).Draw(t, "kind"),
		Exchange: rapid.StringMatching(`[a-z0-9_-]{1,20}`).Draw(t, "exchange"),
		Symbol:   rapid.StringMatching(`[!-.0-9;-~]{1,20}/[!-.0-9;-~]{1,10}(:[!-~]{1,10})?`).Draw(t, "symbol"),
	}
	if key.Kind == domain.KindCandle {
		key.Timeframe = rapid.SampledFrom(domain.Timeframes).Draw(t, "timeframe")
	}
	return key
})

func TestParseSubjectIsTheInverseOfAddress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		layout := bus.Layout{Ticks: rapid.IntRange(1, 256).Draw(t, "ticks"), Trades: rapid.IntRange(1, 256).Draw(t, "trades"), Accounts: 1}
		want := keys.Draw(t, "key")
		address, err := layout.Address(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bus.ParseSubject(address.Subject)
		if err != nil || got != want {
			t.Fatalf("%+v is at %s, which is %+v (%v)", want, address.Subject, got, err)
		}
		stream := layout.TradeStreamOf(want.Exchange, want.Symbol)
		if want.Kind == domain.KindTick {
			stream = layout.TickStreamOf(want.Exchange, want.Symbol)
		}
		if address.Stream != stream {
			t.Fatalf("%+v goes to %s, its market to %s", want, address.Stream, stream)
		}
	})
}

func TestAFeedGoesToEveryPartitionOfTicks(t *testing.T) {
	t.Parallel()
	layout := bus.Layout{Ticks: 3, Trades: 1}
	for p, a := range layout.FeedAddresses("binance") {
		key, err := bus.ParseSubject(a.Subject)
		if err != nil || key != (domain.Key{Kind: domain.KindFeed, Exchange: "binance"}) || a.Stream != bus.TickStream(p) {
			t.Errorf("%+v is %+v (%v)", a, key, err)
		}
	}
	if _, err := layout.Address(domain.Key{Kind: domain.KindFeed, Exchange: "binance"}); !errors.Is(err, domain.ErrInvalid) {
		t.Fatalf("a feed has one address: %v", err)
	}
}

func TestParseSubjectRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{
		"", "tick", "tick.0", "tick.0.binance", "tick.0.binance.BTC/USDT.x", "order.0.binance.BTC/USDT", "tick.x.binance.BTC/USDT",
		"tick.-1.binance.BTC/USDT", "tick.99999999.binance.BTC/USDT", "tick.0.Binance.BTC/USDT", "tick.0.binance.BTCUSDT",
		"tick.0.binance.BTC%2FUSDT", "tick.0..BTC/USDT", "feed.0.binance.BTC/USDT", "candle.0.binance.BTC/USDT",
		"candle.0.binance.BTC/USDT.2m", "trade.0.binance.", "TICK.0.binance.BTC/USDT",
	} {
		if key, err := bus.ParseSubject(subject); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%q is %+v (%v)", subject, key, err)
		}
	}
}

// The vectors are for producers in other languages: FNV-1a-32 of
// <exchange><symbol>, both escaped, modulo the partition count.
func TestPartitionVectors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exchange, symbol string
		hash             uint32
		of4, of7, of256  int
	}{
		{"binance", "BTC/USDT", 1031742677, 1, 0, 213},
		{"binance", "BTC/USDT:USDT", 1875884129, 1, 0, 97},
		{"kraken", "ETH/EUR", 3042808357, 1, 1, 37},
		{"bybit", "1000SHIB/USDT", 1486456167, 3, 0, 103},
		{"coinbase", "A.B/USD", 3714306155, 3, 0, 107},
	} {
		exchange, symbol := bus.EscapeToken(c.exchange), bus.EscapeToken(c.symbol)
		h := fnv.New32a()
		_, _ = h.Write([]byte(exchange + symbol))
		if h.Sum32() != c.hash {
			t.Errorf("%s %s: the vector is wrong, the hash is %d", c.exchange, c.symbol, h.Sum32())
		}
		for count, want := range map[int]int{1: 0, 4: c.of4, 7: c.of7, 256: c.of256} {
			if got := bus.Partition(count, exchange, symbol); got != want {
				t.Errorf("%s %s of %d: %d, want %d", c.exchange, c.symbol, count, got, want)
			}
		}
	}
}

func TestLayoutBoundsAndDefaults(t *testing.T) {
	t.Parallel()
	if got := (bus.Layout{}).WithDefaults(); got != (bus.Layout{Ticks: bus.DefaultPartitions, Trades: bus.DefaultPartitions, Accounts: bus.DefaultPartitions}) {
		t.Fatalf("%+v", got)
	}
	for _, l := range []bus.Layout{{Ticks: 0, Trades: 1, Accounts: 1}, {Ticks: 1, Trades: 0, Accounts: 1}, {Ticks: -1, Trades: 1, Accounts: 1}, {Ticks: 1, Trades: 257, Accounts: 1}, {Ticks: 1, Trades: 1, Accounts: 0}} {
		if err := l.Validate(); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	if err := (bus.Layout{Ticks: 1, Trades: 256, Accounts: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
