package venue

import (
	"context"
	"errors"
	"time"
)

var errClosed = errors.New("closed")

// Connection is one connection, for those to whom a reconnect is more than to
// subscribe again and who make the next one themselves. Its silence ends it, as
// that of a Session's.
type Connection struct {
	session *Session
	link    *link
}

// Connect sets up one connection, which lasts until ctx ends or it is closed.
// wait is what the venue asked for if it refused. Close it.
func (s *Session) Connect(ctx context.Context) (c *Connection, wait time.Duration, err error) {
	l, wait, err := s.dial(ctx)
	if err != nil {
		s.transport.CloseIdleConnections()
		return nil, wait, err
	}
	return &Connection{s, l}, 0, nil
}

// Delivering is closed with the first Outcome that says so.
func (c *Connection) Delivering() <-chan struct{} { return c.link.delivering }

// Done is closed when the connection has ended.
func (c *Connection) Done() <-chan struct{} { return c.link.done }

// Err is why it ended, once Done is closed.
func (c *Connection) Err() error { return c.link.err }

// Close ends the connection and returns when all of it is gone.
func (c *Connection) Close() {
	c.link.close(errClosed)
	c.session.transport.CloseIdleConnections()
}
