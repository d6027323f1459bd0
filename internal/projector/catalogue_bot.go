package projector

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// botFold keeps the newest status of each feed of each bot. Whatever comes
// without a feed removes all of a bot: the log keeps only the newest of those
// messages, so the kind of it must not matter.
type botFold struct {
	partition *cachestore.Partition
	bots      map[string]*botState
	dirty     []*botState
	loaded    bool // the last load asked Redis
}

type botState struct {
	bot     string
	feeds   map[string]bool
	changed map[string]cachestore.FieldWrite
	dirty   bool
}

func newBotFold(partition *cachestore.Partition) *botFold {
	return &botFold{partition: partition, bots: make(map[string]*botState)}
}

func (f *botFold) load(ctx context.Context, records []domain.Record) error {
	missing := make(map[string]bool)
	for i := range records {
		if bot := records[i].Key.Bot; f.bots[bot] == nil {
			missing[bot] = true
		}
	}
	f.loaded = len(missing) > 0
	if !f.loaded {
		return nil
	}
	bots := make([]string, 0, len(missing))
	for bot := range missing {
		bots = append(bots, bot)
	}
	loaded, err := f.partition.LoadBots(ctx, bots)
	if err != nil {
		return err
	}
	for bot, feeds := range loaded {
		b := &botState{bot: bot, feeds: make(map[string]bool), changed: make(map[string]cachestore.FieldWrite)}
		for _, feed := range feeds {
			b.feeds[feed] = true
		}
		f.bots[bot] = b
	}
	return nil
}

func (f *botFold) asked() bool { return f.loaded }

func (f *botFold) add(rec domain.Record) error {
	b := f.bots[rec.Key.Bot]
	event, err := wire.Decode(rec.Key, rec.Data)
	switch _, isStatus := event.(domain.BotStatus); {
	case rec.Key.BotFeed == "":
		for feed := range b.feeds {
			b.remove(feed)
		}
	case isStatus:
		b.feeds[rec.Key.BotFeed] = true
		b.changed[rec.Key.BotFeed] = cachestore.FieldWrite{Field: rec.Key.BotFeed, Write: cachestore.Write{Seq: rec.Seq, Payload: rec.Data}}
	default: // a deletion, or nothing that can be used
		b.remove(rec.Key.BotFeed)
	}
	if !b.dirty {
		b.dirty = true
		f.dirty = append(f.dirty, b)
	}
	return err
}

func (b *botState) remove(feed string) {
	delete(b.feeds, feed)
	b.changed[feed] = cachestore.FieldWrite{Field: feed}
}

func (f *botFold) flush(batch *cachestore.Batch, _ *stats) error {
	for _, b := range f.dirty {
		batch.PutBot(b.bot, take(b.changed), len(b.feeds) > 0)
		b.dirty = false
	}
	f.dirty = f.dirty[:0]
	return nil
}
