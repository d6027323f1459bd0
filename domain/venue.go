package domain

import "time"

// VenueStatus is what a venue lets its customers do.
type VenueStatus uint8

// The statuses. The zero value is not a status.
const (
	VenueOpen        VenueStatus = 1
	VenueMaintenance VenueStatus = 2 // answers, but takes no orders
	VenueClosed      VenueStatus = 3
)

var venueStatusNames = [...]string{VenueOpen: "open", VenueMaintenance: "maintenance", VenueClosed: "closed"}

func (s VenueStatus) String() string {
	if s >= VenueOpen && int(s) < len(venueStatusNames) {
		return venueStatusNames[s]
	}
	return "none"
}

// ParseVenueStatus reads the name of a status. The error is a *FieldError.
func ParseVenueStatus(text string) (VenueStatus, error) {
	for s := VenueOpen; int(s) < len(venueStatusNames); s++ {
		if venueStatusNames[s] == text {
			return s, nil
		}
	}
	return 0, Invalid("status", text, "open, maintenance or closed")
}

// Venue is an exchange of the catalogue. Nothing in it is secret: accounts and
// their keys are no part of it.
type Venue struct {
	Name   string // as in Tick.Exchange: "binance"
	Title  string // for people: "Binance spot"; empty: the name
	Status VenueStatus
	Params map[string]string // what else is to be known of it; same bounds as Process.Params
	Time   time.Time         // when it was found so, by the writer's clock
	// Emptied is where in the log the venue was deleted last: symbols from before
	// are no part of it. Zero: never. Writers that do not know leave it zero and
	// may bring such symbols back; Venues.Set of package client knows.
	Emptied uint64

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the venue. The error is a *FieldError.
func (v Venue) Validate() error {
	if err := CheckExchange(v.Name); err != nil {
		return err
	}
	if v.Title != "" {
		if err := checkLine("title", v.Title, 128); err != nil {
			return err
		}
	}
	if v.Status.String() == "none" {
		return Invalid("status", v.Status.String(), "open, maintenance or closed")
	}
	if err := checkParams("params", v.Params); err != nil {
		return err
	}
	return optionalTime("time", v.Time)
}

// VenueDeleted takes a venue out of the catalogue, with all its symbols.
type VenueDeleted struct{ Name string }

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d VenueDeleted) Validate() error { return CheckExchange(d.Name) }
