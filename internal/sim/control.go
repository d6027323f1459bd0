package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/fullon/fullon/internal/sim/streamproto"
)

// read takes the client's control messages until the connection ends. It goes
// on reading while the exchange closes the connection, because the client's
// close frame has to be read.
func (c *conn) read(ctx context.Context) error {
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if c.received() {
			c.onMessage(c, data)
		}
	}
}

// control answers one control message. The answer is queued under the lock
// that events are made under: it comes before the first event of a new stream,
// and no event is between.
func (x *Exchange) control(c *conn, data []byte) {
	req, err := streamproto.Parse(data)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err == nil && req.Method == streamproto.Subscribe && c.wouldHave(req.Streams) > streamproto.MaxStreams {
		err = streamproto.ErrTooManyStreams
	}
	if err != nil {
		c.enqueue(frame{data: streamproto.Refusal(req.ID, err)})
		return
	}
	var result any
	switch req.Method {
	case streamproto.List:
		result = slices.Sorted(maps.Keys(c.streams))
		if len(c.streams) == 0 {
			result = []string{}
		}
	case streamproto.GetProperty:
		result = c.combined
	case streamproto.SetProperty:
		c.combined = req.Combined
	}
	c.enqueue(frame{data: streamproto.Result(req.ID, result)})
	switch req.Method {
	case streamproto.Subscribe:
		x.subscribe(c, req.Streams)
	case streamproto.Unsubscribe:
		x.unsubscribe(c, req.Streams)
	}
}

func (c *conn) wouldHave(streams []string) int {
	all := maps.Clone(c.streams)
	for _, name := range streams {
		all[name] = struct{}{}
	}
	return len(all)
}

func (x *Exchange) subscribe(c *conn, streams []string) {
	for _, name := range streams {
		if _, has := c.streams[name]; has {
			continue
		}
		c.streams[name] = struct{}{}
		if x.subs[name] == nil {
			x.subs[name] = map[*conn]struct{}{}
		}
		x.subs[name][c] = struct{}{}
		if x.cfg.DuplicateOnConnect {
			x.replayTrades(c, name)
		}
	}
}

func (x *Exchange) unsubscribe(c *conn, streams []string) {
	for _, name := range streams {
		delete(c.streams, name)
		delete(x.subs[name], c)
		if len(x.subs[name]) == 0 {
			delete(x.subs, name)
		}
	}
}

// publish makes a payload, if anybody wants it, and queues it.
func (x *Exchange) publish(stream string, payload func() []byte) {
	subscribers := x.subs[stream]
	if len(subscribers) == 0 {
		return
	}
	raw := payload()
	var wrapped []byte
	for c := range subscribers {
		if !c.combined {
			c.enqueue(frame{data: raw})
			continue
		}
		if wrapped == nil {
			wrapped = streamproto.Wrap(stream, raw)
		}
		c.enqueue(frame{data: wrapped})
	}
}
