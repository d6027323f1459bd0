package ws

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
)

// seconds is a time of the protocol: seconds since 1970, to the microsecond; null:
// the zero time. It is not read as a float64, which cannot tell all of them.
type seconds struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (s *seconds) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	whole, fraction, _ := strings.Cut(string(text), ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(fraction) > 9 {
		return domain.Invalid("time", string(text), "seconds since 1970")
	}
	ns, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		return domain.Invalid("time", string(text), "seconds since 1970")
	}
	s.Time = time.Unix(sec, ns).UTC()
	return nil
}

// instant is a time in params; nil: the zero time.
func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// span is a duration in params, seconds.
func span(d time.Duration) float64 { return d.Seconds() }

// duration is what seconds are, to the microsecond.
func duration(seconds float64) time.Duration {
	return time.Duration(math.Round(seconds*1e6)) * time.Microsecond
}

// amount is a decimal in params; nil: zero, which says that it is not known.
func amount(d domain.Decimal) any {
	if d.IsZero() {
		return nil
	}
	return json.Number(d.String())
}

// exact is a decimal in params that may be zero.
func exact(d domain.Decimal) json.Number { return json.Number(d.String()) }

// market names a market in params.
func market(exchange, symbol string) map[string]any {
	return map[string]any{"exchange": exchange, "symbol": symbol}
}

// venue names an exchange in params.
func venue(exchange string) map[string]any { return map[string]any{"exchange": exchange} }

// each makes values of views.
func each[V, T any](views []V, value func(V) (T, error)) ([]T, error) {
	out := make([]T, 0, len(views))
	for _, v := range views {
		t, err := value(v)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// unknown makes of an error of reading what the server told one that says so: the
// caller's input is not what is wrong, so the error is not wrapped.
func unknown(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", domain.ErrUnknown, err.Error())
}

// invalidLimit is the error of a limit that asks for nothing; the server would
// take it for its default.
func invalidLimit(limit int) error {
	return domain.Invalid("limit", strconv.Itoa(limit), "1 or more")
}
