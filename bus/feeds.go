package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// FeedsBucket is the KV bucket of the venues' feeds. The keys are
// lease.<exchange>, who follows the venue (see holder), and wanted.<exchange>,
// the symbols that are followed (see wanted), both JSON objects, so that 'nats kv'
// shows them to people.
const FeedsBucket = "FEEDS"

func feedsConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: FeedsBucket, Description: "who follows a venue, and which symbols of it", History: 1,
		MaxValueSize: maxWantedBytes, Storage: jetstream.FileStorage, Replicas: replicas,
	}
}

// holder is a lease as it is stored.
type holder struct {
	ID    string    `json:"id"`
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// Feeds is who follows which venue, and what of it. Its methods are safe for
// concurrent use.
type Feeds struct {
	bus *Bus
	kv  jetstream.KeyValue
}

// Feeds opens the bucket. The error matches domain.ErrNotFound when the
// deployment has none, or domain.ErrUnreachable.
func (b *Bus) Feeds(ctx context.Context) (*Feeds, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	kv, err := b.js.KeyValue(ctx, FeedsBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, fmt.Errorf("bucket %s of the venues' feeds: %w: the deployment has none, run 'fullon provision'", FeedsBucket, domain.ErrNotFound)
	}
	if err != nil {
		return nil, b.unreachable("bucket "+FeedsBucket, err)
	}
	return &Feeds{b, kv}, nil
}

// Holder tells who follows a venue. It is nobody's word that the process lives:
// see Age. The error matches domain.ErrNotFound when nobody does, or
// domain.ErrUnreachable.
func (f *Feeds) Holder(ctx context.Context, exchange string) (domain.Holder, error) {
	entry, err := f.get(ctx, leaseKey(exchange))
	if err != nil {
		return domain.Holder{}, err
	}
	h := domain.Holder{Revision: entry.Revision()}
	var value holder
	if json.Unmarshal(entry.Value(), &value) == nil { // what cannot be read is nobody's, but has an age
		h.ID, h.Host, h.PID, h.Since = value.ID, value.Host, value.PID, value.Since
	}
	info, err := f.bus.streamInfo(ctx, "KV_"+FeedsBucket)
	if err != nil {
		return domain.Holder{}, err
	}
	h.Age = info.TimeStamp.Sub(entry.Created())
	return h, nil
}

// Hold says that self follows a venue, if the last word about it is the one with
// this revision; zero: nobody follows it. It returns the revision to hold on
// with. The error matches domain.ErrConflict when somebody has said something
// since, or domain.ErrUnreachable.
func (f *Feeds) Hold(ctx context.Context, exchange string, self domain.Holder, revision uint64) (uint64, error) {
	return f.put(ctx, leaseKey(exchange), holder{self.ID, self.Host, self.PID, self.Since}, revision)
}

// Release says that nobody follows a venue any more, under the condition of Hold.
func (f *Feeds) Release(ctx context.Context, exchange string, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, f.bus.cfg.Timeout)
	defer cancel()
	return f.changed("release "+exchange, f.kv.Delete(ctx, leaseKey(exchange), jetstream.LastRevision(revision)))
}

func leaseKey(exchange string) string { return "lease." + exchange }

// get reads a key. The error matches domain.ErrNotFound or domain.ErrUnreachable.
func (f *Feeds) get(ctx context.Context, key string) (entry jetstream.KeyValueEntry, err error) {
	err = f.bus.ask(ctx, func(ctx context.Context) error {
		entry, err = f.kv.Get(ctx, key)
		return err
	})
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("%s in %s: %w", key, FeedsBucket, domain.ErrNotFound)
	}
	if err != nil {
		return nil, f.bus.unreachable(key, err)
	}
	return entry, nil
}

// put stores a key whose last revision is this; zero: it has none.
func (f *Feeds) put(ctx context.Context, key string, value any, revision uint64) (uint64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %w", key, domain.ErrInvalid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, f.bus.cfg.Timeout)
	defer cancel()
	var stored uint64
	if revision == 0 {
		stored, err = f.kv.Create(ctx, key, data)
	} else {
		stored, err = f.kv.Update(ctx, key, data, revision)
	}
	return stored, f.changed(key, err)
}

// changed sorts what may be wrong with a conditional change.
func (f *Feeds) changed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), isConflict(err):
		return fmt.Errorf("%s: %w: %w", what, domain.ErrConflict, err)
	}
	return f.bus.unreachable(what, err)
}
