package gateway_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
)

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) {
		cfg.Access.Public = []string{"read:market"}
		cfg.Access.Tokens = append(cfg.Access.Tokens,
			gateway.Token{Name: "reader", Secret: "reader-of-everything", Scopes: []string{"read:*"}},
			gateway.Token{Name: "grid", Secret: "grid-bot-of-account-1", Scopes: []string{"read:*", "write:orders", "write:bots"}, Accounts: []string{"1"}, Bots: []string{"grid"}})
	})
	order := func(account, bot string) string {
		return fmt.Sprintf(`{"operation":"push_order","params":{"exchange":"binance","account":%q,"bot":%q,"symbol":"BTC/USDT","side":"buy","amount":1}}`, account, bot)
	}
	block := `{"operation":"block","params":{"exchange":"binance","symbol":"BTC/USDT","bot_id":%q}}`
	balances := `{"operation":"get_user_balances","params":{"account":%q}}`
	for _, c := range []struct{ token, ask, code string }{
		{"", `{"operation":"get_all_tickers","params":{"exchange":"binance"}}`, ""},
		{"", `{"operation":"ping"}`, ""},
		{"", `{"operation":"get_bots"}`, gateway.CodeUnauthorized},
		{"", order("1", "grid"), gateway.CodeUnauthorized},
		{"reader-of-everything", `{"operation":"get_bots"}`, ""},
		{"reader-of-everything", order("1", "grid"), gateway.CodeForbidden},
		{"reader-of-everything", fmt.Sprintf(balances, "2"), "BALANCE_NOT_FOUND"},
		{"grid-bot-of-account-1", order("1", "grid"), ""},
		{"grid-bot-of-account-1", order("2", "grid"), gateway.CodeForbidden},
		{"grid-bot-of-account-1", order("1", "other"), gateway.CodeForbidden},
		{"grid-bot-of-account-1", fmt.Sprintf(block, "grid"), ""},
		{"grid-bot-of-account-1", fmt.Sprintf(block, "other"), gateway.CodeForbidden},
		{"grid-bot-of-account-1", fmt.Sprintf(balances, "1"), "BALANCE_NOT_FOUND"},
		{"grid-bot-of-account-1", fmt.Sprintf(balances, "2"), gateway.CodeForbidden},
		{"grid-bot-of-account-1", `{"operation":"get_orders","params":{"exchange":"binance"}}`, gateway.CodeForbidden},
		{"grid-bot-of-account-1", `{"operation":"get_orders","params":{"exchange":"binance","account":"1","bot":"grid"}}`, ""},
		{"grid-bot-of-account-1", `{"operation":"stream_orders","params":{"exchange":"binance"}}`, gateway.CodeForbidden},
		{"grid-bot-of-account-1", `{"operation":"set_ticker","params":{"exchange":"binance","symbol":"BTC/USDT","price":1}}`, gateway.CodeForbidden},
		{secret, `{"operation":"set_ticker","params":{"exchange":"binance","symbol":"BTC/USDT","price":1}}`, ""},
	} {
		m := r.dial("/", c.token).ask(c.ask)
		if code, _ := m["error_code"].(string); code != c.code || (m["success"] == true) != (c.code == "") {
			t.Errorf("%s asks %s: %v", c.token, c.ask, m)
		}
	}
	if code := r.refused("/", "wrong", ""); code != http.StatusUnauthorized {
		t.Errorf("a token that nobody has: %d", code)
	}
	s := r.dial("/", "")
	if m := s.ask(`{"operation":"authenticate","params":{"token":"wrong"}}`); m["error_code"] != gateway.CodeUnauthorized {
		t.Error(m)
	}
	if m := s.ask(`{"operation":"authenticate","params":{"token":"reader-of-everything"}}`); m.object("result")["name"] != "reader" {
		t.Error(m)
	}
	if m := s.ask(`{"operation":"get_bots"}`); m["success"] != true {
		t.Errorf("after authenticate: %v", m)
	}
}

