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

// Where Binance is. The test network has accounts, keys and balances of its
// own, worth nothing.
var own = private.Own{
	Exchange: "binance",
	Test:     private.Hosts{REST: "https://testnet.binance.vision", Stream: "wss://ws-api.testnet.binance.vision/ws-api/v3"},
	Real:     private.Hosts{REST: "https://api.binance.com", Stream: "wss://ws-api.binance.com:443/ws-api/v3"},
	IsReal: func(host string) bool {
		return private.Within(host, "binance.com", "binance.us", "binance.me", "binance.cloud") &&
			!strings.HasPrefix(host, "demo-") && !strings.HasPrefix(host, "testnet.")
	},
	Spot: true, BySymbol: true,
}

const maxWindow = 60 * time.Second // the longest that the venue lets a request be good for

// api is Binance's part of an account. Its Key is an HMAC key with reading and
// spot trading allowed.
type api struct{ *private.Account }

// New makes the venue of an account; it connects to nothing. The error is a
// *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) { return api{a}, nil })
}

// ask sends a signed request and decodes what is answered.
func ask[T any](ctx context.Context, a api, method, path string, params url.Values) (T, error) {
	return decode[T](a)(a.Do(ctx, private.Request{Method: method, Path: path, Query: params.Encode(), Sign: a.sign}))
}

// sign makes a request one of the account, for the window that it is given.
func (a api) sign(r *private.Request, now, until time.Time) error {
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

func (a api) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Cfg.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Time implements private.API.
func (a api) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Time int64 `json:"serverTime"`
	}
	got, err := decode[clock](a)(a.Do(ctx, private.Request{Method: http.MethodGet, Path: "/api/v3/time"}))
	if err == nil && got.Time <= 0 {
		err = errors.New("GET /api/v3/time: " + strconv.FormatInt(got.Time, 10) + " is no time")
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
	codeKeyForm    = -2014
	codeKey        = -2015
	codeArchived   = -2026 // ended without a fill long ago
	duplicateOrder = "Duplicate order sent."
)

// refusal is the venue's no.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"msg"`
}

// decode reads an answer.
func decode[T any](a api) func(private.Answer, error) (T, error) {
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
func (a api) failed(answer private.Answer, no refusal) *private.Failure {
	f := answer.Failure(kindOf(answer.Status, no), "")
	if no.Code != 0 {
		f.Reason = fmt.Sprintf("%s (code %d)", a.Scrub(no.Message), no.Code)
	}
	switch {
	case f.Kind != private.Unclear && no.Code == codeTime:
		a.Clock.Distrust()
	case f.Kind == private.Refused && no.Code == codeArchived:
		f.Cause = errArchived
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
	case codeKeyForm, codeKey, codeSignature:
		return private.Denied
	case codeNoOrder:
		return private.NotFound
	case codeCancel:
		return private.NotOpen
	case codeRejected, codeEngine:
		if no.Message == duplicateOrder {
			return private.Duplicate
		}
	}
	return private.Refused
}
