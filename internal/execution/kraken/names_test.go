package kraken

import (
	"crypto/rand"
	"strings"
	"testing"
)

func TestClientIDsAreWrittenAsTheVenueTakesThem(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"o-1":                                  "o-1",
		"eighteen-chars-abc":                   "eighteen-chars-abc",
		"nineteen-chars-abcd":                  "",
		"6d1b345e-2821-40e2-ad83-4ecb18a06876": "6d1b345e-2821-40e2-ad83-4ecb18a06876",
		"6D1B345E-2821-40E2-AD83-4ECB18A06876": "", // would come back in another case
		"6d1b345e-2821-40e2-ad83-4ecb18a0687x": "",
		"6d1b345e2821-40e2-ad83-4ecb18a-06876": "",
		"6d1b345e282140e2ad834ecb18a06876":     "", // would come back as one of NewOrderID
		"0000000000000000000000000V":           "", // has bits that no id has
		"00000000000000000000000004":           "00000000000000000000000000000001",
		"VVVVVVVVVVVVVVVVVVVVVVVVVS":           "ffffffffffffffffffffffffffffffff",
		"vvvvvvvvvvvvvvvvvvvvvvvvvs":           "",
	} {
		got, ok := clientID(id)
		if ok != (want != "") || ok && (got != want || ourID(got) != id) {
			t.Errorf("%s: %q, %v, and back %q", id, got, ok, ourID(got))
		}
	}
	for range 1000 {
		var raw [16]byte
		_, _ = rand.Read(raw[:])
		id := idEncoding.EncodeToString(raw[:]) // as client.NewOrderID makes one
		if text, ok := clientID(id); !ok || len(id) != 26 || len(text) != 32 || ourID(text) != id {
			t.Fatalf("%s: %q, %v", id, text, ok)
		}
	}
}

func TestAssetsHaveOurNames(t *testing.T) {
	t.Parallel()
	for asset, want := range map[string]string{
		"XXBT": "BTC", "XBT": "BTC", "XBT.F": "BTC.F", "ZUSD": "USD", "USD": "USD", "XETH": "ETH", "ETH": "ETH", "XXDG": "DOGE", "XDG": "DOGE",
		"ETH2.S": "ETH2.S", "XTZ": "XTZ", "ZRX": "ZRX", "USDT": "USDT", "XCN": "XCN", "ZEUX": "ZEUX", "XXLM": "XLM", "XZEC": "ZEC",
	} {
		if got := currency(asset); got != want {
			t.Errorf("%s: %s, want %s", asset, got, want)
		}
	}
}

func TestPairsHaveEachOfTheirNames(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string]string{
		"BTC/USD": "XBTUSD XXBTZUSD", "ETH/BTC": "ETHXBT XETHXXBT", "DOGE/USDT": "XDGUSDT", "BTC/USDT": "XBTUSDT", "ADX/USD": "ADXUSD",
	} {
		if got := strings.Join(aliases(symbol), " "); got != want {
			t.Errorf("%s: %s, want %s", symbol, got, want)
		}
	}
}
