package compose

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func TestUpServesWebSocketClientsAndThePage(t *testing.T) {
	t.Parallel()
	tokens := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(tokens, []byte(`[{"name":"feed","token":"`+secret+`-of-16-or-more","scopes":["read:*","write:market"]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	u := newUser(t, "FULLON_GATEWAY=127.0.0.1:0", "FULLON_GATEWAY_TOKENS_FILE="+tokens)
	up := u.start("fullon", "up")
	up.says("clients  ws://")
	_, url, _ := strings.Cut(up.out.String(), "clients  ")
	url = strings.Fields(url)[0]
	up.says("sim BTC/USDT bid=6")
	ctx, cancel := context.WithTimeout(t.Context(), giveUp)
	defer cancel()
	page, err := http.Get("http" + strings.TrimPrefix(url, "ws")) //nolint:noctx // bounded by the test
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	if page.StatusCode != http.StatusOK || !strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the page: %s %v", page.Status, page.Header)
	}
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + secret + "-of-16-or-more"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	for ask, want := range map[string]string{
		`{"operation":"get_ticker","params":{"exchange":"sim","symbol":"BTC/USDT"}}`:                             `"price":6`,
		`{"operation":"set_ticker","params":{"exchange":"x","symbol":"A/B","price":1}}`:                          `"stream":"TICKS_`,
		`{"operation":"block","params":{"exchange":"sim","symbol":"BTC/USDT","bot_id":1}}`:                       `"FORBIDDEN"`,
		`{"operation":"get_active_processes","params":{"process_type":"gateway"}}`:                               `"name":"gateway"`,
		`{"operation":"get_symbol","params":{"exchange":"sim","symbol":"BTC/USDT"}}`:                             `"tick_size":`,
		`{"operation":"get_latest_ohlcv_bars","params":{"exchange":"sim","symbol":"BTC/USDT","timeframe":"1m"}}`: `"bars":[[`,
		`{"operation":"get_trade_analytics","params":{"exchange":"sim","symbol":"BTC/USDT","window":60}}`:        `"vwap":6`,
		`{"operation":"get_partitions"}`: `"stream":"CATALOG"`,
	} {
		deadline := time.Now().Add(giveUp)
		for {
			if err := ws.Write(ctx, websocket.MessageText, []byte(ask)); err != nil {
				t.Fatal(err)
			}
			_, answer, err := ws.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(answer), want) {
				break
			}
			if time.Now().After(deadline) { // the catalogue and the first trades take a moment
				t.Fatalf("%s: %s", ask, answer)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if r, _ := up.interrupt(); r.code != ExitOK { // wait looks for the secret
		t.Errorf("the end: %d %s", r.code, r.stderr)
	}
}

func TestAGatewayThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	file := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(file, []byte(`{"token":"`+secret+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"up --gateway=127.0.0.1:0 --gateway-tokens-file=/no/such/file": "no such file",
		"up --gateway=127.0.0.1:0 --gateway-tokens-file=" + file:       "a JSON list",
		"up --gateway=127.0.0.1:0 --gateway-token=short":               "16 characters",
		"up --gateway=127.0.0.1:0 --gateway-tls-cert=/no/such/file":    "a certificate",
		"up --gateway=127.0.0.1:0 --gateway-jwt-key-file=" + file:      "32 bytes",
	} {
		r := u.run("fullon", strings.Fields(args)...)
		if r.code != ExitUsage || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, secret) {
			t.Errorf("%s: %d %s", args, r.code, r.stderr)
		}
	}
	if r := u.run("gateway", "--gateway=off"); r.code != ExitUsage || !strings.Contains(r.stderr, "FULLON_GATEWAY") {
		t.Errorf("%d %s", r.code, r.stderr)
	}
}
