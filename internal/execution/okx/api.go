package okx

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/okx"
)

// own are the venue's settings. REST is the same for both networks, so only the
// stream's address tells them apart.
var own = private.Own{
	Exchange: "okx",
	Test:     private.Hosts{REST: "https://www.okx.com", Stream: "wss://wspap.okx.com:8443/ws/v5/private"},
	Real:     private.Hosts{REST: "https://www.okx.com", Stream: "wss://ws.okx.com:8443/ws/v5/private"},
	IsReal: func(host string) bool {
		return private.Within(host, "ws.okx.com", "wsaws.okx.com", "wseea.okx.com", "wsus.okx.com")
	},
	Late: int64(5 * time.Minute / time.Millisecond),
}

// The modes of margin.
const (
	Cross    = "cross"
	Isolated = "isolated"
)

// Margins tells people which modes of margin there are.
const Margins = Cross + " or " + Isolated

// api is OKX's part of an account.
type api struct {
	*private.Account
	contracts okx.Contracts

	mu        sync.Mutex
	currency  map[string]bool // those that the account was told to have
	positions map[string]bool // the symbols where it was told to hold something
}

// New makes the venue of an account; it connects to nothing. The key wants
// reading and trading. The error is a *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) {
		switch {
		case a.Cfg.Passphrase == "":
			return nil, domain.Invalid("passphrase", "", "the passphrase of the API key")
		case a.Cfg.Margin == "":
			a.Cfg.Margin = Cross
		case a.Cfg.Margin != Cross && a.Cfg.Margin != Isolated:
			return nil, domain.Invalid("margin", a.Cfg.Margin, Margins)
		}
		return &api{Account: a, currency: make(map[string]bool), positions: make(map[string]bool)}, nil
	})
}

// get asks for a list.
func get[T any](ctx context.Context, a *api, path string, query url.Values) ([]T, error) {
	answer, err := a.Do(ctx, private.Request{Method: http.MethodGet, Path: path, Query: query.Encode(), Sign: a.sign})
	return decode[T](a, answer, err)
}

// post sends what changes something. Where it is bound, the venue does not do it
// after its deadline.
func post[T any](ctx context.Context, a *api, path string, params map[string]any, bound bool) ([]T, error) {
	body, _ := json.Marshal(params) // texts and flags: no error
	request := private.Request{Method: http.MethodPost, Path: path, Body: string(body)}
	request.Sign = func(r *private.Request, now, until time.Time) error {
		if bound {
			r.Header.Set("expTime", strconv.FormatInt(until.UnixMilli(), 10))
		}
		return a.sign(r, now, until)
	}
	answer, err := a.Do(ctx, request)
	return decode[T](a, answer, err)
}

// sign makes a request one of the account.
func (a *api) sign(r *private.Request, now, _ time.Time) error {
	stamp, target := now.UTC().Format("2006-01-02T15:04:05.000Z"), r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("OK-ACCESS-KEY", a.Cfg.Key)
	r.Header.Set("OK-ACCESS-PASSPHRASE", a.Cfg.Passphrase)
	r.Header.Set("OK-ACCESS-TIMESTAMP", stamp)
	r.Header.Set("OK-ACCESS-SIGN", a.signature(stamp+r.Method+target+r.Body))
	if !a.Cfg.Real {
		r.Header.Set("x-simulated-trading", "1")
	}
	return nil
}

func (a *api) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Cfg.Secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Time implements private.API.
func (a *api) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Millis string `json:"ts"`
	}
	const path = "/api/v5/public/time"
	answer, err := a.Do(ctx, private.Request{Method: http.MethodGet, Path: path})
	got, err := decode[clock](a, answer, err)
	if err != nil {
		return time.Time{}, 0, err
	}
	if len(got) != 1 {
		return time.Time{}, 0, private.Nonsense("GET "+path, "the answer has no time")
	}
	now, err := millis("ts", got[0].Millis)
	return now, time.Millisecond, err
}

// millis reads unix milliseconds.
func millis(field, text string) (time.Time, error) {
	ms, err := strconv.ParseInt(text, 10, 63)
	if err != nil || ms <= 0 {
		return time.Time{}, domain.Invalid(field, text, "unix milliseconds")
	}
	return time.UnixMilli(ms).UTC(), nil
}

// decode reads an answer. An error comes with status 200 as with others, and that
// of an order is in the list.
func decode[T any](a *api, answer private.Answer, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	var body struct {
		Code    string `json:"code"`
		Message string `json:"msg"`
		Data    []T    `json:"data"`
	}
	var single struct {
		Data []struct {
			Code    string `json:"sCode"`
			Message string `json:"sMsg"`
		} `json:"data"`
	}
	wrong := json.Unmarshal(answer.Body, &body)
	code, message := body.Code, body.Message
	if json.Unmarshal(answer.Body, &single) == nil && len(single.Data) == 1 && single.Data[0].Code != "" {
		code, message = single.Data[0].Code, single.Data[0].Message
	}
	switch {
	case answer.Status != http.StatusOK || code != "" && code != codeDone:
		return nil, a.failed(answer, code, message)
	case wrong != nil || code == "" || body.Code != codeDone || body.Data == nil:
		return nil, private.Nonsense(answer.What, "the answer makes no sense")
	}
	return body.Data, nil
}

const codeDone = "0"

// failed says what a refusal means.
func (a *api) failed(answer private.Answer, code, message string) *private.Failure {
	f := answer.Failure(kindOf(answer.Status, code), "")
	if code != "" {
		f.Reason = a.Scrub(message) + " (code " + domain.Shorten(a.Scrub(code), 20) + ")"
	}
	if code == "50102" || code == "50112" {
		a.Clock.Distrust()
	}
	return f
}

// kinds are what codes mean that are not plain refusals.
var kinds = func() map[string]private.Kind {
	byCode := make(map[string]private.Kind)
	for kind, codes := range map[private.Kind][]string{
		private.Limited:   {"50011", "50061", "60014"},
		private.NotFound:  {"51603"},
		private.NotOpen:   {"51400", "51401", "51402", "51405"},
		private.Duplicate: {"51016"},
		private.Denied: {
			"50100", "50101", "50103", "50104", "50105", "50106", "50107", "50110", "50111", "50113", "50114", "50119", "50120",
			"60005", "60007", "60024", "60032",
		},
		private.Unclear: {"", "1", "2", "50001", "50004", "50005", "50013", "50026", "51054", "51149", "51410"},
	} {
		for _, code := range codes {
			byCode[code] = kind
		}
	}
	return byCode
}()

func kindOf(status int, code string) private.Kind {
	kind, ok := kinds[code]
	switch {
	case status >= http.StatusInternalServerError: // no clear no, whatever its body says
		return private.Unclear
	case !ok && status != http.StatusTooManyRequests:
		return private.Refused
	case status == http.StatusTooManyRequests && (!ok || code == ""):
		return private.Limited
	}
	return kind
}
