package domain

import "time"

// Gap says that trades are missing from the log and could not be fetched.
type Gap struct {
	Exchange string
	Symbol   string
	FromID   string // id of the first missing trade; empty: not known
	ToID     string // id of the last missing trade; empty: not known
	Missing  uint64 // how many; zero: not known
	Reason   string
	Time     time.Time // when it was found

	Sequence uint64 // position in its log stream; set by readers
}

// MaxReasonBytes bounds the reason of a Gap, an Order and a Halt.
const MaxReasonBytes = 512

// Validate tells what is wrong with the gap event. The error is a *FieldError.
func (g Gap) Validate() error {
	if err := checkMarket(g.Exchange, g.Symbol); err != nil {
		return err
	}
	for _, f := range [...]struct{ name, value string }{{"from_id", g.FromID}, {"to_id", g.ToID}} {
		if f.value == "" {
			continue
		}
		if err := checkName(f.name, f.value); err != nil {
			return err
		}
	}
	if len(g.Reason) > MaxReasonBytes {
		return Invalid("reason", g.Reason, "at most 512 bytes")
	}
	return requiredTime(g.Time, "when the gap was found")
}
