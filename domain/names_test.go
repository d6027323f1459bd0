package domain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func TestTimeframesStartAtMultiplesFromMidnightUTC(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 8, 9, 13, 47, 31, 5, time.FixedZone("east", 2*3600)) // 11:47:31 UTC
	for tf, want := range map[domain.Timeframe]string{
		"1m": "11:47", "5m": "11:45", "15m": "11:45", "30m": "11:30", "1h": "11:00", "4h": "08:00", "1d": "00:00",
	} {
		start := tf.Start(at)
		if got := start.Format("15:04"); got != want || start.Location() != time.UTC || start.Second() != 0 {
			t.Errorf("%s begins at %v, want %s", tf, start, want)
		}
		if !tf.Start(start).Equal(start) || start.Unix()%int64(tf.Duration()/time.Second) != 0 {
			t.Errorf("%s: %v is no beginning", tf, start)
		}
	}
}

func TestParseTimeframeListsWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, tf := range domain.Timeframes {
		if got, err := domain.ParseTimeframe(string(tf)); err != nil || got != tf || tf.Duration() == 0 {
			t.Errorf("%s: %v %v", tf, got, err)
		}
	}
	_, err := domain.ParseTimeframe("2m")
	wantField(t, err, "timeframe")
	if !strings.Contains(err.Error(), "1m, 5m, 15m, 30m, 1h, 4h, 1d") {
		t.Fatalf("the error lists nothing: %v", err)
	}
	if domain.Timeframe("2m").Duration() != 0 {
		t.Fatal("an unsupported timeframe has a length")
	}
}

func TestSymbolsAreTakenApartAndJoinedAgain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"BTC/USDT", "BTC/USDT:USDT", "1000SHIB/USDT", "BTC/USD:BTC-240927", "ÉTH/€"} {
		base, quote, settle, err := domain.SplitSymbol(name)
		if err != nil || domain.SymbolName(base, quote, settle) != name || domain.CheckSymbol(name) != nil {
			t.Errorf("%s: %q %q %q %v", name, base, quote, settle, err)
		}
	}
	for _, name := range []string{"", "BTC", "/", "BTC/", "/USDT", "BTC/USDT/EUR", "BTC/USDT:", ":BTC/USDT", "BTC /USDT", "BTC/USDT\n", "A/" + strings.Repeat("B", 63)} {
		wantField(t, domain.CheckSymbol(name), "symbol")
	}
}

func TestSidesAndStatesHaveNames(t *testing.T) {
	t.Parallel()
	for _, side := range []domain.Side{domain.Buy, domain.Sell} {
		if got, err := domain.ParseSide(side.String()); err != nil || got != side {
			t.Errorf("%v: %v %v", side, got, err)
		}
	}
	_, err := domain.ParseSide("BUY")
	wantField(t, err, "side")
	for got, want := range map[string]string{
		domain.Side(0).String(): "unknown", domain.FeedLive.String(): "live", domain.FeedSilent.String(): "silent",
		domain.FeedStopped.String(): "stopped", domain.FromTrades.String(): "trades", domain.FromVenue.String(): "venue",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestKeysNameWhatAnEventIsAbout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event domain.Event
		want  domain.Key
	}{
		{domain.Tick{Exchange: "a", Symbol: "B/C"}, domain.Key{Kind: domain.KindTick, Exchange: "a", Symbol: "B/C"}},
		{domain.TickDeleted{Exchange: "a", Symbol: "B/C"}, domain.Key{Kind: domain.KindTick, Exchange: "a", Symbol: "B/C"}},
		{domain.Feed{Exchange: "a"}, domain.Key{Kind: domain.KindFeed, Exchange: "a"}},
		{domain.Trade{Exchange: "a", Symbol: "B/C"}, domain.Key{Kind: domain.KindTrade, Exchange: "a", Symbol: "B/C"}},
		{domain.Gap{Exchange: "a", Symbol: "B/C"}, domain.Key{Kind: domain.KindGap, Exchange: "a", Symbol: "B/C"}},
		{domain.Candle{Exchange: "a", Symbol: "B/C", Timeframe: "1h"}, domain.Key{Kind: domain.KindCandle, Exchange: "a", Symbol: "B/C", Timeframe: "1h"}},
	} {
		if got := c.event.Key(); got != c.want {
			t.Errorf("%T: %+v, want %+v", c.event, got, c.want)
		}
	}
}

func TestCostIsExact(t *testing.T) {
	t.Parallel()
	trade := domain.Trade{Price: dec("0.1"), Volume: dec("0.2")}
	if got := trade.Cost().String(); got != "0.02" {
		t.Fatalf("0.1 × 0.2 = %s", got)
	}
}

func TestFieldErrorsSayFieldValueAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	err := domain.Invalid("side", "BUY", "buy or sell")
	if got, want := err.Error(), `side: "BUY" is not allowed: want buy or sell`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if !errors.Is(err, domain.ErrInvalid) || errors.Is(err, domain.ErrUnknown) {
		t.Fatal("a FieldError matches ErrInvalid and nothing else")
	}
	// A value of any length or content makes one short, printable line.
	long := domain.Invalid("symbol", strings.Repeat("é", 100)+"\n", "less").Error()
	if len(long) > 200 || strings.ContainsAny(long, "\n\ufffd") {
		t.Fatalf("%d bytes: %q", len(long), long)
	}
}
