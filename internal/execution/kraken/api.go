package kraken

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
)

// own are the venue's settings. It has no test network.
var own = private.Own{
	Exchange:   "kraken",
	Real:       private.Hosts{REST: "https://api.kraken.com", Stream: "wss://ws-auth.kraken.com/v2"},
	IsReal:     func(host string) bool { return private.Within(host, "kraken.com") },
	Spot:       true,
	Aliases:    aliases,
	Late:       int64(5 * time.Minute / time.Microsecond),
	BooksEvery: 5 * time.Second,
}

const (
	// leastDeadline and mostDeadline are how far from now an order's deadline
	// may be.
	leastDeadline = 2 * time.Second
	mostDeadline  = time.Minute
	// maxNonces bounds how often a request is signed again that another one
	// overtook.
	maxNonces = 8
	// apart is how long such a request waits at most, so that two processes get
	// out of each other's way.
	apart = 20 * time.Millisecond
)

// api is Kraken's part of an account.
type api struct {
	*private.Account
	secret []byte
	turn   chan struct{} // held by who has a request under way

	mu    sync.Mutex
	nonce int64
	holds map[string]domain.Decimal // what is held back, by currency
}

// New makes the venue of an account; it connects to nothing. The key wants
// reading of funds, orders and trades, placing and canceling of orders, and the
// WebSocket. The error is a *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) {
		secret, err := base64.StdEncoding.DecodeString(a.Cfg.Secret)
		if err != nil {
			return nil, domain.Invalid("secret", "", "the private key as Kraken shows it, in base64")
		}
		return &api{Account: a, secret: secret, turn: make(chan struct{}, 1), holds: make(map[string]domain.Decimal)}, nil
	})
}

// ask sends a signed request and decodes what is answered.
func ask[T any](ctx context.Context, a *api, method string, params url.Values) (got T, err error) {
	return send[T](ctx, a, method, params, false)
}

// send is ask for a request that may have a deadline at the venue.
func send[T any](ctx context.Context, a *api, method string, params url.Values, deadline bool) (got T, err error) {
	request := private.Request{Method: http.MethodPost, Path: "/0/private/" + method}
	request.Sign = func(r *private.Request, now, until time.Time) error { return a.sign(r, params, now, until, deadline) }
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return got, &private.Failure{What: request.Method + " " + request.Path, Cause: ctx.Err()}
	}
	for try := 1; ; try++ {
		answer, err := a.Do(ctx, request)
		if err != nil {
			return got, err
		}
		if got, err = decode[T](a, answer); !errors.Is(err, errNonce) || try == maxNonces {
			return got, err
		}
		pause.For(ctx, rand.N(time.Duration(try)*apart))
	}
}

var errSoon = errors.New("its deadline is nearer than Kraken takes one, and it was not sent")

// sign makes a request one of the account.
func (a *api) sign(r *private.Request, params url.Values, now, until time.Time, deadline bool) error {
	form := url.Values{"nonce": {a.nextNonce()}}
	for name, values := range params {
		form[name] = values
	}
	if deadline {
		_, within := a.Clock.At(time.Now())
		if until.Sub(now) < leastDeadline+within {
			return errSoon
		}
		if most := now.Add(mostDeadline); until.After(most) {
			until = most
		}
		form.Set("deadline", until.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z"))
	}
	r.Body = form.Encode()
	digest := sha256.Sum256([]byte(form.Get("nonce") + r.Body))
	mac := hmac.New(sha512.New, a.secret)
	mac.Write([]byte(r.Path))
	mac.Write(digest[:])
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("API-Key", a.Cfg.Key)
	r.Header.Set("API-Sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

func (a *api) nextNonce() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nonce = max(a.nonce+1, time.Now().UnixNano())
	return strconv.FormatInt(a.nonce, 10)
}

// Time implements private.API.
func (a *api) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Seconds int64 `json:"unixtime"`
	}
	answer, err := a.Do(ctx, private.Request{Method: http.MethodGet, Path: "/0/public/Time"})
	if err != nil {
		return time.Time{}, 0, err
	}
	got, err := decode[clock](a, answer)
	if err == nil && got.Seconds <= 0 {
		err = private.Nonsense(answer.What, strconv.FormatInt(got.Seconds, 10)+" is no time")
	}
	return time.Unix(got.Seconds, 0), time.Second, err
}

// decode reads an answer. An error comes with status 200.
func decode[T any](a *api, answer private.Answer) (got T, err error) {
	var body struct {
		Error  []string `json:"error"`
		Result *T       `json:"result"`
	}
	switch {
	case answer.Status == http.StatusTooManyRequests:
		return got, answer.Failure(private.Limited, "")
	case answer.Status != http.StatusOK:
		return got, answer.Failure(private.Unclear, "")
	case json.Unmarshal(answer.Body, &body) != nil || body.Error == nil:
		return got, private.Nonsense(answer.What, "the answer makes no sense")
	case len(body.Error) > 0:
		return got, a.failed(answer, body.Error[0])
	case body.Result == nil:
		return got, private.Nonsense(answer.What, "the answer has no result")
	}
	return *body.Result, nil
}

// errNonce is the cause of the failure of a request that another one overtook.
var errNonce = errors.New("the nonce is not larger than the last one")

// failed says what an error of the venue's means.
func (a *api) failed(answer private.Answer, text string) *private.Failure {
	f := answer.Failure(kindOf(text), a.Scrub(text))
	switch {
	case strings.HasPrefix(text, "EAPI:Invalid nonce"):
		f.Cause = errNonce
	case f.Kind == private.Limited:
		// Throttled says until when, in unix seconds.
		_, at, _ := strings.Cut(text, "Throttled:")
		if seconds, err := strconv.ParseInt(strings.TrimSpace(at), 10, 64); err == nil {
			now, _ := a.Clock.At(time.Now())
			f.RetryAfter = max(f.RetryAfter, time.Unix(seconds, 0).Sub(now))
		}
	}
	return f
}

func kindOf(text string) private.Kind {
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case has("Rate limit exceeded", "Too many requests", "Throttled", "Temporary lockout"):
		return private.Limited
	case has("EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied"):
		return private.Denied
	case has("EService:Market in"):
		return private.Refused
	case has("EService:", "EGeneral:Internal error", "EAPI:Invalid nonce", "EAPI:Bad request"):
		return private.Unclear
	case has("EOrder:Unknown order"):
		return private.NotOpen
	case has("EOrder:") && strings.Contains(strings.ToLower(text), "duplicate"):
		return private.Duplicate
	}
	return private.Refused
}
