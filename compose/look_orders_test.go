package compose

import (
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestOrdersCanBePushedFollowedAndCanceledFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	for _, args := range []string{"order get sim a", "order list sim", "order cancel sim a", "order delete sim a", "order list nowhere", "deadletter drop sim a"} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitNotFound, "not found")
	}
	const orderKeys = "client_order_id exchange symbol account bot side type time_in_force volume price stop_price reduce_only expires status reason " +
		"cancel_requested dead filled average_price venue_order_id venue_time created updated attempt worker deadline token first sequence"
	const decimals = "volume price stop_price filled average_price"
	for _, c := range []struct{ args, keys, decimals, want string }{
		{"order push sim BTC/USDT buy 0.5 --price 60000.1 --account 1001 --bot grid --id a", orderKeys, decimals, `"type":"limit"`},
		{"order push sim BTC/USDT buy 0.5 --price 60000.1 --account 1001 --bot grid --id a", orderKeys, decimals, `"status":"new"`},
		{"order push sim ETH/USDT sell 2 --account 1001 --bot trend --reduce-only --expires 1m --time-in-force ioc", orderKeys, decimals, `"time_in_force":"ioc"`},
		{"order get sim a", orderKeys, decimals, `"price":"60000.1"`},
		{"order list sim --bot grid --status new,cancelled", orderKeys, decimals, `"client_order_id":"a"`},
		{"queue sim", "symbol waiting head leased worker until delayed", "", `"head":"a"`},
		{"order cancel sim a", orderKeys, decimals, `"status":"canceled"`},
		{"order delete sim a", "client_order_id exchange deleted", "", `"deleted":true`},
	} {
		args := strings.Fields(c.args)
		at := 2
		if args[0] == "queue" {
			at = 1
		}
		args = append(args[:at:at], append([]string{"--json"}, args[at:]...)...)
		r := u.run("fullon", args...)
		first, _, _ := strings.Cut(r.stdout, "\n")
		if r.code != ExitOK || !strings.Contains(first, c.want) {
			t.Errorf("%s: %d %s %s", c.args, r.code, r.stdout, r.stderr)
			continue
		}
		object, names := keys(t, first)
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
	watch := u.start("fullon", "order", "watch", "sim", "--bot", "grid", "--json")
	u.run("fullon", strings.Fields("order push sim SOL/USDT buy 1 --account 1001 --bot grid --id b")...)
	watch.says(`"client_order_id":"b"`)
	if r := u.run("fullon", "order", "list", "sim"); r.code != ExitOK || !strings.Contains(r.stdout, "SOL/USDT") || !strings.Contains(r.stdout, "STATUS") {
		t.Errorf("%d %s %s", r.code, r.stdout, r.stderr)
	}
	if r := u.run("fullon", "deadletter", "list", "sim"); r.code != ExitOK || r.stdout != "" || !strings.Contains(r.stderr, "no dead letters") {
		t.Errorf("%d %s %s", r.code, r.stdout, r.stderr)
	}
	u.run("fullon", "deadletter", "drop", "sim", "b").complains(t, ExitFailed, "no dead letter")
	u.run("fullon", strings.Fields("order push sim SOL/USDT buy 2 --account 1001 --bot grid --id b")...).complains(t, ExitUsage, "volume")
	for args, want := range map[string]string{
		"order get sim a.b": "letters, digits", "order push sim BTCUSDT buy 1 --account 1 --bot b": "a unified symbol",
		"order push sim BTC/USDT hold 1 --account 1 --bot b": "buy or sell", "order push sim BTC/USDT buy 0 --account 1 --bot b": "more than zero",
		"order push sim BTC/USDT buy 1 --bot b":                          "account",
		"order push sim BTC/USDT buy 1 --account 1 --bot b --type fast":  "market, limit, stop or stop_limit",
		"order push sim BTC/USDT buy 1 --account 1 --bot b --type limit": "price", "order list sim --status done": "filled",
		"order list sim --limit 0": "limit", "queue SIM": "lower-case",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitUsage, want)
	}
}
