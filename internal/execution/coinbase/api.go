package coinbase

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const sandbox = "api-sandbox.coinbase.com"

// own are the venue's settings. It has no test network.
var own = private.Own{
	Exchange: "coinbase",
	Real:     private.Hosts{REST: "https://api.coinbase.com", Stream: "wss://advanced-trade-ws-user.coinbase.com"},
	IsReal:   func(host string) bool { return private.Within(host, "coinbase.com") && host != sandbox },
	Spot:     true,
	Late:     int64(5 * time.Minute / time.Microsecond),
}

const (
	base = "/api/v3/brokerage/"
	// maxTokens bounds how often a request is sent with a new token because the
	// last one was refused.
	maxTokens = 3
)

// api is Coinbase's part of an account.
type api struct {
	*private.Account
	secret *ecdsa.PrivateKey
	host   string // which tokens name
	names  names
	turns  turns
}

// New makes the venue of an account; it connects to nothing. The key wants to
// view and to trade. The error is a *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) {
		secret, err := readSecret(a.Cfg.Secret)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(a.Cfg.RESTURL)
		if err != nil { // it was checked
			return nil, domain.Invalid("rest_url", "", "an address")
		}
		return &api{Account: a, secret: secret, host: u.Host}, nil
	})
}

// get asks for something.
func get[T any](ctx context.Context, a *api, path string, query url.Values) (T, error) {
	return send[T](ctx, a, private.Request{Method: http.MethodGet, Path: base + path, Query: query.Encode()}, false)
}

// post asks for something to be done. deadline: not after that of ctx.
func post[T any](ctx context.Context, a *api, path string, body any, deadline bool) (got T, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return got, err // not of what is sent here
	}
	r := private.Request{Method: http.MethodPost, Path: base + path, Body: string(text), Header: http.Header{"Content-Type": {"application/json"}}}
	return send[T](ctx, a, r, deadline)
}

// send sends a signed request and decodes what is answered. A refused token is
// no answer to what was asked: the venue did not look at it.
func send[T any](ctx context.Context, a *api, r private.Request, deadline bool) (got T, err error) {
	r.Sign = func(r *private.Request, now, until time.Time) error { return a.sign(r, now, until, deadline) }
	for try := 1; ; try++ {
		answer, err := a.Do(ctx, r)
		if err != nil {
			return got, err
		}
		if answer.Status != http.StatusUnauthorized || try == maxTokens {
			return decode[T](a, answer)
		}
		a.Clock.Distrust() // the token may have looked expired, or not good yet
	}
}

// Time implements private.API.
func (a *api) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Millis json.Number `json:"epochMillis"`
	}
	answer, err := a.Do(ctx, private.Request{Method: http.MethodGet, Path: base + "time"})
	if err != nil {
		return time.Time{}, 0, err
	}
	got, err := decode[clock](a, answer)
	millis, bad := got.Millis.Int64()
	if err == nil && (bad != nil || millis <= 0) {
		err = private.Nonsense(answer.What, "the answer has no time")
	}
	return time.UnixMilli(millis), time.Millisecond, err
}

// refusal is the venue's no, and why a new order was not made.
type refusal struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Details string `json:"error_details"`
	Preview string `json:"preview_failure_reason"`
	Order   string `json:"new_order_failure_reason"`
}

// code is what says most of the reasons; empty: none says anything.
func (r refusal) code() string {
	for _, code := range []string{r.Error, r.Order, strings.TrimPrefix(r.Preview, "PREVIEW_")} {
		if code != "" && !strings.HasPrefix(strings.ToUpper(code), "UNKNOWN") {
			return code
		}
	}
	return ""
}

func (r refusal) reason(a *api) string {
	text := r.code()
	for _, more := range []string{r.Message, r.Details} {
		if more != "" && !strings.Contains(text, more) {
			text = strings.TrimPrefix(text+": "+more, ": ")
		}
	}
	return a.Scrub(text)
}

// decode reads an answer.
func decode[T any](a *api, answer private.Answer) (got T, err error) {
	if answer.Status != http.StatusOK {
		var no refusal
		_ = json.Unmarshal(answer.Body, &no) // what is not in its form says nothing
		return got, answer.Failure(kindOf(answer.Status, no), no.reason(a))
	}
	if json.Unmarshal(answer.Body, &got) != nil {
		return got, private.Nonsense(answer.What, "the answer makes no sense")
	}
	return got, nil
}

// kindOf says what a status other than 200 means.
func kindOf(status int, no refusal) private.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return private.Denied
	case status == http.StatusTooManyRequests:
		return private.Limited
	case status < 400 || status >= 500 || status == http.StatusRequestTimeout || no.code() == "":
		return private.Unclear
	case status == http.StatusForbidden:
		return private.Denied
	case status == http.StatusNotFound:
		return private.NotFound
	}
	return kindOfCode(no.code())
}

// kindOfCode says what a reason means.
func kindOfCode(code string) private.Kind {
	code = strings.ToUpper(code)
	switch {
	case code == "":
		return private.Unclear
	case strings.Contains(code, "RATE_LIMIT"):
		return private.Limited
	case strings.Contains(code, "DUPLICATE"):
		return private.Duplicate
	}
	return private.Refused
}
