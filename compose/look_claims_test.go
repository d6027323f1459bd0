package compose

import (
	"strings"
	"testing"
)

const (
	claimKeys = "kind exchange symbol bot account token granted expires exposed expired released sequence"
	haltKeys  = "exchange bot scope state reason time sequence"
)

func TestRightsToTradeCanBeHadFromTheCommandLine(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	u.up()
	// Free is known, and no error.
	for args, remark := range map[string]string{"blocks": "free", "opening list binance": "free", "halts": "active"} {
		if r := u.run("fullon", strings.Fields(args)...); r.code != ExitOK || r.stdout != "" || !strings.Contains(r.stderr, remark) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	u.run("fullon", "unblock", "binance", "BTC/USDT", "--bot=grid-1").complains(t, ExitNotFound, "nobody has it")
	u.run("fullon", "blocks", "nowhere").complains(t, ExitNotFound, "not found")
	watch := u.start("fullon", "watch", "blocks", "binance", "--json")
	for _, c := range []struct{ args, keys, want string }{
		{"block binance BTC/USDT --bot grid-1 --for 1h", claimKeys, `"bot":"grid-1"`},
		{"block binance BTC/USDT --bot grid-1 --for 2h", claimKeys, `"expired":false`},
		{"renew binance BTC/USDT --bot grid-1", claimKeys, `"released":false`},
		{"block kraken ETH/USDT --bot grid-2 --account 1001 --exposed --for 1h", claimKeys, `"account":"1001"`},
		{"blocks binance", claimKeys, `"symbol":"BTC/USDT"`},
		{"blocks kraken", claimKeys, `"exposed":true`},
		{"opening mark binance BTC/USDT --bot grid-2 --for 1h", claimKeys, `"kind":"opening"`},
		{"opening list", claimKeys, `"bot":"grid-2"`},
		{"opening unmark binance BTC/USDT --bot grid-2", claimKeys, `"released":true`},
		{"unblock binance BTC/USDT --bot grid-1", claimKeys, `"released":true`},
		{"halt binance --bot grid-1 --reason too.much", haltKeys, `"state":"halted","reason":"too.much"`},
		{"resume binance --bot grid-1", "", ""},
		{"halt kraken --reduce-only", haltKeys, `"state":"reduce_only"`},
		{"halts", haltKeys, `"exchange":"kraken"`},
	} {
		r := u.run("fullon", append(strings.Fields(c.args), "--json")...)
		if r.code != ExitOK || !strings.Contains(r.stdout, c.want) {
			t.Errorf("%s: %d %s %s", c.args, r.code, r.stdout, r.stderr)
			continue
		}
		if c.keys == "" {
			continue
		}
		if _, names := keys(t, strings.TrimSpace(r.stdout)); strings.Join(names, " ") != strings.Join(sorted(c.keys), " ") {
			t.Errorf("%s has %v, want %s", c.args, names, c.keys)
		}
	}
	watch.says(`{"kind":"block","exchange":"binance","symbol":"BTC/USDT","bot":"grid-1"`)
	watch.says(`{"kind":"opening","exchange":"binance","symbol":"BTC/USDT","bot":"grid-2"`)
	watch.says(`"released":true`)
	// Another bot neither gets it nor gives it back.
	u.run("fullon", "block", "kraken", "ETH/USDT", "--bot=grid-1").complains(t, ExitFailed, "bot grid-2 has it until", "an order or a position")
	u.run("fullon", "block", "kraken", "ETH/USDT", "--bot=grid-1", "--takeover").complains(t, ExitFailed, "bot grid-2 has it until")
	u.run("fullon", "unblock", "kraken", "ETH/USDT", "--bot=grid-1").complains(t, ExitFailed, "bot grid-2 has it until")
	u.run("fullon", "renew", "kraken", "ETH/USDT", "--bot=grid-1").complains(t, ExitFailed, "bot grid-2 has it until")
	if r := u.run("fullon", "blocks"); !strings.Contains(r.stdout, "tied to exposure") || !strings.HasPrefix(r.stdout, "EXCHANGE") {
		t.Errorf("%+v", r)
	}
	if r := u.run("fullon", "halts"); !strings.Contains(r.stdout, "reduce_only") {
		t.Errorf("%+v", r)
	}
	if r := u.run("fullon", "halt", "--all", "--reason=enough"); r.code != ExitOK || strings.Count(r.stdout, " all  ") < 5 || !strings.Contains(r.stdout, "enough") {
		t.Errorf("%+v", r)
	}
	if r := u.run("fullon", "resume", "--all"); r.code != ExitOK || strings.Contains(r.stdout, "enough") || !strings.Contains(r.stdout, "kraken") {
		t.Errorf("%+v", r)
	}
	for args, want := range map[string]string{
		"block binance BTC/USDT --bot a.b": "letters, digits", "block binance BTC/USDT": "--bot", "block binance BTC/USDT --bot a --for 25h": "100ms to 24h0m0s",
		"halt": "--all", "resume": "--all", "halt binance --all": "no exchange beside it", "resume --all --bot a": "no bot beside it",
		"block binance BTC --bot a": "a unified symbol", "halt Binance": "lower-case", "halt binance --reason " + strings.Repeat("x", 513): "at most 512 bytes",
	} {
		u.run("fullon", strings.Fields(args)...).complains(t, ExitUsage, want)
	}
}
