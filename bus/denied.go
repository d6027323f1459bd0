package bus

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// denials remembers what the servers do not let this user do. They say so to the
// connection and not to the request, which then just gets no answer, so the
// error of a request that timed out tells what was denied meanwhile.
type denials struct {
	mu   sync.Mutex
	seen map[string]time.Time // when last, by what it was
}

// maxDenials bounds what is remembered.
const maxDenials = 100

// note remembers an error of the connection if it is a denial.
func (d *denials) note(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	_, what, ok := strings.Cut(err.Error(), "iolation for ") // "Permissions Violation for Publish to …"
	if !ok {
		what = err.Error()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil || len(d.seen) >= maxDenials {
		d.seen = make(map[string]time.Time)
	}
	d.seen[what] = time.Now()
}

// forget begins anew: another connection may be another user's.
func (d *denials) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = nil
}

// within tells what was denied in the last while. A subscription is denied once
// and missing from then on.
func (d *denials) within(while time.Duration) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []string
	for _, what := range slices.Sorted(maps.Keys(d.seen)) {
		if time.Since(d.seen[what]) <= while || strings.HasPrefix(what, "Subscription") {
			found = append(found, what)
		}
	}
	return strings.Join(found, ", ")
}
