package compose

import (
	"fmt"
	"strings"
	"testing"
)

func TestSymbolsCanBeSubscribedAndUnsubscribedWhileRunning(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	up := u.up("--symbols", "BTC/USDT,ETH/USDT", "--no-paper")
	shows := func(want string, args ...string) {
		t.Helper()
		r := u.run("fullon", args...)
		if r.code != ExitOK || !strings.Contains(r.stdout, want) {
			t.Fatalf("%v: %+v, want %s", args, r, want)
		}
	}
	ticks := func(symbol string, want int) {
		t.Helper()
		eventually(t, func() error {
			if r := u.run("fullon", "get", "ticker", "sim", symbol); r.code != want {
				return fmt.Errorf("%s: %+v", symbol, r)
			}
			return nil
		})
	}
	shows(`"standby":[],"symbols":["BTC/USDT","ETH/USDT"]}`, "venue", "list", "--json")
	shows("SYMBOLS", "venue", "list")
	for _, c := range []struct{ args, part string }{
		{"venue subscribe sim NONE/USDT", `symbol: "NONE/USDT" is not allowed: want symbols of the simulated venue: BTC/USDT`},
		{"venue subscribe kraken BTC/USD:USD", `"BTC/USD:USD" is not allowed: want spot symbols`},
		{"venue subscribe nowhere BTC/USDT", `"nowhere" is not allowed: want sim or binance`},
		{"venue subscribe sim BTCUSDT", `"BTCUSDT" is not allowed: want a unified symbol`},
		{"venue unsubscribe sim SOL/USDT", `symbol: "SOL/USDT" is not allowed: want one that is followed: BTC/USDT, ETH/USDT`},
		{"venue unsubscribe sim BTC/USDT ETH/USDT", "to follow nothing, stop the ingest of sim"},
	} {
		u.run("fullon", strings.Fields(c.args)...).complains(t, ExitUsage, c.part)
	}
	ticks("SOL/USDT", ExitNotFound)
	shows("BTC/USDT,ETH/USDT,SOL/USDT", "venue", "subscribe", "sim", "SOL/USDT", "BTC/USDT")
	ticks("SOL/USDT", ExitOK)
	shows("BTC/USDT,SOL/USDT", "venue", "unsubscribe", "sim", "ETH/USDT")
	ticks("ETH/USDT", ExitNotFound)
	ticks("BTC/USDT", ExitOK)
	if r := u.run("fullon", "status"); !strings.Contains(r.stderr, "sim: ") || !strings.Contains(r.stderr, " follows it") {
		t.Errorf("status: %+v", r)
	}

	// What was changed stays, until the setting says something else.
	up.interrupt()
	up = u.up("--symbols", "BTC/USDT,ETH/USDT", "--no-paper")
	shows(`"symbols":["BTC/USDT","SOL/USDT"]`, "venue", "list", "--json")
	up.interrupt()
	up = u.up("--symbols", "BTC/USDT,XRP/USDT", "--no-paper")
	shows(`"symbols":["BTC/USDT","XRP/USDT"]`, "venue", "list", "--json")
	up.interrupt()
}
