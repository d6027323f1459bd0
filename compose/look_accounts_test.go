package compose

import (
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestAccountsCanBeSetReadAndDeletedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	// Nobody has said anything yet, which is not flat.
	for _, args := range []string{"get balances 1001", "get positions 1001", "get positions 1001 BTC/USDT", "get portfolio 1001", "get fills 1001 sim", "get fills 1001", "get accounts", "delete position 1001 BTC/USDT"} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitNotFound, "not found")
	}
	const balanceKeys = "account currency total free used time sequence"
	const positionKeys = "account symbol exchange volume price cost fee realised flat time sequence"
	if r := u.run("fullon", "get", "differences", "1001"); r.code != ExitOK || !strings.Contains(r.stderr, "none: ") {
		t.Errorf("differences: %+v", r)
	}
	for _, c := range []struct {
		args     string
		keys     string
		decimals string
		want     string
	}{
		{"set balance 1001 BTC 1.5 --used 0.3", balanceKeys, "total free used", `"free":"1.2"`},
		{"set balance 1001 USDT -- -100.25", balanceKeys, "total free used", `"total":"-100.25"`},
		{"get balances 1001 BTC", balanceKeys, "total free used", `"total":"1.5"`},
		{"set position 1001 BTC/USDT 0.5 --price 50000 --fee=-1.5", positionKeys, "volume price cost fee realised", `"cost":"25000"`},
		{"set position 1001 ETH/USDT:USDT 2 --short --exchange sim", positionKeys, "volume price cost fee realised", `"volume":"-2"`},
		{"get positions 1001 BTC/USDT", positionKeys, "volume price cost fee realised", `"fee":"-1.5"`},
		{"delete position 1001 BTC/USDT", positionKeys, "volume price cost fee realised", `"flat":true`},
		{"get positions 1001", positionKeys, "volume price cost fee realised", `"symbol":"ETH/USDT:USDT"`},
		{"get portfolio 1001", "account quote total complete stale unvalued holdings positions positions_known", "total", `"complete":true`},
		{"get accounts", "account", "", `{"account":"1001"}`},
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
	watch := u.start("fullon", "watch", "account", "1001", "--json")
	watch.says(`{"event":"balance","value":{"account":"1001","currency":"BTC"`)
	watch.says(`{"event":"position","value":{"account":"1001","symbol":"ETH/USDT:USDT"`)
	u.run("fullon", "delete", "position", "1001", "ETH/USDT:USDT")
	watch.says(`{"event":"position_deleted"`)
	if r := u.run("fullon", "get", "positions", "1001"); r.code != ExitOK {
		t.Errorf("a flat account: %d %s", r.code, r.stderr)
	}
	for args, want := range map[string]string{
		"get balances a.b": "letters, digits", "set balance 1001 BTC/USDT 1": "without / and :", "set position 1001 BTC 1": "a unified symbol",
		"set balance 1001 BTC 1e5": "1e5", "set balance 1001 BTC 1 --used=-1": "-1", "get fills 1001 sim --limit 0": "limit",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitUsage, want)
	}
}
