package venue

import "time"

// Dialect is the venue's side of one connection: what to send and what the
// answers mean. A Session makes a new one for each connection, so the state
// of a connection (request ids, acknowledgements) lives in it; what survives
// connections is shared by the dialects of a session.
//
// Opening is called once, before the other two. Handle and Keepalive are each
// called from one goroutine at a time, but from different ones.
type Dialect interface {
	// Opening returns the frames to send once the connection stands, in order.
	Opening() [][]byte
	// Handle takes one text frame. It must not keep the frame, which is
	// overwritten by the next one.
	Handle(frame []byte, received time.Time) Outcome
	// Keepalive is called every Care.PingInterval. It returns what the venue
	// wants to hear regularly, beyond the WebSocket pings that the session
	// sends; an error ends the connection (an acknowledgement is overdue).
	Keepalive(now time.Time) ([][]byte, error)
}

// Changer is a Dialect that can subscribe and unsubscribe on its connection.
// Where the dialect cannot, the session replaces the connection by one with the
// new symbols.
type Changer interface {
	// Change returns the frames that subscribe the venue symbols of add and
	// unsubscribe those of drop. It is called after Opening, and may be called while
	// Handle or Keepalive runs.
	Change(add, drop []string) [][]byte
}

// Outcome is what a frame asks of the connection. The zero value: nothing.
type Outcome struct {
	// Send are frames to send, in order.
	Send [][]byte
	// Delivering says that everything is subscribed and data flows: this
	// connection may replace its predecessor.
	Delivering bool
	// Renew says that the venue is about to close the connection, so that it
	// should be replaced now.
	Renew bool
	// End, where there is one, is why the connection is to be ended.
	End error
}

// Watcher is the part of a Sink that the care of connections needs.
type Watcher interface {
	Heard(at time.Time)
	Connected(up bool, reason string)
	Refused(kind string, err error)
}
