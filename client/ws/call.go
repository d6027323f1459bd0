package ws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// request is a message to the server.
type request struct {
	RequestID string `json:"request_id"`
	Operation string `json:"operation"`
	Params    any    `json:"params,omitempty"`
}

// Call asks for any operation of the protocol and decodes the result into what
// result points to; nil: it is not wanted. list_operations lists them. params is
// encoded as JSON; nil: none. A domain.Decimal may be a part of both.
//
// The error is ctx's, an *Error, or matches domain.ErrUnreachable: then an
// operation that writes may have done so.
func (c *Client) Call(ctx context.Context, operation string, params, result any) error {
	return c.call(ctx, operation, params, result, 0)
}

// call is Call of an operation that itself waits, for so long at most.
func (c *Client) call(ctx context.Context, operation string, params, result any, waits time.Duration) error {
	id := c.id()
	data, err := json.Marshal(request{id, operation, params})
	if err != nil {
		return domain.Invalid("params", operation, "what can be written as JSON: "+err.Error())
	}
	l, err := c.connected(ctx)
	if err != nil {
		return err
	}
	answered := make(answer, 1)
	l.listen(id, answered)
	defer l.forget(id)
	own, cancel := context.WithTimeout(ctx, c.cfg.Timeout+waits)
	defer cancel()
	if err = l.send(own, data); err == nil {
		select {
		case m := <-answered:
			return m.into(operation, result)
		case <-l.ctx.Done():
			err = context.Cause(l.ctx)
		case <-own.Done():
			err = own.Err()
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w: no answer within %s", operation, domain.ErrUnreachable, c.cfg.Timeout+waits)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// answer waits for one.
type answer chan *message

func (a answer) take(m *message, _ []byte) {
	select {
	case a <- m:
	default: // it has one
	}
}

// into decodes what was answered.
func (m *message) into(operation string, result any) error {
	if m.Success == nil || !*m.Success {
		return &Error{Operation: operation, Code: m.ErrorCode, Text: m.Error}
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("%s: %w: the answer: %w", operation, domain.ErrUnknown, err)
	}
	return nil
}

// get is Call with the result returned.
func get[R any](ctx context.Context, c *Client, operation string, params any) (R, error) {
	var result R
	err := c.Call(ctx, operation, params, &result)
	return result, err
}

// stored is the answer to a write.
type stored struct {
	Stream   string `json:"stream"`
	Sequence uint64 `json:"sequence"`
}

// store asks for a write and tells where the log has it.
func (c *Client) store(ctx context.Context, operation string, params any) (domain.LogPosition, error) {
	at, err := get[stored](ctx, c, operation, params)
	return domain.LogPosition{Stream: at.Stream, Seq: at.Sequence}, err
}
