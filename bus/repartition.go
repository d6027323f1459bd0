package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// A repartition copies a kind of streams into a next generation of them, which
// has other names and other subjects:
//
//	seal    the streams take no more messages and drop none, so what there is to
//	        copy stands still
//	create  the next generation's streams, whose sequences begin behind every
//	        old one: what was ordered by sequences stays ordered
//	copy    in one order that follows from the sealed streams alone
//	switch  one note with the first sealed stream makes the next generation the
//	        deployment's
//	remove  the old streams, and what Redis has of them
//
// Nothing that is written in place is ever in the way: until the switch the old
// streams have everything, afterwards the new ones. No step needs to know how far an
// earlier run came: what a stream is, is noted with it; and as the order is
// always the same, a new stream with n messages has the first n of those that
// belong there. So a run that was killed is finished by another one, and two at
// once, one of which was paused for long, would store the same messages: each is
// stored on the condition that it becomes the next of its stream.
//
// The names are what keeps others out. Who still has the old counts finds no
// stream to write to, and nobody writes into a partition that means another set
// of markets by now, however long he slept.

// Move is what is to become of a kind of streams.
type Move struct {
	Kind     string // ticks, trades or accounts
	From, To int    // partitions
	Messages uint64 // that are to be copied
	Bytes    uint64 // that they take in the log
	Begun    bool   // an earlier run has begun it
	Lost     bool   // some of what the log had was dropped, so that Redis may know more than it

	kind kind
	old  split
	done bool // only what is left of the old streams is to be removed
}

// Streams are those that are replaced.
func (m Move) Streams() []string { return m.old.streams() }

// next is the generation that is made.
func (m Move) next() split { return split{m.old.prefix, m.To, m.old.generation + 1} }

// RepartitionStep tells what a Repartition does next, or how far it is.
type RepartitionStep struct {
	Kind   string
	Doing  string // seal, create, copy, switch or remove
	Stream string // that it is done with; empty: with all
	Done   uint64 // messages of the kind that are copied
	Total  uint64
}

// PlanRepartition tells what it takes to give some kinds of streams, all without
// any, another partition count. Kinds that have it are left out. The error
// matches domain.ErrInvalid, domain.ErrNotFound when the deployment was not
// provisioned, domain.ErrConflict when a kind is on its way to another count, or
// domain.ErrUnreachable.
func (b *Bus) PlanRepartition(ctx context.Context, count int, names []string) ([]Move, error) {
	if count < 1 || count > MaxPartitions {
		return nil, domain.Invalid("partitions", strconv.Itoa(count), "1 to "+strconv.Itoa(MaxPartitions))
	}
	for _, name := range names {
		if !slices.Contains(Kinds(), name) {
			return nil, domain.Invalid("stream", name, strings.Join(Kinds(), ", "))
		}
	}
	found, err := b.standings(ctx)
	if err != nil {
		return nil, err
	}
	var moves []Move
	for i, k := range kinds {
		s := found[i]
		if len(names) > 0 && !slices.Contains(names, k.name) {
			continue
		}
		m := Move{Kind: k.name, From: s.count, To: count, Begun: s.successor != 0, kind: k, old: s.split}
		switch {
		case s.successor != 0 && s.successor != count:
			return nil, fmt.Errorf("%w: the %s are on their way from %d to %d partitions: finish that first, with 'fullon repartition --partitions %[4]d --stream %[2]s'",
				domain.ErrConflict, k.name, s.count, s.successor)
		case s.remains.count != 0 && s.count != count:
			return nil, fmt.Errorf("%w: what the %s were before they had %d partitions is not removed yet: finish that first, with 'fullon repartition --partitions %[3]d --stream %[2]s'",
				domain.ErrConflict, k.name, s.count)
		case s.remains.count != 0:
			m.From, m.old, m.Begun, m.done = s.remains.count, s.remains, true, true
		case s.count == count:
			continue
		}
		if !m.done {
			if err := b.measure(ctx, &m); err != nil {
				return nil, err
			}
		}
		moves = append(moves, m)
	}
	return moves, nil
}

