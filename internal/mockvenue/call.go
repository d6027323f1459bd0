package mockvenue

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

func (v *Venue) submit(w http.ResponseWriter, r *http.Request) {
	var o domain.Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.Deadline.IsZero() {
		no(w, http.StatusUnprocessableEntity, "rejected", "no order, or one without a deadline")
		return
	}
	if v.heldBack(o.ID) {
		<-r.Context().Done() // the worker has died
		return
	}
	f, wait := v.draw()
	switch f {
	case lostRequest:
		v.sleep(wait)
		panic(http.ErrAbortHandler)
	case lateRequest:
		v.sleep(wait)
	case errorBefore:
		w.WriteHeader(http.StatusBadGateway)
		return
	case resetBefore:
		panic(http.ErrAbortHandler)
	case tooMany:
		no(w, http.StatusTooManyRequests, "rate_limited", "")
		return
	case refusal:
		v.mu.Lock()
		v.refused++
		v.mu.Unlock()
		no(w, http.StatusUnprocessableEntity, "rejected", Refusal)
		return
	}
	report, ok := v.accept(o)
	if !ok {
		panic(http.ErrAbortHandler) // who sent it has long given up
	}
	v.answer(w, f, wait, report)
}

// Refusal is the reason that a refused submission is given.
const Refusal = "the venue does not want it"

// accept takes an order that comes in time.
func (v *Venue) accept(o domain.Order) (execution.Report, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if !now.Before(o.Deadline) {
		v.late++
		return execution.Report{}, false
	}
	v.arrivals = append(v.arrivals, Arrival{o.ID, o.Symbol, o.Bot, o.Attempt})
	known := v.orders[o.ID]
	if known == nil {
		known = &Order{Terms: o.OrderTerms, Report: execution.Report{
			ID: o.ID, VenueOrderID: fmt.Sprintf("v%d", len(v.orders)+1), Symbol: o.Symbol, Status: domain.OrderFilled, Filled: o.Volume,
			AveragePrice: o.Price, Time: now,
		}}
		v.orders[o.ID] = known
		switch v.random.IntN(10) {
		case 0: // rests until it is canceled
			known.Status, known.Filled, known.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
		case 1: // is filled later, step by step
			known.Status, known.Filled, known.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
			v.later(o, time.Duration(v.random.Int64N(int64(v.timeout))))
		}
	}
	known.Accepted = append(known.Accepted, Acceptance{now, o.Attempt, o.Worker})
	v.tell(known.Report)
	return known.Report, true
}

// later fills an order in two steps. The lock is held.
func (v *Venue) later(o domain.Order, wait time.Duration) {
	half, _ := o.Volume.Div(domain.MustDecimal("2"))
	v.calls.Go(func() {
		for _, step := range []struct {
			status domain.OrderStatus
			filled domain.Decimal
		}{{domain.OrderPartial, half}, {domain.OrderFilled, o.Volume}} {
			v.sleep(wait)
			v.mu.Lock()
			known := v.orders[o.ID]
			if known.Status.Resting() {
				known.Status, known.Filled, known.AveragePrice, known.Time = step.status, step.filled, o.Price, time.Now()
				v.tell(known.Report)
			}
			v.mu.Unlock()
		}
	})
}

func (v *Venue) query(w http.ResponseWriter, r *http.Request) {
	v.heard()
	f, wait := v.draw()
	switch f {
	case lostRequest:
		v.sleep(wait)
		panic(http.ErrAbortHandler)
	case resetBefore:
		panic(http.ErrAbortHandler)
	case errorBefore:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case tooMany:
		no(w, http.StatusTooManyRequests, "rate_limited", "")
		return
	case lateRequest:
		v.sleep(wait)
	case refusal:
		f = noFault
	}
	v.mu.Lock()
	known := v.orders[r.PathValue("id")]
	var report execution.Report
	if known != nil {
		report = known.Report
	}
	v.mu.Unlock()
	if known == nil {
		if f == nonsense || f == errorAfter {
			http.NotFound(w, r) // which is no answer of the venue's
			return
		}
		no(w, http.StatusNotFound, "not_found", "")
		return
	}
	v.answer(w, f, wait, report)
}

func (v *Venue) cancel(w http.ResponseWriter, r *http.Request) {
	f, wait := v.draw()
	if f == lostRequest || f == resetBefore {
		panic(http.ErrAbortHandler)
	}
	v.mu.Lock()
	known := v.orders[r.PathValue("id")]
	var report execution.Report
	if known != nil {
		if known.Status.Resting() {
			known.Status, known.Time = domain.OrderCanceled, time.Now()
			v.tell(known.Report)
		}
		report = known.Report
	}
	v.mu.Unlock()
	if known == nil {
		no(w, http.StatusNotFound, "not_found", "")
		return
	}
	v.answer(w, f, wait, report)
}

func (v *Venue) open(w http.ResponseWriter, _ *http.Request) {
	v.mu.Lock()
	open := []execution.Report{}
	for _, o := range v.orders {
		if o.Status.Resting() {
			open = append(open, o.Report)
		}
	}
	v.mu.Unlock()
	v.answer(w, noFault, 0, map[string]any{"orders": open})
}

// answer answers what was done, as far as the fault lets it.
func (v *Venue) answer(w http.ResponseWriter, f fault, wait time.Duration, answer any) {
	switch f {
	case lostAnswer:
		panic(http.ErrAbortHandler)
	case lateAnswer:
		v.sleep(wait)
	case errorAfter:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case nonsense:
		_, _ = w.Write([]byte("<html>the venue is under maintenance</html>"))
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body)
}

func no(w http.ResponseWriter, status int, code, reason string) {
	body := map[string]any{"code": code}
	if reason != "" {
		body["reason"] = reason
	}
	if code == "rate_limited" {
		body["retry_after_ns"] = 20 * time.Millisecond
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
