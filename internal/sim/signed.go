package sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/fullon/fullon/internal/sim/restproto"
)

const (
	defaultWindow = 5000  // ms that a signed request is good for
	maxWindow     = 60000 // at most
	maxAhead      = 1000  // ms that a client's clock may be ahead
	maxForm       = 1 << 16
)

// The refusals of private endpoints.
var (
	errNoKey     error = &restproto.Error{Status: http.StatusUnauthorized, Code: -2014, Msg: "API-key format invalid."}
	errKey       error = &restproto.Error{Status: http.StatusUnauthorized, Code: -2015, Msg: "Invalid API-key, IP, or permissions for action."}
	errSignature error = restproto.Bad(-1022, "Signature for this request is not valid.")
	errLate      error = restproto.Bad(-1021, "Timestamp for this request is outside of the recvWindow.")
	errAhead     error = restproto.Bad(-1021, fmt.Sprintf("Timestamp for this request was %dms ahead of the server's time.", maxAhead))
)

// call is a request of an account.
type call struct {
	query
	account *account
	header  http.Header // of the answer
}

// private is the handler of a signed endpoint. weight tells what the request
// counts; do is called under the lock, and what it did is settled after it.
func (x *Exchange) private(weight func(url.Values) int, do func(call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := x.fault(r)
		form, err := io.ReadAll(io.LimitReader(r.Body, maxForm))
		if err != nil || f.before(x, w) {
			return // the client went away, or was answered
		}
		total, values, signature, err := totalParams(r.URL.RawQuery, string(form))
		if err != nil {
			restproto.Write(w, x.cfg.Logger, nil, err)
			return
		}
		if !x.admit(w, weight(values)) {
			return
		}
		body, err := x.step(func() (any, error) {
			a, err := x.authenticate(r.Header.Get("X-MBX-APIKEY"), total, values, signature)
			if err != nil {
				return nil, err
			}
			return do(call{query{values}, a, w.Header()})
		})
		if !f.after(w) {
			restproto.Write(w, x.cfg.Logger, body, err)
		}
	}
}

// step lets the market move until now and does something to it. What was done
// is kept before it is told.
func (x *Exchange) step(do func() (any, error)) (any, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.broken == nil {
		x.broken = x.advance(x.cfg.Clock.Now())
	}
	if x.broken != nil {
		return nil, x.broken
	}
	body, err := do()
	if x.broken == nil {
		x.broken = x.settle()
	}
	if x.broken != nil {
		return nil, x.broken
	}
	return body, err
}

// totalParams takes the parameters of a request apart: what is signed, what was
// sent, and the signature. A parameter in the query comes before one in the
// form.
func totalParams(rawQuery, form string) (total string, values url.Values, signature string, err error) {
	values = url.Values{}
	for _, part := range [...]string{form, rawQuery} {
		parsed, err := url.ParseQuery(part)
		if err != nil {
			return "", nil, "", restproto.Bad(-1100, "Illegal characters found in a parameter.")
		}
		for name, value := range parsed {
			values[name] = value
		}
		var signed []string
		for pair := range strings.SplitSeq(part, "&") {
			if pair != "" && !strings.HasPrefix(pair, "signature=") {
				signed = append(signed, pair)
			}
		}
		total = strings.Join(signed, "&") + total // the query first, with nothing between
	}
	signature = values.Get("signature")
	values.Del("signature")
	return total, values, signature, nil
}

// authenticate finds out whose request it is, and whether it may be done now.
func (x *Exchange) authenticate(key, total string, values url.Values, signature string) (*account, error) {
	if !keyForm.MatchString(key) {
		return nil, errNoKey
	}
	a := x.byKey[key]
	if a == nil {
		return nil, errKey
	}
	if signature == "" {
		return nil, missing("signature")
	}
	if err := x.timely(values); err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(a.secret))
	mac.Write([]byte(total))
	if given, err := hex.DecodeString(signature); err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return nil, errSignature
	}
	return a, nil
}

// timely checks when a request was made against the exchange's clock.
func (x *Exchange) timely(values url.Values) error {
	made, err := strconv.ParseInt(values.Get("timestamp"), 10, 64)
	if err != nil {
		return missing("timestamp")
	}
	window, err := restproto.Int(values, "recvWindow", defaultWindow)
	if err != nil {
		return err
	}
	now := x.serverTime()
	switch {
	case window > maxWindow:
		return restproto.Bad(-1131, "recvWindow must be less than 60000.")
	case made >= now+maxAhead:
		return errAhead
	case now-made > window:
		return errLate
	}
	return nil
}

func missing(name string) error {
	return restproto.Bad(-1102, fmt.Sprintf("Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name))
}
