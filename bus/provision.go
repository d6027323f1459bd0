package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Provision creates the deployment's streams and its buckets, of projectors and
// of feeds, or brings existing ones to the plan. But for Repartition it is the
// only place that creates them, and may be repeated. A deployment that has other
// partition counts than were asked for is left alone and the error matches
// domain.ErrMismatch; domain.ErrInvalid names a wrong exchange.
func (b *Bus) Provision(ctx context.Context, plan Plan) error {
	plan = plan.withDefaults()
	for _, exchange := range plan.Exchanges {
		if err := domain.CheckExchange(exchange); err != nil {
			return err
		}
	}
	var found [len(kinds)]standing
	err := b.surely(ctx, func() (err error) {
		found, err = b.settle(ctx)
		return err
	})
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	first := firstOf(found)
	existing, err := b.Exchanges(ctx)
	if err != nil {
		return err
	}
	plan.Exchanges = slices.Compact(slices.Sorted(slices.Values(slices.Concat(plan.Exchanges, existing))))
	for _, cfg := range streamConfigs(b.Layout(), plan) {
		if k, _, ok := kindOf(cfg.Name); ok {
			cfg.FirstSeq = first[k.prefix]
		}
		ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
		_, err = b.js.CreateOrUpdateStream(ctx, cfg)
		cancel()
		if err != nil {
			return b.unreachable("stream "+cfg.Name, err)
		}
	}
	for _, bucket := range [...]jetstream.KeyValueConfig{membersConfig(plan.Replicas), feedsConfig(plan.Replicas)} {
		if err := b.provisionBucket(ctx, bucket); err != nil {
			return err
		}
	}
	return b.inheritHalt(ctx, plan.Exchanges)
}

func (b *Bus) provisionBucket(ctx context.Context, cfg jetstream.KeyValueConfig) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	if _, err := b.js.CreateOrUpdateKeyValue(ctx, cfg); err != nil {
		return b.unreachable("bucket "+cfg.Bucket, err)
	}
	return nil
}

// Bind makes the deployment's layout this connection's. The error matches
// domain.ErrNotFound when it was not provisioned, domain.ErrMismatch when it has
// other counts than were asked for, and domain.ErrUnreachable while it is being
// repartitioned.
func (b *Bus) Bind(ctx context.Context) error {
	return b.surely(ctx, func() error {
		if _, err := b.settle(ctx); err != nil {
			return err
		}
		layout := b.Layout()
		for _, name := range append(layout.Streams(), CatalogueStream, DeadLetterStream) {
			if _, err := b.streamInfo(ctx, name); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	// missingFor is how long a cluster must say that something is not there. A
	// server that has just been made the leader of the others may answer before
	// it has read what there is.
	missingFor = 3 * time.Second
	// missingAgain is how often it is asked meanwhile.
	missingAgain = 100 * time.Millisecond
)

// surely looks until something is there, or a cluster has said for long enough
// that it is not: the error matches domain.ErrNotFound then. A single server
// knows what it has before it answers anybody.
func (b *Bus) surely(ctx context.Context, look func() error) error {
	var first time.Time // when it was said first
	for ; ; pause.For(ctx, missingAgain) {
		err := look()
		if !errors.Is(err, domain.ErrNotFound) || b.nc.ConnectedClusterName() == "" || ctx.Err() != nil {
			return err
		}
		if first.IsZero() {
			first = time.Now()
		}
		if time.Since(first) >= missingFor {
			return err
		}
	}
}

// Exchanges lists the exchanges that the deployment has a stream of orders for,
// sorted. The error matches domain.ErrUnreachable.
func (b *Bus) Exchanges(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	names := b.js.StreamNames(ctx, jetstream.WithStreamListSubject(string(domain.KindOrder)+".>"))
	var exchanges []string
	for name := range names.Name() {
		if exchange, ok := ExchangeOf(name); ok {
			exchanges = append(exchanges, exchange)
		}
	}
	if err := names.Err(); err != nil {
		return nil, b.unreachable("the list of streams", err)
	}
	slices.Sort(exchanges)
	return exchanges, nil
}

// OrderStreams names the streams of orders that the deployment has, sorted. The
// error matches domain.ErrUnreachable.
func (b *Bus) OrderStreams(ctx context.Context) ([]string, error) {
	exchanges, err := b.Exchanges(ctx)
	streams := make([]string, len(exchanges))
	for i, exchange := range exchanges {
		streams[i] = OrderStream(exchange)
	}
	return streams, err
}

func (b *Bus) streamInfo(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	var stream jetstream.Stream
	err := b.ask(ctx, func(ctx context.Context) (err error) {
		stream, err = b.js.Stream(ctx, name)
		return err
	})
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, b.missing(ctx, name)
		}
		return nil, b.unreachable("stream "+name, err)
	}
	return stream.CachedInfo(), nil
}

// notProvisioned is the error for a stream that the deployment does not have.
func notProvisioned(stream string) error {
	if exchange, ok := ExchangeOf(stream); ok {
		return fmt.Errorf("exchange %s: %w: the deployment has no stream for its orders, run 'fullon provision --exchanges %s'",
			exchange, domain.ErrNotFound, exchange)
	}
	return fmt.Errorf("stream %s: %w: the deployment is not provisioned, run 'fullon provision'", stream, domain.ErrNotFound)
}
