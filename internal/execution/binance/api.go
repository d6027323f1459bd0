package binance

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/internal/execution/private"
)

// Where Binance's spot markets are. The test network has accounts, keys and
// balances of its own, worth nothing.
var own = private.Own{
	Exchange: "binance",
	Test:     private.Hosts{REST: "https://testnet.binance.vision", Stream: "wss://ws-api.testnet.binance.vision/ws-api/v3"},
	Real:     private.Hosts{REST: "https://api.binance.com", Stream: "wss://ws-api.binance.com:443/ws-api/v3"},
	IsReal:   isReal,
	Spot:     true, BySymbol: true,
}

func isReal(host string) bool {
	return private.Within(host, "binance.com", "binance.us", "binance.me", "binance.cloud") &&
		!strings.HasPrefix(host, "demo-") && !strings.HasPrefix(host, "testnet.")
}

const maxWindow = 60 * time.Second // the longest that the venue lets a request be good for

// account is what both of the venue's kinds of markets have in common: how
// requests are signed, and what refusals mean. Its Key is an HMAC key.
type account struct {
	*private.Account
	clock    string // the path that tells the time
	archived int    // the code of an order that ended without a fill long ago; zero: there is none
}

// spot is Binance's part of a spot account.
type spot struct{ account }

// New makes the venue of a spot account; it connects to nothing. The key wants
// reading and spot trading. The error is a *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) {
		return spot{account{Account: a, clock: "/api/v3/time", archived: codeArchived}}, nil
	})
}

// ask sends a signed request and decodes what is answered.
func ask[T any](ctx context.Context, a account, method, path string, params url.Values) (T, error) {
	return decode[T](a)(a.Do(ctx, private.Request{Method: method, Path: path, Query: params.Encode(), Sign: a.sign}))
}

// sign makes a request one of the account, for the window that it is given.
func (a account) sign(r *private.Request, now, until time.Time) error {
	window := min(maxWindow, until.Sub(now)).Milliseconds()
	if window <= 0 {
		return context.DeadlineExceeded
	}
	if r.Query != "" {
		r.Query += "&"
	}
	r.Query += fmt.Sprintf("recvWindow=%d&timestamp=%d", window, now.UnixMilli())
	r.Query += "&signature=" + a.signature(r.Query)
	r.Header.Set("X-MBX-APIKEY", a.Cfg.Key)
	return nil
}

func (a account) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Cfg.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Time implements private.API.
func (a account) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Time int64 `json:"serverTime"`
	}
	got, err := decode[clock](a)(a.Do(ctx, private.Request{Method: http.MethodGet, Path: a.clock}))
	if err == nil && got.Time <= 0 {
		err = errors.New("GET " + a.clock + ": " + strconv.FormatInt(got.Time, 10) + " is no time")
	}
	return time.UnixMilli(got.Time), time.Millisecond, err
}

// The venue's codes that mean something of their own here.
const (
	codeTooMany    = -1003 // requests
	codeTooOrders  = -1015 // orders
	codeClosing    = -1016 // the service shuts down
	codeTime       = -1021 // the request is outside of its window
	codeSignature  = -1022
	codeEngine     = -1010 // the matching engine's error
	codeRejected   = -2010
	codeCancel     = -2011 // cancel rejected: nothing rests under that id, or something else
	codeNoOrder    = -2013
	codeNoKey      = -2008
	codeKeyForm    = -2014
	codeKey        = -2015
	codeLocked     = -2017 // the keys of the account
	codeArchived   = -2026 // ended without a fill long ago; of perpetuals something else
	duplicateOrder = "Duplicate order sent."
	// Of perpetuals only.
	codeListenKey = -1125 // there is none
	codeSide      = -4061 // of a position: one of hedge mode is needed
	codeDuplicate = -4116
	codeEngineAt  = -5028 // outside of its window when it came to be matched
)

// refusal is the venue's no.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"msg"`
}

// decode reads an answer.
func decode[T any](a account) func(private.Answer, error) (T, error) {
	return func(answer private.Answer, err error) (got T, _ error) {
		if err != nil {
			return got, err
		}
		if answer.Status != http.StatusOK {
			var no refusal
			_ = json.Unmarshal(answer.Body, &no) // what is not in its form says nothing
			return got, a.failed(answer, no)
		}
		if json.Unmarshal(answer.Body, &got) != nil {
			return got, private.Nonsense(answer.What, "the answer makes no sense")
		}
		return got, nil
	}
}

// errArchived is the cause of the failure of an order that ended without a fill long ago.
var errArchived = errors.New("archived")

// failed says what a refusal means.
func (a account) failed(answer private.Answer, no refusal) *private.Failure {
	f := answer.Failure(kindOf(answer.Status, no), "")
	if no.Code == 0 {
		return f
	}
	f.Reason = fmt.Sprintf("%s (code %d)", a.Scrub(no.Message), no.Code)
	switch {
	case f.Kind != private.Unclear && (no.Code == codeTime || no.Code == codeEngineAt):
		a.Clock.Distrust()
	case f.Kind == private.Refused && no.Code == a.archived:
		f.Cause = errArchived
	case no.Code == codeSide:
		f.Reason = fmt.Sprintf("%s (code %d)", errHedge, no.Code)
	}
	return f
}

func kindOf(status int, no refusal) private.Kind {
	limited := status == http.StatusTooManyRequests || status == http.StatusTeapot
	// A status 5xx is no clear no, whatever its body says; nor are the codes for
	// troubles of the venue's servers.
	trouble := no.Code <= -1000 && no.Code > -1010 && no.Code != -1002 && no.Code != codeTooMany || no.Code == codeClosing
	switch {
	case limited:
		return private.Limited
	case status < 400 || status >= 500 || no.Code == 0 || trouble:
		return private.Unclear
	}
	switch no.Code {
	case codeTooMany, codeTooOrders:
		return private.Limited
	case codeNoKey, codeKeyForm, codeKey, codeLocked, codeSignature:
		return private.Denied
	case codeNoOrder, codeListenKey:
		return private.NotFound
	case codeDuplicate:
		return private.Duplicate
	case codeCancel:
		return private.NotOpen
	case codeRejected, codeEngine:
		if no.Message == duplicateOrder {
			return private.Duplicate
		}
	}
	return private.Refused
}
