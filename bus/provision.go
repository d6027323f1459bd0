package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// Provision creates the deployment's streams, or brings existing ones to the
// given retention and replicas (1 to 5). It is the only place that creates
// streams and may be repeated. A deployment that has other partition counts is
// left alone and the error matches domain.ErrMismatch.
func (b *Bus) Provision(ctx context.Context, retention Retention, replicas int) error {
	if err := b.checkLayout(ctx); err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	for _, cfg := range streamConfigs(b.cfg.Layout, retention.withDefaults(), max(1, replicas)) {
		ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
		_, err := b.js.CreateOrUpdateStream(ctx, cfg)
		cancel()
		if err != nil {
			return unreachable("stream "+cfg.Name, err)
		}
	}
	return nil
}

// Bind checks that the deployment was provisioned with this layout. The error
// matches domain.ErrNotFound when it was not provisioned, domain.ErrMismatch
// when the counts differ.
func (b *Bus) Bind(ctx context.Context) error {
	if err := b.checkLayout(ctx); err != nil {
		return err
	}
	layout := b.cfg.Layout
	for _, name := range append(layout.Streams(), DeadLetterStream) {
		if _, err := b.streamInfo(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) checkLayout(ctx context.Context) error {
	layout := b.cfg.Layout
	var missing error // reported after a mismatch: half a deployment has counts, too
	for _, kind := range [...]struct {
		stream, name string
		want         int
	}{
		{TickStream(0), "tick", layout.Ticks},
		{TradeStream(0), "trade", layout.Trades},
		{AccountStream(0), "account", layout.Accounts},
	} {
		info, err := b.streamInfo(ctx, kind.stream)
		if errors.Is(err, domain.ErrNotFound) {
			missing = err
			continue
		}
		if err != nil {
			return err
		}
		if have := info.Config.Metadata[partitionsKey]; have != strconv.Itoa(kind.want) {
			return fmt.Errorf("%w: the deployment has %s %s partitions, this process is configured for %d",
				domain.ErrMismatch, have, kind.name, kind.want)
		}
	}
	return missing
}

func (b *Bus) streamInfo(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, fmt.Errorf("stream %s: %w: the deployment is not provisioned, run 'fullon provision'", name, domain.ErrNotFound)
		}
		return nil, unreachable("stream "+name, err)
	}
	return stream.CachedInfo(), nil
}
