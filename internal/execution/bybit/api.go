package bybit

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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/frame"
)

// own are the venue's settings. The test network has accounts, keys and
// balances of its own, worth nothing.
var own = private.Own{
	Exchange: "bybit",
	Test:     private.Hosts{REST: "https://api-testnet.bybit.com", Stream: "wss://stream-testnet.bybit.com/v5/private"},
	Real:     private.Hosts{REST: "https://api.bybit.com", Stream: "wss://stream.bybit.com/v5/private"},
	IsReal:   isReal,
	Late:     int64(5 * time.Minute / time.Millisecond),
	Spelling: spelling,
}

// isReal knows the venue's hosts by their domain, of which there is one in many
// countries.
func isReal(host string) bool {
	service, _, _ := strings.Cut(host, ".")
	if slices.Contains([]string{"api-testnet", "stream-testnet", "api-demo", "stream-demo"}, service) {
		return false
	}
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return false
	}
	domain := labels[len(labels)-2]
	return strings.HasPrefix(domain, "bybit") || strings.HasPrefix(domain, "bytick")
}

const (
	maxWindow = time.Minute      // how long a request is good for at most
	banned    = 10 * time.Minute // how long an address that asked too much is refused
)

// api is Bybit's part of an account, a unified one in one-way mode.
type api struct {
	*private.Account

	mu    sync.Mutex
	width time.Duration   // of the time that fills are listed of at once; zero: not asked yet
	held  map[string]bool // symbols that a position was told of, and not that it is flat
	coins map[string]bool // currencies that a balance was told of
}

// New makes the venue of an account; it connects to nothing. The key wants
// reading and trading of spot and derivatives, without the right to withdraw.
// The error is a *domain.FieldError.
func New(cfg private.Config) (*private.Venue, error) {
	return private.New(cfg, own, func(a *private.Account) (private.API, error) {
		return &api{Account: a, held: make(map[string]bool), coins: make(map[string]bool)}, nil
	})
}

// get asks with a signed request and decodes what is answered.
func get[T any](ctx context.Context, a *api, path string, query url.Values) (body[T], error) {
	return decode[T](a)(a.Do(ctx, private.Request{Method: http.MethodGet, Path: path, Query: query.Encode(), Sign: a.sign}))
}

// post is get for what changes something.
func post[T any](ctx context.Context, a *api, path string, params map[string]any) (body[T], error) {
	text, err := json.Marshal(params)
	if err != nil {
		return body[T]{}, &private.Failure{What: "POST " + path, Cause: err}
	}
	r := private.Request{Method: http.MethodPost, Path: path, Body: string(text), Sign: a.sign}
	r.Header = http.Header{"Content-Type": {"application/json"}}
	return decode[T](a)(a.Do(ctx, r))
}

// sign makes a request one of the account. The venue takes it until its
// timestamp plus its window.
func (a *api) sign(r *private.Request, now, until time.Time) error {
	window := min(maxWindow, until.Sub(now)).Milliseconds()
	if window <= 0 {
		return context.DeadlineExceeded
	}
	stamp, good := strconv.FormatInt(now.UnixMilli(), 10), strconv.FormatInt(window, 10)
	r.Header.Set("X-BAPI-API-KEY", a.Cfg.Key)
	r.Header.Set("X-BAPI-TIMESTAMP", stamp)
	r.Header.Set("X-BAPI-RECV-WINDOW", good)
	r.Header.Set("X-BAPI-SIGN", a.signature(stamp+a.Cfg.Key+good+r.Query+r.Body))
	return nil
}

