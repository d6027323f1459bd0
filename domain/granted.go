package domain

// Granted is stored together with each grant of a block or an opening mark of an
// exchange, whichever market it is of. So what is stored on the condition of the
// newest one knows of all grants there with one condition.
type Granted struct {
	Exchange string
	Bot      string // who was granted it

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (g Granted) Validate() error {
	if err := CheckExchange(g.Exchange); err != nil {
		return err
	}
	return CheckBot(g.Bot)
}
