package mockvenue

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// orderEvent is an order in the stream of events.
type orderEvent struct {
	ID      string             `json:"id"`
	VenueID string             `json:"venue_id"`
	Terms   domain.OrderTerms  `json:"terms"`
	Status  domain.OrderStatus `json:"status"`
	Filled  domain.Decimal     `json:"filled"`
	Spent   domain.Decimal     `json:"spent"`
	Time    time.Time          `json:"time"`
}

// tell sends an event to all who listen. The lock is held.
func (v *Venue) tell(r execution.Report) {
	v.seq++
	o := v.orders[r.ID]
	event := map[string]any{"change": map[string]any{
		"seq": v.seq, "time": r.Time,
		"orders": []orderEvent{{r.ID, r.VenueOrderID, o.Terms, r.Status, r.Filled, r.Filled.Mul(r.AveragePrice), r.Time}},
	}}
	line, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	for l := range v.listeners {
		select {
		case l <- line:
		default: // too slow: it is cut off, and has to ask
			delete(v.listeners, l)
			close(l)
		}
	}
}

// events tells what becomes of orders from now on.
func (v *Venue) events(w http.ResponseWriter, r *http.Request) {
	listener := make(chan []byte, 1000)
	v.mu.Lock()
	v.listeners[listener] = true
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.listeners, listener)
	}()
	control := http.NewResponseController(w)
	send := func(line string) bool {
		_, err := w.Write([]byte(line + "\n"))
		return err == nil && control.Flush() == nil
	}
	beat := time.NewTicker(500 * time.Millisecond)
	defer beat.Stop()
	for going := send(`{"epoch":"mock"}`); going; {
		select {
		case <-r.Context().Done():
			return
		case <-v.closing:
			return
		case <-beat.C:
			going = send(`{}`)
		case line, ok := <-listener:
			going = ok && send(string(line))
		}
	}
}

// Cut breaks all streams of events.
func (v *Venue) Cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for l := range v.listeners {
		delete(v.listeners, l)
		close(l)
	}
}
