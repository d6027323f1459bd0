package sim

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/internal/sim/restproto"
)

// Fault is something that goes wrong with requests to private endpoints.
type Fault struct {
	// Method and Path choose the requests: "POST", "/api/v3/order". Empty: any.
	Method, Path string
	// Times is how many requests it hits. Zero: one.
	Times int
	// Delay holds the request back before the exchange looks at it, as a slow
	// line does; what happens then happens even if the client is gone.
	Delay time.Duration
	// Status answers with this status, and does nothing else, where it is not
	// zero. Code and Message are its body where Code is not zero, and
	// RetryAfter its header where it is not zero.
	Status     int
	Code       int
	Message    string
	RetryAfter time.Duration
	// Late holds the answer back after the request was done.
	Late time.Duration
	// Lose cuts the connection instead of answering, after the request was done.
	Lose bool
	// Body is answered, with status 200, in the place of what would have been.
	Body string
}

// Inject lets a fault happen to the next requests that it is for. Faults that
// wait happen in the order in which they were injected.
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

// fault is the one that a request meets; the zero one: none.
func (x *Exchange) fault(r *http.Request) Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, f := range x.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != "" && f.Path != r.URL.Path {
			continue
		}
		if x.faults[i].Times--; x.faults[i].Times == 0 {
			x.faults = slices.Delete(x.faults, i, i+1)
		}
		return f
	}
	return Fault{}
}

// before does what a fault does to a request that comes in. done: it has been
// answered.
func (f Fault) before(x *Exchange, w http.ResponseWriter) (done bool) {
	time.Sleep(f.Delay)
	if f.Status == 0 {
		return false
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(f.RetryAfter))
	}
	if f.Code == 0 {
		http.Error(w, strconv.Itoa(f.Status)+" on purpose", f.Status)
		return true
	}
	restproto.Write(w, x.cfg.Logger, nil, &restproto.Error{Status: f.Status, Code: f.Code, Msg: f.Message})
	return true
}

// after does what a fault does to an answer. done: nothing is to be answered.
func (f Fault) after(w http.ResponseWriter) (done bool) {
	time.Sleep(f.Late)
	if f.Lose {
		panic(http.ErrAbortHandler) // closes the connection
	}
	if f.Body != "" {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_, _ = w.Write([]byte(f.Body)) // a client that went away needs no answer
	}
	return f.Body != ""
}