func (a *api) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(a.Cfg.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Time implements private.API.
func (a *api) Time(ctx context.Context) (time.Time, time.Duration, error) {
	type clock struct {
		Nanos string `json:"timeNano"`
	}
	const path = "/v5/market/time"
	got, err := decode[clock](a)(a.Do(ctx, private.Request{Method: http.MethodGet, Path: path}))
	if err != nil {
		return time.Time{}, 0, err
	}
	nanos, ok := frame.ParseInteger(got.Result.Nanos)
	if !ok || nanos == 0 {
		return time.Time{}, 0, private.Nonsense("GET "+path, strconv.Quote(domain.Shorten(got.Result.Nanos, 40))+" is no time")
	}
	return time.Unix(0, int64(nanos)), 0, nil
}

// body is what every request is answered with, of status 200 whatever happened.
type body[T any] struct {
	Code    *int   `json:"retCode"`
	Message string `json:"retMsg"`
	Result  *T     `json:"result"`
	Time    int64  `json:"time"` // unix ms
}

// decode reads an answer; one without an error has a result.
func decode[T any](a *api) func(private.Answer, error) (body[T], error) {
	return func(answer private.Answer, err error) (got body[T], _ error) {
		if err != nil {
			return got, err
		}
		switch answer.Status {
		case http.StatusOK:
		case http.StatusTooManyRequests:
			return got, answer.Failure(private.Limited, "")
		case http.StatusForbidden: // by what is in front of the venue
			f := answer.Failure(private.Limited, "")
			f.RetryAfter = max(f.RetryAfter, banned)
			return got, f
		case http.StatusUnauthorized:
			return got, answer.Failure(private.Denied, "the key is refused")
		default:
			return got, answer.Failure(private.Unclear, "")
		}
		// The code first: what comes with a no may be of any form.
		var no body[json.RawMessage]
		if json.Unmarshal(answer.Body, &no) != nil || no.Code == nil {
			return got, private.Nonsense(answer.What, "the answer makes no sense")
		}
		if *no.Code != 0 {
			return got, a.failed(answer, *no.Code, no.Message)
		}
		if json.Unmarshal(answer.Body, &got) != nil || got.Result == nil {
			return got, private.Nonsense(answer.What, "the answer has no result that makes sense")
		}
		return got, nil
	}
}

// failed says what a code of the venue's means.
func (a *api) failed(answer private.Answer, code int, message string) *private.Failure {
	if code == codeTime || code == codeExpired {
		a.Clock.Distrust()
	}
	return answer.Failure(kindOf(code), fmt.Sprintf("%s (code %d)", a.Scrub(message), code))
}

// The codes of requests that came at another time than they are signed for.
const (
	codeTime    = 10002
	codeExpired = -1
)

// kinds are the codes that do not just say no.
var kinds = func() map[int]private.Kind {
	all := make(map[int]private.Kind)
	for kind, codes := range map[private.Kind][]int{
		private.Limited: {429, 10006, 10018, 10429, 170005, 170222},
		private.Denied:  {-2015, 10003, 10004, 10005, 10007, 10009, 10010, 33004},
		private.Unclear: {
			10000, 10016, 10019, // timeout, error, restart of the server
			170001, 170007, 170032, 170035, 170146, 170147, 170149, 170150, 170234,
		},
		private.NotOpen:   {110001, 110008, 110010, 170139, 170142, 170143, 170190, 170213},
		private.Duplicate: {110030, 110072, 170141},
	} {
		for _, code := range codes {
			all[code] = kind
		}
	}
	return all
}()

func kindOf(code int) private.Kind {
	if kind, ok := kinds[code]; ok {
		return kind
	}
	return private.Refused
}

const maxPages = 100 // of a list that has no time

var errPages = errors.New("its pages do not end")

// list reads all pages of a list; more tells whether there are more than most.
func list[T any](ctx context.Context, a *api, path string, query url.Values, most int) (all []T, more bool, err error) {
	type page struct {
		List   []T    `json:"list"`
		Cursor string `json:"nextPageCursor"`
	}
	for range most {
		got, err := get[page](ctx, a, path, query)
		if err != nil {
			return nil, false, err
		}
		all = append(all, got.Result.List...)
		if got.Result.Cursor == "" || len(got.Result.List) == 0 {
			return all, false, nil
		}
		query.Set("cursor", got.Result.Cursor)
	}
	return all, true, nil
}
