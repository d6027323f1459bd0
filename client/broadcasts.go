package client

import (
	"context"
	"errors"
	"iter"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Broadcast sends a message to all processes of its type, those too that
// subscribe later and ask for what is kept, which is the newest
// cachestore.BroadcastCap. It returns the message's id. Credentials are taken
// out as for Update; a text that is too long is cut. After
// domain.ErrUnreachable it may or may not have been sent.
func (p *Processes) Broadcast(ctx context.Context, message domain.Broadcast) (string, error) {
	message.Text = domain.Shorten(domain.Redact(message.Text), domain.MaxTextBytes)
	message.Data = cleanParams(message.Data)
	if err := message.Validate(); err != nil {
		return "", err
	}
	return p.store.Broadcast(ctx, message)
}

// Subscribe yields the messages to a type, in order and each once: those behind
// the one with the id after, "0-0" for all that are kept, or from now on when
// after is empty. With the ID of the last message that it saw, a subscriber that
// was away misses nothing that is kept.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable is yielded for as long as Redis is away, and
// nothing that is kept is missed when it is back. One that matches
// domain.ErrLagged says that messages may have been missed, because the last one
// is no longer kept; the iteration goes on with the oldest that is. Other errors
// end it. It holds one connection to Redis while it waits.
func (p *Processes) Subscribe(ctx context.Context, t domain.ProcessType, after string) iter.Seq2[domain.Broadcast, error] {
	return func(yield func(domain.Broadcast, error) bool) {
		if _, err := domain.ParseProcessType(string(t)); err != nil {
			yield(domain.Broadcast{}, err)
			return
		}
		if after != "" {
			if err := cachestore.CheckBroadcastID(after); err != nil {
				yield(domain.Broadcast{}, err)
				return
			}
		}
		at := after
		for !p.over(ctx) {
			messages, err := p.nextBroadcasts(ctx, t, &at)
			if p.over(ctx) {
				return
			}
			if err != nil {
				if !yield(domain.Broadcast{}, err) || errors.Is(err, domain.ErrUnknown) {
					return
				}
				if errors.Is(err, domain.ErrUnreachable) {
					pause.For(ctx, retryRead)
				}
				continue
			}
			for _, message := range messages {
				at = message.ID
				if !yield(message, nil) {
					return
				}
			}
		}
	}
}

// nextBroadcasts reads what follows, or waits a while for it. It sets the place
// to go on at where that is not known or no longer there.
func (p *Processes) nextBroadcasts(ctx context.Context, t domain.ProcessType, at *string) ([]domain.Broadcast, error) {
	if *at == "" {
		last, err := p.store.LastBroadcast(ctx, t)
		if err != nil {
			return nil, err
		}
		*at = last
	}
	messages, err := p.store.BroadcastsAfter(ctx, t, *at)
	if errors.Is(err, domain.ErrLagged) {
		*at = "0-0"
	}
	if err != nil || len(messages) > 0 {
		return messages, err
	}
	return nil, p.store.WaitBroadcast(ctx, t, *at, waitSlice)
}

// over tells whether the caller or the client has ended.
func (p *Processes) over(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	case <-p.closed:
		return true
	default:
		return false
	}
}
