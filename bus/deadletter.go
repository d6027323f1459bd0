package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/domain"
)

// The headers of a dead letter.
const (
	headerSubject = "Fullon-Subject"
	headerReason  = "Fullon-Reason"
)

// DeadLetter keeps a message that could not be used, with the reason. Its
// subject is deadletter.<stream>.<sequence>, so refusing it again replaces it.
// It blocks until the log has it; the error matches domain.ErrUnreachable.
func (b *Bus) DeadLetter(ctx context.Context, stream string, rec domain.Record, reason error) error {
	msg := nats.NewMsg("deadletter." + stream + "." + strconv.FormatUint(rec.Seq, 10))
	msg.Data = rec.Data
	msg.Header.Set(headerSubject, rec.Subject)
	msg.Header.Set(headerReason, oneLine(reason.Error()))
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	if _, err := b.js.PublishMsg(ctx, msg); err != nil {
		return b.unreachable(fmt.Sprintf("dead letter of %s %d", stream, rec.Seq), err)
	}
	return nil
}

// oneLine makes a text fit for a header.
func oneLine(text string) string {
	const limit = 1024
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	return text[:min(len(text), limit)]
}
