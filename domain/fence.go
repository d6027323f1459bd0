package domain

// Fence is stored together with what a worker is about to do, on the condition
// that the right to do it is still the one that it saw: a block or an opening mark
// (with a symbol), or the halts and the grants of an exchange (without). It changes
// nothing.
type Fence struct {
	Exchange string
	Symbol   string // empty: about the halts or the grants
	Worker   string // who is about to act

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (f Fence) Validate() error {
	if err := CheckExchange(f.Exchange); err != nil {
		return err
	}
	if f.Symbol != "" {
		if err := CheckSymbol(f.Symbol); err != nil {
			return err
		}
	}
	return checkName("worker", f.Worker)
}
