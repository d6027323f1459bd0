package compose

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The bots of up trade: orders of both end filled, and what they did shows in
// the paper account.
func TestUpTradesOnPaper(t *testing.T) {
	t.Parallel()
	u := newUser(t, "FULLON_NO_PAPER=false")
	up := u.up("--symbols=BTC/USDT,ETH/USDT")
	filled := make(map[string]bool)
	for deadline := time.Now().Add(time.Minute); len(filled) < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("orders of %v were filled", filled)
		}
		r := u.run("fullon", "order", "list", "--json", "sim")
		for line := range strings.Lines(r.stdout) {
			var order struct{ Bot, Status string }
			if err := json.Unmarshal([]byte(line), &order); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if order.Status == "filled" {
				filled[order.Bot] = true
			}
		}
	}
	if r := u.run("fullon", "get", "fills", "paper", "sim"); r.code != ExitOK || !strings.Contains(r.stdout, "USDT") {
		t.Errorf("%+v", r)
	}
	if r := u.run("fullon", "get", "processes"); !strings.Contains(r.stdout, "orderworker") {
		t.Errorf("%+v", r)
	}
	if r, took := up.interrupt(); r.code != ExitOK || took > stopDeadline {
		t.Errorf("ended with %d in %v\n%s", r.code, took, r.stderr)
	}
}
