package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every wrong setting of the worker is one line that names it, and no line shows
// a key.
func TestAnOrderWorkerTellsWhatIsWrongWithItsSettings(t *testing.T) {
	t.Parallel()
	const key = "very-secret-key"
	ready := []string{"FULLON_ORDER_EXCHANGE=binance", "FULLON_ORDER_ACCOUNTS=1001"}
	binance := append([]string{"FULLON_ORDER_VENUE=binance", "BINANCE_API_KEY=" + key}, ready...)
	const file = "/nonexistent"
	for want, env := range map[string][]string{
		`FULLON_ORDER_EXCHANGE (--order-exchange): "" is not allowed`:          {},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "" is not allowed`:          {"FULLON_ORDER_EXCHANGE=binance"},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "a b" is not allowed`:       {"FULLON_ORDER_ACCOUNTS=a b"},
		`FULLON_ORDER_ACCOUNTS (--order-accounts): "1001,1002" is not allowed`: append(binance, "FULLON_ORDER_ACCOUNTS=1001,1002"),
		`BINANCE_API_SECRET: "" is not allowed`:                                binance,
		`BINANCE_API_SECRET_FILE: "` + file + `" is not allowed`:               append(binance, "BINANCE_API_SECRET_FILE="+file),
		`BINANCE_STREAM_URL (--binance-stream-url): "x" is not allowed`:        append(binance, "BINANCE_STREAM_URL=x"),
		`FULLON_ORDER_RATE (--order-rate): "-1" is not allowed`:                append(ready, "FULLON_ORDER_RATE=-1"),
		`FULLON_ORDER_LEASE (--order-lease): "0s" is not allowed`:              append(ready, "FULLON_ORDER_LEASE=0s"),
		`FULLON_PRICE_BAND (--price-band): "5%" is not allowed`:                append(ready, "FULLON_PRICE_BAND=5%"),
		`FULLON_PAPER_URL (--paper-url): "ftp://127.0.0.1" is not allowed`:     append(ready, "FULLON_PAPER_URL=ftp://127.0.0.1"),
	} {
		r := newUser(t, env...).run("orderworker")
		r.complains(t, ExitUsage, want)
		if strings.Contains(r.stderr, key) {
			t.Errorf("a key is shown: %s", r.stderr)
		}
	}
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
