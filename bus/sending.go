package bus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxUnderWay is how many messages of all sendings together may wait for their
// acknowledgement: far fewer than a server lets wait.
const maxUnderWay = 1024

// sending is messages of one caller that are under way together.
type sending struct {
	bus     *Bus
	waiting []inFlight // the oldest first
	// settled is told what became of message i; an error of it ends the sending.
	settled func(i int, seq uint64, err error) error
}

type inFlight struct {
	i      int
	stream string
	req    *request
}

// post makes message i one of those that are sent next, as soon as no more than
// maxUnderWay are under way.
func (s *sending) post(ctx context.Context, i int, m outgoing) error {
	if err := s.reserve(ctx, m.Subject); err != nil {
		return err
	}
	req := newRequest(m)
	req.fragile = true
	deadline := time.Now().Add(s.bus.cfg.Timeout)
	if err := s.bus.requester.post(req, deadline); err != nil {
		<-s.bus.underWay
		return s.refused(ctx, m.Subject, m.Stream, deadline, err)
	}
	s.waiting = append(s.waiting, inFlight{i, m.Stream, req})
	return nil
}

// reserve waits until one more message may be under way. Where all are, half of
// those of this sending are settled first, so that many go out together again.
func (s *sending) reserve(ctx context.Context, subject string) error {
	for len(s.waiting) > 0 {
		select {
		case s.bus.underWay <- struct{}{}:
			return nil
		default:
		}
		s.bus.requester.send()
		for range (len(s.waiting) + 1) / 2 {
			if err := s.settle(ctx); err != nil {
				return err
			}
		}
	}
	select {
	case s.bus.underWay <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publish %s: %w", subject, ctx.Err())
	}
}

// settle waits for the oldest acknowledgement.
func (s *sending) settle(ctx context.Context) error {
	m := s.waiting[0]
	s.waiting = s.waiting[1:]
	ack, err := s.bus.requester.wait(ctx, m.req)
	subject, deadline := m.req.msg.Subject, m.req.deadline
	m.req.release()
	<-s.bus.underWay
	if err != nil {
		err = s.refused(ctx, subject, m.stream, deadline, err)
	}
	return s.settled(m.i, ack.seq, err)
}

// settleAll sends what is not sent yet and waits for all acknowledgements.
func (s *sending) settleAll(ctx context.Context) error {
	s.bus.requester.send()
	for len(s.waiting) > 0 {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *sending) refused(ctx context.Context, subject, stream string, deadline time.Time, err error) error {
	if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return s.bus.refused(ctx, deadline, "publish "+subject, stream, err)
}

// abandon gives up what is still under way.
func (s *sending) abandon() {
	for _, m := range s.waiting {
		s.bus.requester.abandon(m.req)
		m.req.release()
		<-s.bus.underWay
	}
}
