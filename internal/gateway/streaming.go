package gateway

import (
	"context"
	"fmt"

	"github.com/fullon/fullon/domain"
)

// subscribe begins a stream: the answer, then the snapshot, then every change.
func (c *conn) subscribe(ctx context.Context, op *operation, r *request) error {
	open, err := op.open(ctx, r)
	if err != nil {
		return err
	}
	s := &subscription{
		conn: c, key: c.streamKey(r), codec: r.codec, dialect: r.dialect, requestID: r.id,
		conflated: open.sources[0].conflated, maxRate: open.maxRate, topics: open.topics, match: open.match, after: open.after, last: open.last, missed: open.missed,
	}
	if s.encodedKey, err = r.codec.encode(s.key); err != nil {
		return err
	}
	c.mu.Lock()
	switch {
	case c.closing != nil:
		err = context.Canceled
	case c.subs[s.key] != nil:
		err = fail(CodeDuplicate, "this connection has a stream of this request id; unsubscribe it, or take another id")
	case len(c.subs) >= c.server.limits.MaxStreams:
		err = fail(CodeTooMany, fmt.Sprintf("a connection has at most %d streams", c.server.limits.MaxStreams))
	default:
		c.subs[s.key] = s
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	s.confirm = func() { c.answer(r, r.dialect.confirmation(r, s.key)) }
	leave, err := c.server.hub.join(ctx, open.sources, s)
	if err != nil {
		c.forget(s.key)
		return err
	}
	c.mu.Lock()
	if c.subs[s.key] == s {
		s.leave, leave = leave, nil
	}
	c.mu.Unlock()
	if leave != nil {
		leave() // the connection ended meanwhile
	}
	return nil
}

// streamKey names a stream in its connection, as clients know it.
func (c *conn) streamKey(r *request) string {
	id := string(r.id)
	if text, err := r.codec.text(r.id); err == nil {
		id = text
	}
	if d, ok := c.dialect.(byTopic); ok {
		return d.connection + ":" + id
	}
	return id
}

// unsubscribe ends a stream. What waits of it is not sent any more.
func (c *conn) unsubscribe(key string) error {
	s := c.forget(key)
	if s == nil {
		return fmt.Errorf("stream %q: %w", domain.Shorten(key, 64), domain.ErrNotFound)
	}
	if s.leave != nil {
		s.leave()
	}
	return nil
}

func (c *conn) forget(key string) *subscription {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.subs[key]
	if s == nil {
		return nil
	}
	delete(c.subs, key)
	if !s.conflated {
		c.queued -= s.waiting()
	}
	s.queue, s.first, s.places = nil, 0, nil
	s.ended = true
	return s
}
