package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// UpdateStatus stores what a bot says about one of its feeds, in place of what it
// said of that feed before; its other feeds stay as they are, so that several of
// them can be updated at the same time. A zero Time is now. The caller's map is
// not changed. What is stored can be read by all: names of secrets are refused,
// and credentials that are recognised as such are taken out of the values.
//
// It blocks until the log acknowledged. The error matches domain.ErrInvalid,
// when nothing was stored, or domain.ErrUnreachable, when it may have been: then
// store the same again.
func (b *Bots) UpdateStatus(ctx context.Context, status domain.BotStatus) (domain.LogPosition, error) {
	status.Fields = cleanParams(status.Fields)
	if status.Time.IsZero() {
		status.Time = time.Now()
	}
	return b.client.log.Publish(ctx, status)
}

// DeleteStatus forgets what a bot said of a feed, or with an empty feed all that
// it said by then. Errors as for UpdateStatus; to forget what is not there is
// none.
func (b *Bots) DeleteStatus(ctx context.Context, bot, feed string) (domain.LogPosition, error) {
	return b.client.log.Publish(ctx, domain.BotDeleted{Bot: bot, Feed: feed})
}

// Status reads what a bot says, by feed. The error matches domain.ErrNotFound
// for one that has said nothing, domain.ErrInvalid, domain.ErrUnreachable, or
// domain.ErrUnknown for what cannot be read and while Redis is being folded
// anew, after having waited for it for two seconds.
func (b *Bots) Status(ctx context.Context, bot string) ([]domain.BotStatus, error) {
	if err := domain.CheckBot(bot); err != nil {
		return nil, err
	}
	var statuses []domain.BotStatus
	p := b.client.catalogue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		statuses, at, err = p.BotStatuses(ctx, bot)
		return at, err
	})
	if err == nil && len(statuses) == 0 {
		err = fmt.Errorf("status of bot %s: %w", bot, domain.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	sortStatuses(statuses)
	return statuses, nil
}

// Statuses reads what all bots say, by bot and feed. None is an empty result.
// Errors as for Status.
func (b *Bots) Statuses(ctx context.Context) ([]domain.BotStatus, error) {
	var statuses []domain.BotStatus
	p := b.client.catalogue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		statuses, at, err = p.AllBotStatuses(ctx)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	sortStatuses(statuses)
	return statuses, nil
}

func sortStatuses(statuses []domain.BotStatus) {
	slices.SortFunc(statuses, func(a, b domain.BotStatus) int {
		return cmp.Or(cmp.Compare(a.Bot, b.Bot), cmp.Compare(a.Feed, b.Feed))
	})
}
