package gateway

import (
	"slices"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// update is one message of a feed. All subscriptions share it, so that it is
// encoded once for each codec that somebody wants.
type update struct {
	name  string // of the message: ticker_update
	item  string // what it is the newest state of; empty: it stands for itself
	topic string // what subscriptions choose by, such as a symbol
	seq   uint64 // position in the log of what it tells; zero: it is not from the log
	gone  bool   // the item is no more
	mark  any    // what else tells two updates of an item apart, comparable
	view  any    // the fields of the message, a struct
	about any    // what filters look at; nil: nothing
	key   any    // the fields that name the item, a struct; nil: nobody is told when it is gone

	json, msgpack body
}

// body is an update in one codec.
type body struct {
	once   sync.Once
	fields []byte
	n      int
	err    error
}

func (u *update) encoded(c codec) *body {
	b := &u.json
	if c.frame() == websocket.MessageBinary {
		b = &u.msgpack
	}
	b.once.Do(func() { b.fields, b.n, b.err = c.fields(u.view) })
	return b
}

// same tells whether a subscriber who has the one learns nothing from the other.
func (u *update) same(other *update) bool {
	return u.seq == other.seq && u.gone == other.gone && u.mark == other.mark
}

// farewell tells that the item is gone; nil: that is not told.
func (u *update) farewell() *update {
	if u.key == nil {
		return nil
	}
	return &update{name: strings.TrimSuffix(u.name, "_update") + "_deleted", item: u.item, topic: u.topic, gone: true, view: u.key}
}

// updatesOf makes updates of what was read. id tells what a thing is the state
// of, and what tells two states of it apart; make is called for those only that
// are not known as they are.
func updatesOf[T any](things []T, known func(string) *update, id func(*T) (item string, seq uint64, mark any), make func(T) *update) []*update {
	updates := slices.Grow([]*update(nil), len(things))
	for i := range things {
		item, seq, mark := id(&things[i])
		u := known(item)
		if u == nil || u.seq != seq || u.mark != mark {
			u = make(things[i])
			u.item, u.seq, u.mark = item, seq, mark
		}
		updates = append(updates, u)
	}
	return updates
}
