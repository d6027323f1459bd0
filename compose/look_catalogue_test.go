package compose

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// fieldsWithSpaces splits a command line at blanks, but not within quotes.
func fieldsWithSpaces(line string) []string {
	quoted := false
	fields := strings.FieldsFunc(line, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i := range fields {
		fields[i] = strings.ReplaceAll(fields[i], "'", "")
	}
	return fields
}

func TestTheCatalogueCanBeSetReadAndDeletedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	const venueKeys = "exchange title status params time sequence"
	const symbolKeys = "exchange symbol venue_symbol base quote settle tick_size lot_size min_volume min_notional trading sequence"
	const botKeys = "bot feed fields time sequence"
	const symbolDecimals = "tick_size lot_size min_volume min_notional"
	for _, args := range []string{
		"get symbols kraken", "get symbol kraken BTC/USDT", "get bots", "get bots grid-1", "delete venue kraken", "delete symbol kraken BTC/USDT",
		"delete bot grid-1", "get symbols kraken --venue-symbol XBTUSDT",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitNotFound, "not found")
	}
	// What the venue lists is there by itself.
	eventually(t, func() error {
		if r := u.run("fullon", "get", "symbols", "sim"); r.code != ExitOK || strings.Count(r.stdout, "\n") != 9 {
			return fmt.Errorf("%+v", r)
		}
		r := u.run("fullon", "get", "venues", "--json")
		if !strings.HasPrefix(r.stdout, `{"exchange":"sim","title":"","status":"open","params":{}`) {
			return errors.New(r.stdout + r.stderr)
		}
		return nil
	})
	for _, c := range []struct{ args, keys, decimals, want string }{
		{"get symbol sim ETH/BTC", symbolKeys, symbolDecimals, `"venue_symbol":"ETHBTC"`},
		{"get symbols sim --venue-symbol BTCUSDT", symbolKeys, symbolDecimals, `"symbol":"BTC/USDT"`},
		{"set venue kraken country=US,us 'note=a b' --status maintenance --title 'Kraken spot'", venueKeys, "", `"params":{"country":"US,us","note":"a b"}`},
		{"set symbol kraken BTC/USDT --venue-symbol XBTUSDT --tick-size 0.1 --min-notional 0.5", symbolKeys, symbolDecimals, `"tick_size":"0.1"`},
		{"set symbol kraken ETH/USDT:USDT --halted", symbolKeys, symbolDecimals, `"venue_symbol":"ETHUSDTUSDT"`},
		{"get symbol kraken ETH/USDT:USDT", symbolKeys, symbolDecimals, `"trading":false`},
		{"get symbols kraken --venue-symbol XBTUSDT", symbolKeys, symbolDecimals, `"min_notional":"0.5"`},
		{"delete symbol kraken ETH/USDT:USDT", "deleted", "", `{"deleted":1}`},
		{"get symbols kraken", symbolKeys, symbolDecimals, `"symbol":"BTC/USDT"`},
		{"delete venue kraken", "deleted", "", `{"deleted":2}`},
		{"set bot grid-1 BTC position=long size=0.5", botKeys, "", `"fields":{"position":"long","size":"0.5"}`},
		{"get bots", botKeys, "", `"bot":"grid-1"`},
		{"get bots grid-1", botKeys, "", `"feed":"BTC"`},
		{"delete bot grid-1 BTC", "deleted", "", `{"deleted":1}`},
	} {
		args := fieldsWithSpaces(c.args)
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
	u.run("fullon", "get", "symbols", "kraken").complains(t, ExitNotFound, "not found")
	if r := u.run("fullon", "get", "symbol", "sim", "BTC/USDT"); !strings.Contains(r.stdout, "BTC/USDT  BTCUSDT") {
		t.Errorf("table: %s", r.stdout)
	}
	for args, want := range map[string]string{
		"get symbols Sim": "lower-case", "get symbol sim BTC": "a unified symbol", "get bots a.b": "letters, digits",
		"get symbols sim --venue-symbol=": "venue-symbol", "set venue kraken --status up": "open, maintenance or closed",
		"set venue kraken country": "NAME=VALUE", "set symbol kraken BTC/USDT --tick-size=-1": "-1", "set bot grid-1 a/b x=y": "letters, digits",
		"set bot grid-1 f api_key=" + secret: "api_key", "set bot grid-1 f": "name=value", "delete bot grid-1 a.b": "letters, digits",
		"set symbol kraken BTC/USDT --lot-size 1e5": "1e5",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitUsage, want)
	}
}

// D43: get_config returned the password in clear.
func TestD43NothingThatIsPrintedHasThePassword(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	if err := server.Client(t).ConfigSet(t.Context(), "requirepass", secret).Err(); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	u := newUser(t, "REDIS_HOST="+host, "REDIS_PORT="+port, "REDIS_PASSWORD="+secret)
	up := u.up("--log-level=debug")
	// run fails when it sees the secret.
	for _, args := range []string{"status", "status --json", "get processes --json", "get health --json", "get venues --json", "get symbols sim --json", "up --help"} {
		if r := u.run("fullon", strings.Fields(args)...); r.code != ExitOK || r.stdout == "" {
			t.Errorf("%s: %+v", args, r)
		}
	}
	id, _, _ := strings.Cut(u.run("fullon", "get", "processes", "--json").stdout, "\n")
	object, _ := keys(t, id)
	if r := u.run("fullon", "get", "process", fmt.Sprint(object["id"])); r.code != ExitOK {
		t.Errorf("%+v", r)
	}
	up.interrupt()
}
