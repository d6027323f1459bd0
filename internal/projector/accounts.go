package projector

import (
	"context"
	"maps"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// accountFold keeps the newest balance and position of each account, and its
// fills. Between two flushes balances and positions are conflated, fills never.
type accountFold struct {
	partition *cachestore.Partition
	keep      int // fills per account and exchange
	accounts  map[string]*accountState
	queues    map[cachestore.Queue]*fillQueue

	open map[*accountState]bool // something of them is not as the venue says

	dirtyAccounts []*accountState
	dirtyQueues   []*fillQueue
	loaded        bool // the last load asked Redis
	resumed       bool // what another projector has left to reconcile is known
	outOfOrder    uint64
	duplicates    uint64
	dropped       uint64
}

func newAccountFold(partition *cachestore.Partition, keep int) *accountFold {
	return &accountFold{
		partition: partition, keep: keep,
		accounts: make(map[string]*accountState), queues: make(map[cachestore.Queue]*fillQueue),
		open: make(map[*accountState]bool),
	}
}

func queueOf(key domain.Key) cachestore.Queue {
	return cachestore.Queue{Account: key.Account, Exchange: key.Exchange}
}

func (f *accountFold) load(ctx context.Context, records []domain.Record) error {
	accounts, queues := make(map[string]bool), make(map[cachestore.Queue]bool)
	for i := range records {
		switch key := records[i].Key; key.Kind {
		case domain.KindFill, domain.KindAck:
			if q := queueOf(key); f.queues[q] == nil {
				queues[q] = true
			}
		}
		if account := records[i].Key.Account; account != "" && f.accounts[account] == nil && records[i].Key.Kind != domain.KindAck {
			accounts[account] = true
		}
	}
	f.loaded = len(accounts)+len(queues) > 0
	if err := f.loadAccounts(ctx, accounts); err != nil {
		return err
	}
	return f.loadQueues(ctx, queues)
}

func (f *accountFold) asked() bool { return f.loaded }

func (f *accountFold) loadAccounts(ctx context.Context, missing map[string]bool) error {
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, 0, len(missing))
	for account := range missing {
		names = append(names, account)
	}
	loaded, err := f.partition.LoadAccounts(ctx, names)
	if err != nil {
		return err
	}
	for account, orders := range loaded {
		f.accounts[account] = newAccountState(account, orders)
	}
	return nil
}

func (f *accountFold) loadQueues(ctx context.Context, missing map[cachestore.Queue]bool) error {
	if len(missing) == 0 {
		return nil
	}
	names := make([]cachestore.Queue, 0, len(missing))
	for q := range missing {
		names = append(names, q)
	}
	loaded, err := f.partition.LoadQueues(ctx, names, f.keep)
	if err != nil {
		return err
	}
	for q, state := range loaded {
		f.queues[q] = newFillQueue(q, f.keep)
		f.queues[q].load(state)
	}
	return nil
}

func (f *accountFold) add(rec domain.Record) error {
	event, err := wire.Decode(rec.Key, rec.Data)
	if err != nil {
		return err
	}
	switch ev := event.(type) {
	case domain.Fill:
		if ev.First >= rec.Seq {
			return domain.Invalid("first", "", "0, or the sequence of an earlier event")
		}
		q := f.queues[queueOf(rec.Key)]
		dropped, fills := q.dropped, len(q.fills)
		f.touchQueue(q, q.push(ev, cachestore.Write{Seq: rec.Seq, Payload: rec.Data}))
		f.dropped += uint64(q.dropped - dropped)
		if len(q.fills) > fills { // one that was not there before
			a := f.accounts[rec.Key.Account]
			a.count(ev)
			f.touchAccount(a)
		}
	case domain.FillAcked:
		q := f.queues[queueOf(rec.Key)]
		f.touchQueue(q, q.ack(ev.ID))
	default:
		return f.addState(rec, event)
	}
	return nil
}

// addState folds what is not about fills.
func (f *accountFold) addState(rec domain.Record, event domain.Event) error {
	a := f.accounts[rec.Key.Account]
	w := cachestore.Write{Seq: rec.Seq, Payload: rec.Data}
	news, err := false, error(nil)
	switch ev := event.(type) {
	case domain.Balance:
		news = a.setBalance(ev, w)
	case domain.Position:
		news, err = a.setPosition(ev.Symbol, cachestore.PositionOrder{Time: domain.UnixNano(ev.Time), Volume: ev.Volume}, w)
	case domain.PositionDeleted:
		news, err = a.setPosition(ev.Symbol, cachestore.PositionOrder{Time: domain.UnixNano(ev.Time), Deleted: true}, w)
	case domain.PositionsReplaced:
		news, err = a.replace(ev, rec.Seq)
	case domain.Difference:
		if err = ev.Validate(); err == nil {
			a.differ(ev, w)
			news = true
		}
	default:
		return misplaced(rec)
	}
	switch {
	case err != nil:
		return err
	case !news:
		f.outOfOrder++
	default:
		f.touchAccount(a)
	}
	return nil
}

func (f *accountFold) touchAccount(a *accountState) {
	if !a.changed {
		a.changed = true
		f.dirtyAccounts = append(f.dirtyAccounts, a)
	}
}

func (f *accountFold) touchQueue(q *fillQueue, news bool) {
	switch {
	case !news:
		f.duplicates++
	case !q.changed:
		q.changed = true
		f.dirtyQueues = append(f.dirtyQueues, q)
	}
}

func (f *accountFold) flush(b *cachestore.Batch, s *stats) error {
	for _, a := range f.dirtyAccounts {
		a.flush(b)
		if len(a.open) > 0 {
			f.open[a] = true
		} else {
			delete(f.open, a)
		}
	}
	for _, q := range f.dirtyQueues {
		q.flush(b)
	}
	f.dirtyAccounts, f.dirtyQueues = f.dirtyAccounts[:0], f.dirtyQueues[:0]
	s.outOfOrder.Add(f.outOfOrder)
	s.duplicates.Add(f.duplicates)
	s.dropped.Add(f.dropped)
	f.outOfOrder, f.duplicates, f.dropped = 0, 0, 0
	return nil
}

// differences implements reconciler. The first time it looks what another
// projector has left.
func (f *accountFold) differences(ctx context.Context, rests time.Duration) (events []domain.Event, asked bool, err error) {
	if !f.resumed {
		left, err := f.partition.Unsettled(ctx)
		if err != nil {
			return nil, false, err
		}
		missing := make(map[string]bool, len(left))
		for _, account := range left {
			missing[account] = f.accounts[account] == nil
		}
		maps.DeleteFunc(missing, func(_ string, missing bool) bool { return !missing })
		if err := f.loadAccounts(ctx, missing); err != nil {
			return nil, false, err
		}
		for account := range missing {
			a := f.accounts[account]
			a.resume()
			f.open[a] = true
		}
		f.resumed = true
		return nil, true, nil
	}
	now := time.Now()
	for a := range f.open {
		events = append(events, a.differences(now.Add(-rests), now)...)
	}
	return events, false, nil
}

// old implements renewer.
func (f *accountFold) old(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	return f.partition.OldEvents(ctx, at, before, limit)
}
