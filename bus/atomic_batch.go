package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/synadia-io/orbit.go/jetstreamext"
)

// atomicBatch sends messages that a stream stores all, one behind the other, or
// none of (NATS ADR-50). Unlike jetstreamext it makes neither a message nor headers
// for each, which the connection copies anyway. It is not safe for concurrent use.
type atomicBatch struct {
	requester *requester
	deadline  time.Time // of the whole batch
	id        string
	n         int
	req       *request // sent again and again
}

func (r *requester) newAtomicBatch(deadline time.Time) *atomicBatch {
	b := &atomicBatch{requester: r, deadline: deadline, id: rand.Text(), req: newRequest(outgoing{})}
	b.req.set(headerBatchID, b.id)
	return b
}

// end is to be called when nothing more is sent. What was not committed is
// forgotten by the server.
func (b *atomicBatch) end() { b.req.release() }

// next makes b.req the next message.
func (b *atomicBatch) next(m outgoing) {
	b.n++
	b.req.fill(m)
	b.req.set(headerBatchSeq, strconv.Itoa(b.n))
}

// add sends a message that is not the last one. What a server has against it, or
// against one before it, its answer to the commit tells: that the batch is
// incomplete.
func (b *atomicBatch) add(m outgoing) error {
	b.next(m)
	b.req.msg.Reply = ""
	return b.requester.nc.PublishMsg(&b.req.msg)
}

// begin sends the first message and waits until the server has begun the batch,
// so that nothing more is sent if it does not.
func (b *atomicBatch) begin(ctx context.Context, m outgoing) error {
	b.next(m)
	_, err := b.requester.ask(ctx, b.req, b.deadline)
	if errors.Is(err, errEmptyAnswer) {
		return nil
	}
	return err
}

// commit sends the last message; committed tells what became of the batch.
func (b *atomicBatch) commit(m outgoing) error {
	b.next(m)
	b.req.set(headerBatchCommit, "1")
	return b.requester.sendNow(b.req, b.deadline)
}

// committed waits until the batch is stored and returns the last message's sequence.
func (b *atomicBatch) committed(ctx context.Context) (uint64, error) {
	ack, err := b.requester.wait(ctx, b.req)
	if err != nil {
		return 0, err
	}
	if ack.batch != b.id || ack.count != uint64(b.n) || ack.seq < uint64(b.n) {
		return 0, fmt.Errorf("a batch of %d messages: %w", b.n, jetstreamext.ErrInvalidBatchAck)
	}
	return ack.seq, nil
}
