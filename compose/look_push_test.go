package compose

import (
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestTradesCandlesAndFillsCanBeSetFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	const fillKeys = "account exchange symbol trade_id order_id client_order_id side price volume cost fee fee_currency maker time sequence"
	const tradeDecimals, candleDecimals, fillDecimals = "price volume cost", "open high low close volume", "price volume cost fee"
	const at = " --time 2026-01-31T15:00:00Z"
	for _, c := range []struct{ args, keys, decimals, want string }{
		{"set trade kraken BTC/USDT --id 7 --side sell --price 50000.10 --volume 0.5" + at, tradeKeys, tradeDecimals, `"cost":"25000.05"`},
		// An id that is there already stays as it is.
		{"set trade kraken BTC/USDT --id 7 --side buy --price 1 --volume 1" + at, tradeKeys, tradeDecimals, `"side":"sell","price":"50000.1"`},
		{"get trades kraken BTC/USDT", tradeKeys, tradeDecimals, `"trade_id":"7"`},
		{"set candle kraken BTC/USDT 1h --open 1 --high 4 --low 0.5 --close 2 --volume 0" + at, candleKeys, candleDecimals, `"close":"2","volume":"0","trades":0,"source":"venue","closed":false`},
		{"set candle kraken BTC/USDT 1h --open 1 --high 4 --low 0.5 --close 3 --volume 9 --closed" + at, candleKeys, candleDecimals, `"close":"3"`},
		{"get candles kraken BTC/USDT 1h", candleKeys, candleDecimals, `"time":"2026-01-31T15:00:00Z"`},
		{"set candle kraken ETH/USDT 1d --open 1 --high 1 --low 1 --close 1 --volume 1", candleKeys, candleDecimals, `"timeframe":"1d"`},
		{"set fill 1001 kraken BTC/USDT --id 9 --side buy --price 50000 --volume 0.1 --fee=-0.5 --fee-currency USDT --maker --order-id O-1 --client-order-id a", fillKeys, fillDecimals, `"fee":"-0.5","fee_currency":"USDT","maker":true`},
		{"get fills 1001 kraken", fillKeys, fillDecimals, `"client_order_id":"a"`},
		{"get fills 1001", "account exchange kept waiting leased dropped last", "", `"waiting":1`},
	} {
		args := strings.Fields(c.args)
		args = append(args[:2:2], append([]string{"--json"}, args[2:]...)...)
		r := u.run("fullon", args...)
		if r.code != ExitOK || !strings.Contains(r.stdout, c.want) || strings.Count(r.stdout, "\n") != 1 {
			t.Errorf("%s: %d %s %s", c.args, r.code, r.stdout, r.stderr)
			continue
		}
		object, names := keys(t, strings.TrimSpace(r.stdout))
		if got, want := strings.Join(names, " "), strings.Join(sorted(c.keys), " "); got != want {
			t.Errorf("%s has %s, want %s", c.args, got, want)
		}
		for _, name := range strings.Fields(c.decimals) {
			text, ok := object[name].(string)
			if _, err := domain.ParseDecimal(name, text); !ok || err != nil {
				t.Errorf("%s: %s is %v, want a decimal as a string", c.args, name, object[name])
			}
		}
	}
	const candle = "set candle kraken BTC/USDT 1m --open 1 --high 2 --low 1 --close 1 --volume 1"
	// What is older than all that is kept would be stored for nobody.
	u.run("fullon", strings.Fields(candle)...)
	u.run("fullon", strings.Fields(candle+" --time 2001-01-01T00:00:00Z")...).complains(t, ExitNotFound, "only newer ones are kept")
	const trade = "set trade kraken BTC/USDT --id 8 --price 1 --volume 1"
	for args, want := range map[string]string{
		trade: "--side", trade + " --side hold": "buy or sell", trade + " --side buy --volume 0": "volume", trade + " --side buy --volume=-1": "-1",
		trade + " --side buy --time yesterday": "2026-01-31T15:04:05Z", trade + " --side buy --id=": "--id",
		candle + " --time 2026-01-31T15:00:30Z": "the beginning of a 1m bar", candle + " --low 3": "high", candle + " --close 1e5": "1e5",
		"set candle kraken BTC/USDT 2m --open 1 --high 2 --low 1 --close 1 --volume 1":               "one of 1m",
		"set fill a.b kraken BTC/USDT --id 9 --side buy --price 1 --volume 1":                        "letters, digits",
		"set fill 1001 kraken BTC/USDT --id 9 --side buy --price 1 --volume 1 --fee-currency A/B":    "without / and :",
		"set fill 1001 kraken BTC/USDT --id 9 --side buy --price 1 --volume 1 --client-order-id a.b": "letters, digits",
		"set fill 1001 kraken BTCUSDT --id 9 --side buy --price 1 --volume 1":                        "a unified symbol",
		"set fill 1001 Kraken BTC/USDT --id 9 --side buy --price 1 --volume 1":                       "lower-case",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitUsage, want)
	}
}

func TestSymbolsCanBeWatchedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	u.run("fullon", "set", "symbol", "kraken", "BTC/USDT")
	watch, table := u.start("fullon", "watch", "symbols", "kraken", "--json"), u.start("fullon", "watch", "symbols", "kraken")
	watch.says(`{"event":"symbol","value":{"exchange":"kraken","symbol":"BTC/USDT","venue_symbol":"BTCUSDT"`)
	table.says("BTC/USDT  BTCUSDT")
	u.run("fullon", "set", "symbol", "kraken", "BTC/USDT", "--tick-size", "0.1")
	watch.says(`"tick_size":"0.1"`)
	u.run("fullon", "delete", "symbol", "kraken", "BTC/USDT")
	watch.says(`{"event":"symbol_deleted","value":{"exchange":"kraken","symbol":"BTC/USDT"}}`)
	table.says("BTC/USDT  deleted")
	if r, _ := watch.interrupt(); r.code != ExitOK || r.stderr != "" {
		t.Errorf("after Ctrl-C: %d %s", r.code, r.stderr)
	}
	u.run("fullon", "watch", "symbols", "Kraken").complains(t, ExitUsage, "lower-case")
}
