package mockvenue

import "time"

// Hold lets the next submission of an order hang for good, without taking it.
// held is closed when it has come; asked says when somebody asked for an order
// since then.
func (v *Venue) Hold(id string) (held <-chan struct{}, asked <-chan time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.holding, v.holds, v.asks = id, make(chan struct{}), make(chan time.Time, 1)
	return v.holds, v.asks
}

// heldBack tells whether a submission is the one that is to hang.
func (v *Venue) heldBack(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.holding != id {
		return false
	}
	v.holding = ""
	close(v.holds)
	return true
}

// heard notes that somebody asks for an order.
func (v *Venue) heard() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asks == nil {
		return
	}
	select {
	case v.asks <- time.Now():
	default:
	}
}