// Unfinished plans what earlier runs have begun and not finished. The error matches
// domain.ErrUnreachable.
func (b *Bus) Unfinished(ctx context.Context) (moves []Move, err error) {
	found, err := b.standings(ctx)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return nil, err
	}
	for i, k := range kinds {
		count := found[i].successor
		if found[i].remains.count != 0 {
			count = found[i].count
		}
		if count == 0 {
			continue
		}
		its, err := b.PlanRepartition(ctx, count, []string{k.name})
		if err != nil {
			return nil, err
		}
		moves = append(moves, its...)
	}
	return moves, nil
}

// measure counts what is to be copied.
func (b *Bus) measure(ctx context.Context, m *Move) error {
	for _, stream := range m.Streams() {
		info, err := b.streamInfo(ctx, stream)
		if err != nil {
			return err
		}
		m.Messages, m.Bytes = m.Messages+info.State.Msgs, m.Bytes+info.State.Bytes
		m.Lost = m.Lost || info.State.FirstSeq > max(1, info.Config.FirstSeq)
	}
	return nil
}

// Repartition carries out what was planned, and finishes what an earlier run has
// begun. forget is to remove what Redis has of a stream that is no more; it may be
// called again for the same one. report, which must not block, is told of each
// step before it is taken. The error matches domain.ErrConflict while somebody
// else does it, domain.ErrUnreachable, or is forget's; then another run goes on.
func (b *Bus) Repartition(ctx context.Context, moves []Move, forget func(ctx context.Context, stream string) error, report func(RepartitionStep)) error {
	ctx, release, err := b.reserve(ctx)
	if err != nil {
		return err
	}
	defer release()
	for _, m := range moves {
		if err := b.move(ctx, m, forget, report); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("repartition of %s: %w", m.Kind, err)
		}
	}
	return nil
}

func (b *Bus) move(ctx context.Context, m Move, forget func(ctx context.Context, stream string) error, report func(RepartitionStep)) error {
	if !m.done {
		step := func(doing, stream string) { report(RepartitionStep{Kind: m.Kind, Doing: doing, Stream: stream}) }
		sources := make([]sealed, 0, m.From)
		for i, stream := range m.Streams() {
			step("seal", stream)
			s, err := b.seal(ctx, stream, m.To)
			if err != nil {
				return err
			}
			s.index = i
			sources = append(sources, s)
		}
		step("create", "")
		first, err := b.createNext(ctx, m, sources)
		if err != nil {
			return err
		}
		if err := b.copyAll(ctx, m, sources, first, report); err != nil {
			return err
		}
		step("switch", "")
		if err := b.edit(ctx, m.Streams()[0], func(cfg *jetstream.StreamConfig) { cfg.Metadata[repartitionedKey] = "true" }); err != nil {
			return err
		}
	}
	// The first one last: it tells that the next generation is the deployment's.
	for _, stream := range slices.Backward(m.Streams()) {
		report(RepartitionStep{Kind: m.Kind, Doing: "remove", Stream: stream, Done: m.Messages, Total: m.Messages})
		// Nobody folds a sealed stream, so what is removed stays away. The stream is
		// there until then, for it tells another run that something is left.
		if err := forget(ctx, stream); err != nil {
			return err
		}
		err := b.ask(ctx, func(ctx context.Context) error { return b.js.DeleteStream(ctx, stream) })
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return b.unreachable("removal of stream "+stream, err)
		}
	}
	return nil
}

// edit changes a stream's configuration.
func (b *Bus) edit(ctx context.Context, stream string, change func(*jetstream.StreamConfig)) error {
	info, err := b.streamInfo(ctx, stream)
	if err != nil {
		return err
	}
	cfg := info.Config
	cfg.Metadata = maps.Clone(cfg.Metadata)
	if cfg.Metadata == nil {
		cfg.Metadata = make(map[string]string)
	}
	change(&cfg)
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	if _, err := b.js.UpdateStream(ctx, cfg); err != nil {
		return b.unreachable("stream "+stream, err)
	}
	return nil
}