// refused dials and returns the status of the answer, 101 for none that is one.
func (r *rig) refused(path, token, origin string) int {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	if origin != "" {
		header.Set("Origin", origin)
	}
	ws, answer, err := websocket.Dial(r.ctx, r.url+path, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		_ = ws.CloseNow()
	}
	if answer != nil {
		return answer.StatusCode
	}
	r.tb.Fatal(err)
	return 0
}

func TestIssuedTokens(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(cfg *gateway.Config) {
		cfg.Access.Public = []string{}
		cfg.Access.JWTKey = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	})
	issue := func(method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	soon := time.Now().Add(time.Hour).Unix()
	good := issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"sub": "me", "exp": soon, "scope": "read:market write:bots", "bots": []string{"7"}})
	s := r.dial("/", good)
	if m := s.ask(`{"operation":"get_all_tickers","params":{"exchange":"binance"}}`); m["success"] != true {
		t.Error(m)
	}
	if m := s.ask(`{"operation":"block","params":{"exchange":"binance","symbol":"BTC/USDT","bot_id":7}}`); m["success"] != true {
		t.Error(m)
	}
	if m := s.ask(`{"operation":"block","params":{"exchange":"binance","symbol":"BTC/USDT","bot_id":8}}`); m["error_code"] != gateway.CodeForbidden {
		t.Error(m)
	}
	_, other, _ := ed25519.GenerateKey(nil)
	for name, token := range map[string]string{
		"expired":        issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix(), "scope": "read:*"}),
		"for ever":       issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"scope": "read:*"}),
		"another's":      issue(jwt.SigningMethodEdDSA, other, jwt.MapClaims{"exp": soon, "scope": "read:*"}),
		"not signed":     issue(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, jwt.MapClaims{"exp": soon, "scope": "*"}),
		"by the key":     issue(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), jwt.MapClaims{"exp": soon, "scope": "*"}),
		"no such scope":  issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"exp": soon, "scope": "read:secrets"}),
		"not yet":        issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"exp": soon, "nbf": soon, "scope": "read:*"}),
		"no token":       "a.b.c",
		"almost a token": good[:len(good)-4] + "AAAA",
	} {
		if code := r.refused("/", token, ""); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
	}
	brief := issue(jwt.SigningMethodEdDSA, private, jwt.MapClaims{"exp": time.Now().Add(1500 * time.Millisecond).Unix(), "scope": "read:*"})
	if s := r.dial("/", good); s.ask(`{"operation":"authenticate","params":{"token":"` + brief + `"}}`)["success"] == true {
		for m := s.ask(`{"operation":"get_bots"}`); m["error_code"] != gateway.CodeExpired; m = s.ask(`{"operation":"get_bots"}`) {
			if m["success"] != true {
				t.Fatal(m)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestPagesOfOtherHostsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) { cfg.Access.Origins = []string{"*.example.com"} })
	own := "http" + strings.TrimPrefix(r.url, "ws")
	for origin, want := range map[string]int{
		"": http.StatusSwitchingProtocols, own: http.StatusSwitchingProtocols, "https://app.example.com": http.StatusSwitchingProtocols,
		"https://example.org": http.StatusForbidden, "null": http.StatusForbidden,
	} {
		if code := r.refused("/", "", origin); code != want {
			t.Errorf("from %q: %d, want %d", origin, code, want)
		}
	}
}

func TestAccessThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for says, access := range map[string]gateway.Access{
		"16 characters":     {Tokens: []gateway.Token{{Name: "a", Secret: "short", Scopes: []string{"*"}}}},
		"a name":            {Tokens: []gateway.Token{{Secret: secret, Scopes: []string{"*"}}}},
		"scopes of a":       {Tokens: []gateway.Token{{Name: "a", Secret: secret}}},
		"read:everything":   {Tokens: []gateway.Token{{Name: "a", Secret: secret, Scopes: []string{"read:everything"}}}},
		"execute:orders":    {Public: []string{"execute:orders"}},
		"at least 32 bytes": {JWTKey: []byte("short")},
		"a public key":      {JWTKey: []byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")},
	} {
		_, err := gateway.New(gateway.Config{Access: access}, nil)
		if !errors.Is(err, domain.ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if _, err := gateway.New(gateway.Config{Limits: gateway.Limits{MaxQueued: -1}}, nil); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("limits: %v", err)
	}
}
