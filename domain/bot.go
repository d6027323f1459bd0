package domain

import "time"

// BotStatus is what a bot says about one of its feeds: what it follows, what it
// sees, what it does. Each feed has its own, so that two of them do not
// overwrite each other.
type BotStatus struct {
	Bot    string
	Feed   string            // as the bot calls it
	Fields map[string]string // same bounds as Process.Params
	Time   time.Time         // by the bot's clock

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the status. The error is a *FieldError.
func (b BotStatus) Validate() error {
	if err := (BotDeleted{Bot: b.Bot, Feed: b.Feed}).Validate(); err != nil {
		return err
	}
	if b.Feed == "" {
		return Invalid("feed", "", "1 to 64 letters, digits, - and _")
	}
	if err := checkParams("fields", b.Fields); err != nil {
		return err
	}
	return optionalTime("time", b.Time)
}

// BotDeleted says that the status of a bot is to be forgotten, or of one of its
// feeds.
type BotDeleted struct {
	Bot  string
	Feed string // empty: all feeds
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d BotDeleted) Validate() error {
	if err := CheckBot(d.Bot); err != nil {
		return err
	}
	if d.Feed != "" && !isID(d.Feed) {
		return Invalid("feed", d.Feed, "1 to 64 letters, digits, - and _")
	}
	return nil
}
