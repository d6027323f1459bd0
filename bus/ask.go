package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// askAgain is how long a first question to a stream waits for its answer; each
// further one waits twice as long.
const askAgain = 500 * time.Millisecond

// ask puts a question to a stream until it is answered, or the configured
// timeout has passed. One that comes while nobody leads the stream is never
// answered: in a cluster whose node has died, whoever waits for that answer learns
// of the new leader only when the timeout is over. The question must change
// nothing.
func (b *Bus) ask(ctx context.Context, question func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	for wait := askAgain; ; wait *= 2 {
		once, end := context.WithTimeout(ctx, wait)
		err := question(once)
		late := once.Err() != nil
		end()
		if !late || ctx.Err() != nil || !(errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)) {
			return err
		}
	}
}
