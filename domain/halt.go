package domain

import "time"

// HaltState is how far trading is stopped.
type HaltState uint8

// The states. The zero value is not a state.
const (
	TradingActive     HaltState = 1
	TradingReduceOnly HaltState = 2 // only orders that make positions smaller
	TradingHalted     HaltState = 3
)

var haltStateNames = [...]string{TradingActive: "active", TradingReduceOnly: "reduce_only", TradingHalted: "halted"}

func (s HaltState) String() string {
	if s >= TradingActive && int(s) < len(haltStateNames) {
		return haltStateNames[s]
	}
	return "none"
}

// ParseHaltState reads the name of a state. The error is a *FieldError.
func ParseHaltState(text string) (HaltState, error) {
	for s := TradingActive; int(s) < len(haltStateNames); s++ {
		if haltStateNames[s] == text {
			return s, nil
		}
	}
	return 0, Invalid("state", text, "active, reduce_only or halted")
}

// Halt stops the trading of an exchange, or of one bot there, or lets it go on. One
// of all exchanges is an event in the stream of each: an order can only be stored
// on conditions about its own stream. The three do not touch each other; what
// forbids most counts.
type Halt struct {
	Exchange string
	Bot      string // empty: all bots
	All      bool   // this exchange's part of a halt of all exchanges
	State    HaltState
	Reason   string
	Time     time.Time // by the writer's clock

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (h Halt) Validate() error {
	if err := CheckExchange(h.Exchange); err != nil {
		return err
	}
	if h.All && h.Bot != "" {
		return Invalid("bot", h.Bot, "none for a halt of all exchanges")
	}
	if h.Bot != "" {
		if err := CheckBot(h.Bot); err != nil {
			return err
		}
	}
	if h.State.String() == "none" {
		return Invalid("state", h.State.String(), "active, reduce_only or halted")
	}
	if len(h.Reason) > MaxReasonBytes {
		return Invalid("reason", h.Reason, "at most 512 bytes")
	}
	return optionalTime("time", h.Time)
}
