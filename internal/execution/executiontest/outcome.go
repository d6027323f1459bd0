package executiontest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Outcome is what an error says became of a request: done, rejected, duplicate,
// "limited 7s", not found, unanswered, or the error itself.
func Outcome(err error) string {
	var rejected *execution.Rejected
	var limited *execution.RateLimited
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &rejected) && rejected.Duplicate:
		return "duplicate"
	case errors.As(err, &rejected):
		return "rejected"
	case errors.As(err, &limited):
		return "limited " + limited.RetryAfter.String()
	case errors.Is(err, domain.ErrNotFound):
		return "not found"
	case errors.Is(err, execution.ErrUnanswered):
		return "unanswered"
	}
	return err.Error()
}

// Order is the first attempt of an order in Symbol; a price makes it a limit
// order.
func Order(exchange, account, id string, side domain.Side, volume, price string) domain.Order {
	o := domain.Order{
		ID: id, Exchange: exchange, Status: domain.OrderIntent, Created: time.Now(), Attempt: 1,
		OrderTerms: domain.OrderTerms{
			Account: account, Bot: "bot", Symbol: Symbol, Side: side, Type: domain.Market, Volume: dec(volume),
		},
	}
	if price != "" {
		o.Type, o.Price = domain.Limit, dec(price)
	}
	return o
}

// Submit sends an order that the venue must take.
func Submit(t testing.TB, venue execution.Venue, order domain.Order) execution.Report {
	t.Helper()
	report, err := venue.Submit(t.Context(), order)
	if err != nil {
		t.Fatalf("submit %s: %v", order.ID, err)
	}
	return report
}

// WantFills waits until so much of an order was told as filled, and fails where
// a fill came twice, or too much came.
func WantFills(t testing.TB, sink *Sink, id, filled string) {
	t.Helper()
	Eventually(t, "the fills of "+id, func() bool { return sum(sink.Fills(id)).GreaterThanOrEqual(dec(filled)) })
	seen := make(map[string]bool)
	for _, f := range sink.Fills("") {
		if seen[f.ID] {
			t.Fatalf("the fill %s came twice", f.ID)
		}
		seen[f.ID] = true
	}
	if got := sum(sink.Fills(id)); !got.Equal(dec(filled)) {
		t.Fatalf("%s of %s are filled, want %s", got, id, filled)
	}
}

// WantStatus waits until the newest report of an order has a status.
func WantStatus(t testing.TB, sink *Sink, id string, status domain.OrderStatus) {
	t.Helper()
	Eventually(t, id+" to be "+status.String(), func() bool {
		reports := sink.Reports(id)
		return len(reports) > 0 && reports[len(reports)-1].Status == status
	})
}

// Within is the test's context, for so long.
func Within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Log is what was logged. It can be read while it is written.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
