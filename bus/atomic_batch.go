package bus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// atomicBatch sends messages that a stream stores all, one behind the other, or
// none of (NATS ADR-50). Unlike jetstreamext it makes neither a message nor headers
// for each, which the connection copies anyway. It is not safe for concurrent use.
type atomicBatch struct {
	nc  *nats.Conn
	id  string
	n   int
	msg nats.Msg // sent again and again
}

func newAtomicBatch(nc *nats.Conn) *atomicBatch {
	b := &atomicBatch{nc: nc, id: rand.Text()}
	b.msg.Header = nats.Header{jetstreamext.BatchIDHeader: {b.id}, jetstreamext.BatchSeqHeader: {""}}
	return b
}

// next makes b.msg the next message, with the condition of a market or none.
func (b *atomicBatch) next(msg *nats.Msg, condition *market) {
	b.n++
	b.msg.Subject, b.msg.Data = msg.Subject, msg.Data
	b.msg.Header[jetstreamext.BatchSeqHeader][0] = strconv.Itoa(b.n)
	b.msg.Header.Del(jetstream.ExpectedLastSubjSeqSubjHeader)
	b.msg.Header.Del(jetstream.ExpectedLastSubjSeqHeader)
	if condition != nil {
		condition.condition(&b.msg)
	}
}

// add sends a message that is not the last one. With the first it waits until the
// server has begun the batch.
func (b *atomicBatch) add(ctx context.Context, msg *nats.Msg, condition *market) error {
	b.next(msg, condition)
	if b.n > 1 {
		return b.nc.PublishMsg(&b.msg)
	}
	_, err := b.request(ctx)
	return err
}

// commit sends the last message and returns its sequence.
func (b *atomicBatch) commit(ctx context.Context, msg *nats.Msg, condition *market) (uint64, error) {
	b.next(msg, condition)
	b.msg.Header.Set(jetstreamext.BatchCommitHeader, "1")
	ack, err := b.request(ctx)
	if err != nil {
		return 0, err
	}
	if ack.BatchID != b.id || ack.BatchSize != uint64(b.n) || ack.Sequence < uint64(b.n) {
		return 0, fmt.Errorf("a batch of %d messages: %w", b.n, jetstreamext.ErrInvalidBatchAck)
	}
	return ack.Sequence, nil
}

// request sends b.msg and reads the answer, which is empty before the commit. The
// error of a refusal is a *jetstream.APIError.
func (b *atomicBatch) request(ctx context.Context) (ack jetstreamext.BatchAck, err error) {
	answer, err := b.nc.RequestMsgWithContext(ctx, &b.msg)
	if err != nil || len(answer.Data) == 0 {
		return ack, err
	}
	var refused struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &refused); err != nil {
		return ack, fmt.Errorf("the answer to a batch: %w", err)
	}
	if refused.Error != nil {
		return ack, refused.Error
	}
	return ack, json.Unmarshal(answer.Data, &ack)
}
