package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/internal/venue"
)

const maxFrame = 1 << 20 // bytes of an event

var (
	errSlow    = errors.New("the sink is too slow: the queue of events is full")
	errNoReady = errors.New("the venue did not grant the subscription in time")
)

// connection is one connection to the account's events, which queue up while
// they are not taken.
type connection struct {
	*venue.Connection
	stream Stream
	events chan []byte
}

// connect opens a connection and waits until it is subscribed. The error is a
// *Failure where the venue refused it.
func (v *Venue) connect(ctx context.Context) (*connection, error) {
	soon, cancel := context.WithTimeout(ctx, v.account.Cfg.Timeout)
	defer cancel()
	if err := v.account.tellTime(soon); err != nil {
		return nil, err
	}
	stream, err := v.api.Stream(soon)
	if err != nil {
		return nil, err
	}
	c := &connection{stream: stream, events: make(chan []byte, v.account.Cfg.Queue)}
	address := v.account.Cfg.StreamURL
	keyed, isKeyed := stream.(Keyed)
	if isKeyed {
		address = keyed.Address()
	}
	if err := c.open(ctx, v.account.Cfg, address); err != nil {
		return nil, err
	}
	if isKeyed {
		return c, nil
	}
	select {
	case <-c.Delivering():
		return c, nil
	case <-c.Done():
		return nil, c.Err()
	case <-soon.Done():
		c.Close()
		return nil, errNoReady
	}
}

func (c *connection) open(ctx context.Context, cfg Config, address string) error {
	const what = "open the stream"
	session, err := venue.NewSession(venue.SessionConfig{
		URL: address, Dialect: func() venue.Dialect { return c }, Watcher: deaf{}, Logger: cfg.Logger,
		Care: venue.Care{
			DialTimeout: cfg.Timeout, PingInterval: cfg.PingEvery, SilenceTimeout: 2 * cfg.PingEvery,
			DataTimeout:  24 * time.Hour, // an account may be quiet for as long
			SendInterval: 20 * time.Millisecond, MaxFrameBytes: maxFrame,
		},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	connected, wait, err := session.Connect(ctx)
	switch {
	case err == nil:
		c.Connection = connected
		return nil
	case wait > 0:
		return &Failure{What: what, Kind: Limited, RetryAfter: wait}
	}
	return fmt.Errorf("%s: %w", what, venue.WithoutURL(err))
}

// Opening implements venue.Dialect.
func (c *connection) Opening() [][]byte { return c.stream.Opening() }

// Handle implements venue.Dialect. It never waits for who takes the events, so
// that a connection is found dead even then.
func (c *connection) Handle(frame []byte, received time.Time) venue.Outcome {
	taken := c.stream.Take(frame, received)
	if taken.Event && taken.End == nil {
		select {
		case c.events <- bytes.Clone(frame):
		default:
			taken.End = errSlow
		}
	}
	return venue.Outcome{Send: taken.Send, Delivering: taken.Ready, End: taken.End}
}

// Keepalive implements venue.Dialect.
func (c *connection) Keepalive(time.Time) ([][]byte, error) {
	if ping := c.stream.Ping(); ping != nil {
		return [][]byte{ping}, nil
	}
	return nil, nil
}

// deaf is a venue.Watcher: Run itself looks after what is told to one.
type deaf struct{}

func (deaf) Heard(time.Time)        {}
func (deaf) Connected(bool, string) {}
func (deaf) Refused(string, error)  {}
