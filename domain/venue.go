package domain

// Venue is an exchange that a deployment knows.
type Venue struct {
	Name    string // as in Tick.Exchange: "binance"
	Title   string // for people: "Binance spot"
	Symbols int    // instruments in its catalogue; zero: not read yet
}
