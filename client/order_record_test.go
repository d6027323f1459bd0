package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// Of outcomes that are recorded together, each has its own condition.
func TestOutcomesAreRecordedTogetherEachOnItsOwnCondition(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	popped := r.popMany(1, 5, "grid")
	orders, errs := r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), popped)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	unknown := orders[2]
	unknown.Status = domain.OrderUnknown
	if _, err := r.Orders.Record(t.Context(), unknown); err != nil {
		t.Fatal(err)
	}
	outcomes := make([]*domain.Order, len(orders))
	for i := range orders {
		orders[i].Status = domain.OrderAccepted
		outcomes[i] = &orders[i]
	}
	orders[4].Reason = strings.Repeat("x", domain.MaxReasonBytes+1)
	before := orders[2].Sequence
	errs = r.Orders.RecordEach(t.Context(), outcomes)
	for i, want := range []error{nil, nil, domain.ErrConflict, nil, domain.ErrInvalid} {
		if !errors.Is(errs[i], want) {
			t.Errorf("order %d: %v, want %v", i, errs[i], want)
		}
	}
	if orders[2].Sequence != before {
		t.Error("one that was not stored has another place in the log")
	}
	for _, i := range []int{0, 1, 3} {
		orders[i].Status = domain.OrderCanceled // only if its sequence is the outcome's
		if _, err := r.Orders.Record(t.Context(), orders[i]); err != nil {
			t.Errorf("order %d: %v", i, err)
		}
	}
}
