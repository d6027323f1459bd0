package papertest

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong with a request.
type Fault struct {
	// Path is how the path of the requests begins or ends. Empty: any but a
	// WebSocket's.
	Path string
	// Times is how many requests it hits. Zero: one.
	Times int
	// Delay holds the request back before the exchange looks at it, as a slow
	// line does; what happens then happens even if the client is gone.
	Delay time.Duration
	// Status and Body are answered, where one of them is set, and nothing else is
	// done. RetryAfter is a header where it is not zero.
	Status     int
	Body       string
	RetryAfter time.Duration
	// Lose cuts the connection instead of answering, after the request was done.
	Lose bool
}

// Inject lets a fault happen to the next requests that it is for, in the order
// of their injection.
func (x *Exchange) Inject(f Fault) {
	f.Times = max(1, f.Times)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = append(x.faults, f)
}

// Heal takes the faults back that have not happened yet.
func (x *Exchange) Heal() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.faults = nil
}

func (x *Exchange) fault(r *http.Request) Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, f := range x.faults {
		here := f.Path == "" && r.Header.Get("Upgrade") == "" ||
			f.Path != "" && (strings.HasPrefix(r.URL.Path, f.Path) || strings.HasSuffix(r.URL.Path, f.Path))
		if !here {
			continue
		}
		if x.faults[i].Times--; x.faults[i].Times == 0 {
			x.faults = slices.Delete(x.faults, i, i+1)
		}
		return f
	}
	return Fault{}
}

// serve lets the dialect answer, or a fault.
func (x *Exchange) serve(dialect http.Handler, w http.ResponseWriter, r *http.Request) {
	f := x.fault(r)
	time.Sleep(f.Delay)
	switch {
	case f.Status != 0 || f.Body != "":
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
		}
		w.WriteHeader(cmp.Or(f.Status, http.StatusOK))
		_, _ = w.Write([]byte(f.Body)) // a client that went away needs no answer
	case f.Lose:
		answer := httptest.NewRecorder()
		dialect.ServeHTTP(answer, r)
		panic(http.ErrAbortHandler) // closes the connection
	default:
		dialect.ServeHTTP(w, r)
	}
}
