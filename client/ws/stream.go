package ws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// watched is what an iteration is about.
type watched[T any] struct {
	operation string
	// params of a subscription that goes on behind a sequence; zero: from the
	// beginning.
	params func(after uint64) map[string]any
	// decode makes a value of a message. item is what it is the newest state of;
	// empty: it stands for itself, and none may be left out.
	decode func(m *message, data []byte) (value T, item string, err error)
	// gone makes of the last value of an item what says that it is no more. nil: a
	// snapshot without an item says nothing.
	gone func(last T) T
	// ordered: values come in the order of their sequences, so that one that is not
	// behind the last was there before.
	ordered bool
	// quiet leaves out the first snapshot.
	quiet bool
}

// iteration is how far an iteration has come.
type iteration[T any] struct {
	watched[T]
	client *Client
	yield  func(T, error) bool
	pauses *backoff.ExponentialBackOff

	after   uint64       // resume behind it; zero: from the beginning
	highest uint64       // of what was yielded; it becomes after when nothing before can be missing
	live    bool         // a snapshot was complete at least once
	current bool         // the present subscription's snapshot is complete
	known   map[string]T // items that were yielded and are not gone, if gone
	seen    map[string]bool
	ended   bool // by who iterates
}

// watch iterates over a stream until ctx or the client ends.
func watch[T any](ctx context.Context, c *Client, w watched[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(c.ctx, cancel)()
		i := &iteration[T]{watched: w, client: c, yield: yield, known: make(map[string]T), pauses: backoff.NewExponentialBackOff()}
		i.pauses.InitialInterval, i.pauses.MaxInterval = 50*time.Millisecond, 5*time.Second
		for ctx.Err() == nil && !i.ended {
			err := i.subscribe(ctx)
			if err == nil || ctx.Err() != nil || i.ended {
				continue
			}
			var none T
			if !yield(none, err) || fatal(err) {
				return
			}
			pause.For(ctx, i.pauses.NextBackOff())
		}
	}
}

// subscribe yields what one subscription tells. It ends with its connection, with
// an error of the server, or without one where more came than waits for a slow
// iteration: then the next goes on behind it.
func (i *iteration[T]) subscribe(ctx context.Context) error {
	l, err := i.client.connected(ctx)
	if err != nil {
		return err
	}
	id := i.client.id()
	data, err := json.Marshal(request{id, i.operation, i.params(i.after)})
	if err != nil {
		return err
	}
	s := &subscription[T]{operation: i.operation, decode: i.decode, most: i.client.cfg.Buffer, signal: make(chan struct{}, 1), places: make(map[string]int)}
	l.listen(id, s)
	defer l.forget(id)
	if err := l.send(ctx, data); err != nil {
		return err
	}
	defer i.unsubscribe(l, id)
	i.current, i.seen = false, make(map[string]bool)
	for {
		e, ok, full := s.next()
		switch {
		case ok:
			if err := i.deal(e); err != nil || i.ended {
				return err
			}
			continue
		case full:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.signal:
		case <-l.ctx.Done():
			// What came before has been put there, and is dealt with first. What comes
			// later still is told again.
			for e, ok, _ := s.next(); ok; e, ok, _ = s.next() {
				if err := i.deal(e); err != nil || i.ended || ctx.Err() != nil {
					return err
				}
			}
			return context.Cause(l.ctx)
		}
	}
}

// unsubscribe ends a subscription; the answer is of no interest.
func (i *iteration[T]) unsubscribe(l *link, id string) {
	if data, err := json.Marshal(request{i.client.id(), "unsubscribe", map[string]string{"request_id": id}}); err == nil {
		_ = l.send(i.client.ctx, data)
	}
}

// deal yields what an event tells. An error ends the subscription.
func (i *iteration[T]) deal(e event[T]) error {
	switch {
	case e.refused != nil:
		return e.refused
	case e.live:
		i.begun()
	case e.err != nil:
		var missed *MissedError
		if errors.As(e.err, &missed) && i.highest == 0 {
			return nil // nothing was there when it began, so nothing before is missing
		}
		i.tell(e.value, e.err)
	default:
		i.value(e)
	}
	return nil
}

func (i *iteration[T]) tell(value T, err error) {
	if !i.ended && !i.yield(value, err) {
		i.ended = true
	}
}

// value yields a value unless it was yielded before.
func (i *iteration[T]) value(e event[T]) {
	i.seen[e.item] = true
	if i.ordered && e.sequence > 0 && e.sequence <= i.highest {
		return
	}
	i.highest = max(i.highest, e.sequence)
	if i.ordered || i.current {
		i.after = i.highest // a snapshot that is not ordered counts only as a whole
	}
	if i.gone != nil {
		i.known[e.item] = e.value
		if e.gone {
			delete(i.known, e.item)
		}
	}
	if !i.quiet || i.live || !e.snapshot {
		i.tell(e.value, nil)
	}
}

// begun takes note that the snapshot is complete: what is not in it is gone.
func (i *iteration[T]) begun() {
	i.pauses.Reset()
	if !i.current && i.gone != nil {
		for item, last := range i.known {
			if !i.seen[item] {
				delete(i.known, item)
				i.tell(i.gone(last), nil)
			}
		}
	}
	i.current, i.live = true, true
	// Behind nothing is behind the first one: what comes from now on has been seen
	// by nobody.
	i.after = max(i.highest, 1)
}

// event is what a subscription tells.
type event[T any] struct {
	value    T
	item     string
	sequence uint64
	snapshot bool
	gone     bool
	live     bool
	err      error
	refused  error // why there is no such stream
}

// decodeInto reads the fields of a message of a stream.
func decodeInto(data []byte, view any) error {
	if err := json.Unmarshal(data, view); err != nil {
		return fmt.Errorf("%w: a message of the server: %w", domain.ErrUnknown, err)
	}
	return nil
}
