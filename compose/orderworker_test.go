package compose

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
)

// Every wrong setting of the worker is one line that names it, and no line shows
// a key.
func TestAnOrderWorkerTellsWhatIsWrongWithItsSettings(t *testing.T) {
	t.Parallel()
	const key = "very-secret-key"
	ready := []string{"FULLON_ORDER_EXCHANGE=binance", "FULLON_ORDER_ACCOUNTS=1001"}
	binance := append([]string{"FULLON_ORDER_VENUE=binance", "BINANCE_API_KEY=" + key}, ready...)
	kraken := slices.Clip(append([]string{"FULLON_ORDER_VENUE=kraken", "FULLON_ORDER_TIMEOUT=5s", "KRAKEN_API_SECRET=" + key}, ready...))
	okx := slices.Clip(append([]string{"FULLON_ORDER_VENUE=okx", "OKX_API_KEY=" + key}, ready...))
	okxSecret := slices.Clip(append(okx, "OKX_API_SECRET="+key))
	bybit := slices.Clip(append([]string{"FULLON_ORDER_VENUE=bybit", "BYBIT_API_KEY=" + key}, ready...))
	withMoney := slices.Clip(append(kraken, "KRAKEN_REAL=true"))
	futures := slices.Clip(append([]string{"BINANCE_FUTURES_ACCOUNT=1002"}, append(binance, "BINANCE_API_SECRET="+key)...))
	twoAccounts := slices.Clip(append(futures, "FULLON_ORDER_ACCOUNTS=1001,1002"))
	coinbase := slices.Clip(append([]string{"FULLON_ORDER_VENUE=coinbase", "COINBASE_API_KEY=" + key}, ready...))
	const file = "/nonexistent"
	for want, env := range map[string][]string{
		`FULLON_ORDER_EXCHANGE (--order-exchange): "" is not allowed`:                                                   {},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "" is not allowed`:                                                   {"FULLON_ORDER_EXCHANGE=binance"},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "a b" is not allowed`:                                                {"FULLON_ORDER_ACCOUNTS=a b"},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "1001,1002" is not allowed`:                                          append(binance, "FULLON_ORDER_ACCOUNTS=1001,1002"),
		`BINANCE_API_SECRET: "" is not allowed`:                                                                         binance,
		`BINANCE_API_SECRET_FILE: "` + file + `" is not allowed`:                                                        append(binance, "BINANCE_API_SECRET_FILE="+file),
		`BINANCE_STREAM_URL (--binance-stream-url): "x" is not allowed`:                                                 append(binance, "BINANCE_STREAM_URL=x"),
		`BINANCE_API_URL (--binance-api-url): "x" is not allowed`:                                                       append(binance, "BINANCE_API_URL=x"),
		`BINANCE_FUTURES_ACCOUNT (--binance-futures-account): "1002" is not allowed: want one of FULLON_ORDER_ACCOUNTS`: futures,
		`BINANCE_FUTURES_API_KEY: "" is not allowed`:                                                                    twoAccounts,
		`BINANCE_FUTURES_API_SECRET_FILE: "` + file + `" is not allowed`: append(twoAccounts, "BINANCE_FUTURES_API_KEY="+key,
			"BINANCE_FUTURES_API_SECRET_FILE="+file),
		`BINANCE_FUTURES_API_URL (--binance-futures-api-url): "x" is not allowed`:       append(twoAccounts, "BINANCE_FUTURES_API_URL=x"),
		`BINANCE_FUTURES_STREAM_URL (--binance-futures-stream-url): "x" is not allowed`: append(twoAccounts, "BINANCE_FUTURES_STREAM_URL=x"),
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "1001,1002,1003" is not allowed: want one account, and one for futures`: append(twoAccounts,
			"FULLON_ORDER_ACCOUNTS=1001,1002,1003"),
		`BYBIT_API_SECRET: "" is not allowed`:                                                                                 bybit,
		`BYBIT_API_SECRET_FILE: "` + file + `" is not allowed`:                                                                append(bybit, "BYBIT_API_SECRET_FILE="+file),
		`BYBIT_API_URL (--bybit-api-url): "x" is not allowed`:                                                                 append(bybit, "BYBIT_API_URL=x"),
		`BYBIT_STREAM_URL (--bybit-stream-url): "http://x" is not allowed`:                                                    append(bybit, "BYBIT_STREAM_URL=http://x"),
		`KRAKEN_REAL (--kraken-real): "false" is not allowed: want true to trade with real money: kraken has no test network`: kraken,
		`KRAKEN_REAL (--kraken-real): "false" is not allowed: want true`:                                                      append(kraken, "KRAKEN_API_URL=http://127.0.0.1:1"),
		`KRAKEN_API_KEY: "" is not allowed`:                                                                                   withMoney,
		`KRAKEN_API_KEY_FILE: "` + file + `" is not allowed`: append(kraken, "KRAKEN_API_KEY_FILE="+file,
			"KRAKEN_API_URL=http://127.0.0.1:1", "KRAKEN_STREAM_URL=ws://127.0.0.1:1"),
		`KRAKEN_API_URL (--kraken-api-url): "x" is not allowed`:                                                                     append(kraken, "KRAKEN_API_URL=x"),
		`KRAKEN_STREAM_URL (--kraken-stream-url): "http://x" is not allowed`:                                                        append(kraken, "KRAKEN_STREAM_URL=http://x"),
		`FULLON_ORDER_TIMEOUT (--order-timeout): "3s" is not allowed: want 4s or more for kraken`:                                   append(withMoney, "FULLON_ORDER_TIMEOUT=3s"),
		`FULLON_ORDER_VENUE (--order-venue): "okex" is not allowed: want paper or binance or bybit or coinbase or kraken or okx`:    append(ready, "FULLON_ORDER_VENUE=okex"),
		`OKX_API_SECRET: "" is not allowed`:                                                                                         okx,
		`OKX_API_PASSPHRASE: "" is not allowed`:                                                                                     okxSecret,
		`OKX_API_PASSPHRASE_FILE: "` + file + `" is not allowed`:                                                                    append(okxSecret, "OKX_API_PASSPHRASE_FILE="+file),
		`OKX_MARGIN (--okx-margin): "both" is not allowed: want cross or isolated`:                                                  append(okxSecret, "OKX_MARGIN=both"),
		`OKX_API_URL (--okx-api-url): "x" is not allowed`:                                                                           append(okx, "OKX_API_URL=x"),
		`OKX_STREAM_URL (--okx-stream-url): "x" is not allowed`:                                                                     append(okx, "OKX_STREAM_URL=x"),
		`FULLON_ORDER_RATE (--order-rate): "-1" is not allowed`:                                                                     append(ready, "FULLON_ORDER_RATE=-1"),
		`FULLON_ORDER_LEASE (--order-lease): "0s" is not allowed`:                                                                   append(ready, "FULLON_ORDER_LEASE=0s"),
		`FULLON_PRICE_BAND (--price-band): "5%" is not allowed`:                                                                     append(ready, "FULLON_PRICE_BAND=5%"),
		`FULLON_PAPER_URL (--paper-url): "ftp://127.0.0.1" is not allowed`:                                                          append(ready, "FULLON_PAPER_URL=ftp://127.0.0.1"),
		`COINBASE_REAL (--coinbase-real): "false" is not allowed: want true to trade with real money: coinbase has no test network`: coinbase,
		`COINBASE_REAL (--coinbase-real): "false" is not allowed: want true to trade`:                                               append(coinbase, "COINBASE_API_URL=https://api-sandbox.coinbase.com"),
		`COINBASE_API_SECRET: "" is not allowed`:                                                                                    append(coinbase, "COINBASE_REAL=true"),
		`COINBASE_API_SECRET_FILE: "` + file + `" is not allowed`:                                                                   append(coinbase, "COINBASE_REAL=true", "COINBASE_API_SECRET_FILE="+file),
		`COINBASE_API_URL (--coinbase-api-url): "x" is not allowed`:                                                                 append(coinbase, "COINBASE_API_URL=x"),
		`COINBASE_STREAM_URL (--coinbase-stream-url): "http://x" is not allowed`:                                                    append(coinbase, "COINBASE_STREAM_URL=http://x"),
		`FULLON_ORDER_TIMEOUT (--order-timeout): "2s" is not allowed: want 3s or more for coinbase`:                                 append(coinbase, "COINBASE_REAL=true", "FULLON_ORDER_TIMEOUT=2s"),
	} {
		r := newUser(t, env...).run("orderworker")
		r.complains(t, ExitUsage, want)
		if strings.Contains(r.stderr, key) {
			t.Errorf("a key is shown: %s", r.stderr)
		}
	}
	// An account for futures alone wants no other key.
	newUser(t, "FULLON_ORDER_EXCHANGE=binance", "FULLON_ORDER_VENUE=binance", "FULLON_ORDER_ACCOUNTS=1002", "BINANCE_FUTURES_ACCOUNT=1002",
		"BINANCE_FUTURES_API_KEY="+key, "BINANCE_FUTURES_API_SECRET="+key, "NATS_URL=nats://127.0.0.1:1").run("orderworker").
		complains(t, ExitUnreachable, "NATS at nats://127.0.0.1:1")
	// BINANCE_REAL is for Binance alone.
	newUser(t, append(kraken, "BINANCE_REAL=true")...).run("orderworker").complains(t, ExitUsage, "KRAKEN_REAL")
	// A file may hold the secret; then only the servers are missing.
	held := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(held, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newUser(t, append(binance, "BINANCE_API_SECRET_FILE="+held, "NATS_URL=nats://127.0.0.1:1")...).run("orderworker")
	r.complains(t, ExitUnreachable, "NATS at nats://127.0.0.1:1")
	if strings.Contains(r.stderr, key) {
		t.Errorf("a key is shown: %s", r.stderr)
	}
}

// ecKey is a key as Coinbase gives them.
func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// A venue that orders go to can be reached: it has settings, and a name of its
// own.
func TestEveryTradingVenueHasSettings(t *testing.T) {
	t.Parallel()
	var settings Trading
	seen := make(map[*Access]bool)
	secrets := map[string]string{"coinbase": ecKey(t)}
	for _, v := range tradingVenues {
		secret := cmp.Or(secrets[v.name], "c2VjcmV0")
		access := settings.of(v.name)
		if access == nil || seen[access] {
			t.Errorf("%s has no settings of its own", v.name)
		}
		seen[access] = true
		var venue OrderVenue
		if err := venue.UnmarshalText([]byte(v.name)); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		venues := []func(private.Config) (*private.Venue, error){v.new}
		if v.futures != nil {
			venues = append(venues, v.futures)
		}
		if access, _ := settings.futures(v.name); (access != nil) != (v.futures != nil) || seen[access] {
			t.Errorf("%s: the settings of accounts for futures are not their own", v.name)
		}
		for _, newVenue := range venues {
			cfg := private.Config{
				Account: "1001", Key: "a2V5", Secret: secret, Passphrase: "words", RESTURL: "http://127.0.0.1:1", StreamURL: "ws://127.0.0.1:1",
				Symbols: func() map[string]domain.Symbol { return nil },
			}
			made, err := newVenue(cfg)
			if err != nil {
				t.Errorf("%s: %v", v.name, err)
				continue
			}
			made.CloseIdle()
			cfg.RESTURL, cfg.StreamURL = "", ""
			if _, err = newVenue(cfg); (err == nil) != v.hasTest {
				t.Errorf("%s, without real trading: %v", v.name, err)
			}
		}
	}
}

// Orders of the account for futures go to futures, those of the other to spot.
func TestAnAccountForFuturesIsReachedAsOne(t *testing.T) {
	t.Parallel()
	c := Execution{Venue: "binance", Accounts: Accounts{"1001", "1002"}}
	c.Binance.FuturesAccount = "1002"
	spot := domain.Symbol{Exchange: "binance", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true}
	perpetual := spot
	perpetual.Name, perpetual.Settle = "BTC/USDT:USDT", "USDT"
	for account, want := range map[string]struct {
		access *Access
		refuse domain.Symbol
		reason string
	}{
		"1001": {&c.Binance.Access, perpetual, "no spot market"},
		"1002": {&c.Binance.Futures, spot, "a spot market"},
	} {
		r := c.route(account)
		made, err := r.new(private.Config{
			Account: account, Key: "a2V5", Secret: "c2VjcmV0", RESTURL: "http://127.0.0.1:1", StreamURL: "ws://127.0.0.1:1",
			Symbols: func() map[string]domain.Symbol { return map[string]domain.Symbol{want.refuse.Name: want.refuse} },
		})
		if err != nil || r.access != want.access {
			t.Errorf("%s: %v, with the settings of another account: %v", account, err, r.access != want.access)
			continue
		}
		o := executiontest.Order("binance", account, "o", domain.Buy, "1", "100")
		o.Symbol = want.refuse.Name
		if _, err := made.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), want.reason) {
			t.Errorf("%s: %v", account, err)
		}
		made.CloseIdle()
	}
}