// sealed is a stream that does not change any more.
type sealed struct {
	index  int // among those of its generation
	stream string
	cfg    jetstream.StreamConfig // before it was sealed, as far as the next generation takes it over
	first  uint64
	last   uint64
	newest time.Time // when that one was stored
}

// seal makes a stream take no more messages and drop none.
func (b *Bus) seal(ctx context.Context, stream string, to int) (sealed, error) {
	info, err := b.streamInfo(ctx, stream)
	if err != nil {
		return sealed{}, err
	}
	subject := "sealed." + stream
	if successorOf(info) != to {
		err := b.edit(ctx, stream, func(cfg *jetstream.StreamConfig) {
			cfg.Metadata[keepsKey], cfg.Metadata[successorKey] = cfg.MaxAge.String(), strconv.Itoa(to)
			cfg.Subjects, cfg.MaxAge, cfg.MaxMsgs, cfg.MaxBytes = []string{subject}, 0, -1, -1
		})
		if err != nil {
			return sealed{}, err
		}
	}
	end, err := b.endOf(ctx, stream, subject)
	if err != nil {
		return sealed{}, err
	}
	for {
		s, err := b.look(ctx, stream)
		if err != nil || s.last >= end {
			return s, err
		}
		pause.For(ctx, lookAgain)
	}
}

// endOf is the sequence of the last message that was on its way to a stream when
// it was sealed. The stream has one queue: who asks it for what cannot be, a
// message under a condition that does not hold, is refused behind all of those,
// and told what was the last one.
func (b *Bus) endOf(ctx context.Context, stream, subject string) (last uint64, err error) {
	var refused *jetstream.APIError
	err = b.ask(ctx, func(ctx context.Context) error {
		// On a cluster it takes a moment until all servers know the subject.
		_, err := b.js.PublishMsg(ctx, nats.NewMsg(subject), jetstream.WithExpectLastSequence(1<<53), jetstream.WithRetryAttempts(20))
		return err
	})
	if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		if _, err = fmt.Sscanf(refused.Description, "wrong last sequence: %d", &last); err == nil {
			return last, nil
		}
	}
	return 0, b.unreachable("end of "+stream, err)
}

// look reads what a sealed stream has.
func (b *Bus) look(ctx context.Context, stream string) (sealed, error) {
	info, err := b.streamInfo(ctx, stream)
	if err != nil {
		return sealed{}, err
	}
	s := sealed{stream: stream, cfg: info.Config, first: info.State.FirstSeq, last: info.State.LastSeq, newest: info.State.LastTime}
	if info.State.Msgs == 0 {
		s.first = s.last + 1
	}
	s.cfg.MaxAge, err = keeps(info.Config)
	return s, err
}

// createNext makes the streams of the next generation and returns the sequence
// that they begin with.
func (b *Bus) createNext(ctx context.Context, m Move, sources []sealed) (first uint64, err error) {
	for _, s := range sources {
		first = max(first, s.last+1)
	}
	for i, p := range m.next().partitions() {
		cfg := partitionConfig(p.stream(), m.To, sources[0].cfg.MaxAge, sources[0].cfg.Replicas, p.subjects()...)
		cfg.FirstSeq = first
		// The condition of a message counts as part of it.
		cfg.MaxMsgSize += maxCopyHeader
		err := b.ask(ctx, func(ctx context.Context) error {
			_, err := b.js.CreateStream(ctx, cfg)
			return err
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			err = nil // an earlier run has made it, from another sequence maybe
		}
		if err != nil {
			return 0, b.unreachable("stream "+cfg.Name, err)
		}
		if i == 0 {
			info, err := b.streamInfo(ctx, cfg.Name)
			if err != nil {
				return 0, err
			}
			first = info.Config.FirstSeq
		}
	}
	return first, nil
}
