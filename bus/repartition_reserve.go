package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

const (
	// repartitionBucket has one key while somebody repartitions the deployment.
	repartitionBucket = "REPARTITION"
	repartitionKey    = "by"
	// reserveLapse is when the log forgets a reservation that was not renewed.
	reserveLapse = 3 * time.Second
	reserveBeat  = reserveLapse / 6
)

// reserve keeps others from repartitioning the deployment at the same time, until
// release: what they would do is the same, but they would wonder why it takes so
// long. The context ends when the reservation is lost. The error matches
// domain.ErrConflict while somebody else has it, once he has shown that he lives.
func (b *Bus) reserve(ctx context.Context) (reserved context.Context, release func(), err error) {
	catalogue, err := b.streamInfo(ctx, CatalogueStream)
	if err != nil {
		return nil, nil, err
	}
	var kv jetstream.KeyValue
	err = b.ask(ctx, func(ctx context.Context) (err error) {
		kv, err = b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: repartitionBucket, Description: "who repartitions the deployment", History: 1, TTL: reserveLapse, Storage: jetstream.FileStorage,
			Replicas: catalogue.Config.Replicas, // else a node that is gone would keep others from going on
		})
		return err
	})
	if err != nil {
		return nil, nil, b.unreachable("bucket "+repartitionBucket, err)
	}
	host, _ := os.Hostname() // only people read it
	r := &reservation{kv: kv, value: fmt.Sprintf("process %d on %s (%s)", os.Getpid(), host, rand.Text()[:6]), timeout: b.cfg.Timeout}
	for seen := uint64(0); ; {
		other, err := r.take(ctx)
		if err != nil {
			return nil, nil, b.unreachable("reservation", err)
		}
		if other == nil {
			break
		}
		if seen != 0 && other.Revision() != seen {
			return nil, nil, fmt.Errorf("%w: %s is repartitioning the deployment", domain.ErrConflict, other.Value())
		}
		seen = other.Revision()
		if pause.For(ctx, reserveBeat/2); ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	reserved, lose := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			pause.For(reserved, reserveBeat)
			if reserved.Err() != nil {
				return
			}
			// While the log is away nobody else can have it either.
			if other, err := r.take(reserved); err == nil && other != nil {
				lose(fmt.Errorf("%w: %s has taken over", domain.ErrConflict, other.Value()))
			}
		}
	}()
	return reserved, func() {
		lose(nil)
		<-ended
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserveLapse)
		defer cancel()
		_ = kv.Delete(ctx, repartitionKey, jetstream.LastRevision(r.revision)) // else it lapses
	}, nil
}

// AwaitRepartition blocks until nobody repartitions the deployment, or ctx ends.
// The error matches domain.ErrUnreachable.
func (b *Bus) AwaitRepartition(ctx context.Context) error {
	for ctx.Err() == nil {
		err := b.ask(ctx, func(ctx context.Context) error {
			kv, err := b.js.KeyValue(ctx, repartitionBucket)
			if err == nil {
				_, err = kv.Get(ctx, repartitionKey)
			}
			return err
		})
		switch {
		case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrKeyNotFound):
			return nil
		case err != nil && ctx.Err() == nil:
			return b.unreachable("reservation", err)
		}
		pause.For(ctx, reserveBeat)
	}
	return nil
}

// reservation is one run's claim to be the only one.
type reservation struct {
	kv       jetstream.KeyValue
	value    string
	revision uint64 // of what it stored last; zero: nothing
	timeout  time.Duration
}

// take makes or renews the reservation, or returns that of somebody else.
func (r *reservation) take(ctx context.Context) (other jetstream.KeyValueEntry, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	for {
		var revision uint64
		if r.revision == 0 {
			revision, err = r.kv.Create(ctx, repartitionKey, []byte(r.value))
		} else {
			revision, err = r.kv.Update(ctx, repartitionKey, []byte(r.value), r.revision)
		}
		if err == nil {
			r.revision = revision
			return nil, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !isConflict(err) {
			return nil, err
		}
		entry, err := r.kv.Get(ctx, repartitionKey)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			r.revision = 0 // it has lapsed
		case err != nil:
			return nil, err
		case string(entry.Value()) != r.value:
			return entry, nil
		default:
			r.revision = entry.Revision() // it was stored, though nobody said so
		}
		if pause.For(ctx, lookAgain); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}
