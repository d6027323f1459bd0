package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// What a kind of streams has become is told by the streams themselves: by their
// names, which have the generation, and by what is noted with the first of each
// generation. So there is no record that could say something else than what is
// there, and who may do no more than ask a stream what it is knows it, too.

const (
	// partitionsKey is where a stream keeps the partition count of its kind.
	partitionsKey = "fullon_partitions"
	// successorKey is where a sealed stream keeps the count of the next
	// generation.
	successorKey = "fullon_repartitioned_to"
	// repartitionedKey is set in the first stream of a generation once the next
	// one has all that it had. Setting it is what makes that one the deployment's.
	repartitionedKey = "fullon_repartitioned"
	// keepsKey is where a sealed stream notes how long it kept a message, because
	// it drops none while it is copied.
	keepsKey = "fullon_keeps"
)

// kind is a kind of streams that has partitions.
type kind struct {
	name   string // as settings have it
	prefix string
	of     func(*Layout) (count, generation *int)
}

var kinds = [...]kind{
	{"ticks", tickStreamPrefix, func(l *Layout) (*int, *int) { return &l.Ticks, &l.Generation.Ticks }},
	{"trades", tradeStreamPrefix, func(l *Layout) (*int, *int) { return &l.Trades, &l.Generation.Trades }},
	{"accounts", accountStreamPrefix, func(l *Layout) (*int, *int) { return &l.Accounts, &l.Generation.Accounts }},
}

// singular is the kind as in "tick partitions".
func (k kind) singular() string { return strings.TrimSuffix(k.name, "s") }

func (k kind) in(l Layout) split {
	count, generation := k.of(&l)
	return split{k.prefix, *count, *generation}
}

// kindOf is the kind of a stream, and the generation that its name has.
func kindOf(stream string) (k kind, generation int, ok bool) {
	for _, k := range kinds {
		if rest, its := strings.CutPrefix(stream, k.prefix); its {
			if name, _, later := strings.Cut(rest, "_"); later {
				generation, _ = strconv.Atoi(strings.TrimPrefix(name, "G"))
			}
			return k, generation, true
		}
	}
	return kind{}, 0, false
}

// standing is what the deployment has of a kind.
type standing struct {
	split
	first     uint64 // sequence that its streams began with
	successor int    // count that it is being repartitioned to; zero: it is not
	remains   split  // the generation before, as far as it is still there; count zero: it is not
}

// standings looks what the deployment has of each kind, in the order of kinds.
// The error matches domain.ErrNotFound for a kind that it has nothing of; the
// others are looked at nevertheless.
func (b *Bus) standings(ctx context.Context) (found [len(kinds)]standing, err error) {
	names, err := b.streamNames(ctx)
	if err != nil {
		return found, err
	}
	for i, k := range kinds {
		its, failed := b.standing(ctx, k, names)
		if failed != nil && !errors.Is(failed, domain.ErrNotFound) {
			return found, failed
		}
		found[i], err = its, errors.Join(err, failed)
	}
	return found, err
}

func (b *Bus) streamNames(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	var names []string
	lister := b.js.StreamNames(ctx)
	for name := range lister.Name() {
		names = append(names, name)
	}
	if err := lister.Err(); err != nil {
		return nil, b.unreachable("the list of streams", err)
	}
	return names, nil
}

func (b *Bus) standing(ctx context.Context, k kind, names []string) (standing, error) {
	// Of each generation the stream with the lowest number: they are deleted from
	// the highest one down.
	lowest := make(map[int]int)
	newest := -1
	for _, name := range names {
		its, generation, ok := kindOf(name)
		number, err := strconv.Atoi(name[strings.LastIndexByte(name, '_')+1:])
		if !ok || its.prefix != k.prefix || err != nil || name != (partition{k.prefix, generation, number}).stream() {
			continue
		}
		if low, known := lowest[generation]; !known || number < low {
			lowest[generation] = number
		}
		newest = max(newest, generation)
	}
	if newest < 0 {
		return standing{}, notProvisioned(k.in(b.Layout()).of("").stream())
	}
	look := func(generation int) (*jetstream.StreamInfo, error) {
		return b.streamInfo(ctx, partition{k.prefix, generation, lowest[generation]}.stream())
	}
	info, err := look(newest)
	if err != nil {
		return standing{}, err
	}
	s := standing{split: split{k.prefix, partitionsOf(info), newest}, first: max(1, info.Config.FirstSeq), successor: successorOf(info)}
	if _, ok := lowest[newest-1]; !ok {
		return s, nil
	}
	before, err := look(newest - 1)
	if errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrMismatch) {
		return s, nil // it has just been removed
	}
	if err != nil {
		return standing{}, err
	}
	earlier := split{k.prefix, partitionsOf(before), newest - 1}
	if successorOf(before) != 0 && before.Config.Metadata[repartitionedKey] == "" {
		return standing{split: earlier, first: max(1, before.Config.FirstSeq), successor: successorOf(before)}, nil
	}
	s.remains = earlier
	return s, nil
}

func partitionsOf(info *jetstream.StreamInfo) int {
	n, _ := strconv.Atoi(info.Config.Metadata[partitionsKey])
	return n
}

func successorOf(info *jetstream.StreamInfo) int {
	n, _ := strconv.Atoi(info.Config.Metadata[successorKey])
	return n
}

// settle makes the deployment's layout this connection's, as far as it has any:
// its counts where none were asked for, and its generations.
func (b *Bus) settle(ctx context.Context) (found [len(kinds)]standing, err error) {
	found, missing := b.standings(ctx)
	if missing != nil && !errors.Is(missing, domain.ErrNotFound) {
		return found, missing
	}
	layout := b.cfg.Layout.WithDefaults()
	for i, k := range kinds {
		s := found[i]
		if s.count == 0 {
			continue
		}
		if s.successor != 0 {
			return found, underWay(k, s)
		}
		asked, _ := k.of(&b.cfg.Layout)
		if *asked != 0 && *asked != s.count {
			return found, otherCount(k, s.count, *asked)
		}
		count, generation := k.of(&layout)
		*count, *generation = s.count, s.generation
	}
	if b.Layout() != layout {
		b.placing.Store(&placing{layout: layout})
	}
	return found, missing
}

// underWay is the error for a kind that is being repartitioned.
func underWay(k kind, s standing) error {
	return fmt.Errorf("%w: the %s are being repartitioned from %d to %d partitions; if nobody does that any more, 'fullon repartition --partitions %[4]d --stream %[2]s' finishes it",
		domain.ErrUnreachable, k.name, s.count, s.successor)
}

func otherCount(k kind, has, asked int) error {
	return fmt.Errorf("%w: the deployment has %d %s partitions, this process is configured for %d: "+
		"start it with --%[3]s-partitions %[2]d or without, or move the deployment with 'fullon repartition --partitions %[4]d --stream %[5]s'",
		domain.ErrMismatch, has, k.singular(), asked, k.name)
}

// check holds what is noted with a stream against the layout.
func (l Layout) check(info *jetstream.StreamInfo) error {
	k, generation, ok := kindOf(info.Config.Name)
	if !ok {
		return nil
	}
	its := k.in(l)
	switch {
	case successorOf(info) != 0:
		return underWay(k, standing{split: split{k.prefix, partitionsOf(info), generation}, successor: successorOf(info)})
	case partitionsOf(info) != its.count:
		return otherCount(k, partitionsOf(info), its.count)
	}
	return nil
}

// missing is the error for a stream that is not there: of another generation
// than the deployment has by now, or of none.
func (b *Bus) missing(ctx context.Context, stream string) error {
	k, generation, ok := kindOf(stream)
	if !ok {
		return notProvisioned(stream)
	}
	names, err := b.streamNames(ctx)
	if err != nil {
		return err
	}
	newest := -1
	for _, name := range names {
		if its, g, ok := kindOf(name); ok && its.prefix == k.prefix {
			newest = max(newest, g)
		}
	}
	if newest > generation {
		return fmt.Errorf("%w: the deployment's %s were repartitioned since this process began: start it again, without --%s-partitions or with the new count",
			domain.ErrMismatch, k.name, k.singular())
	}
	return notProvisioned(stream)
}

// supersededInterval is how often a process looks whether its layout is still the
// deployment's.
const supersededInterval = 2 * time.Second

// Superseded waits until the deployment has another layout than this connection.
// The error matches domain.ErrMismatch then, and is nil when ctx ends before.
func (b *Bus) Superseded(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, k := range kinds {
			if _, err := b.Extent(ctx, k.in(b.Layout()).partitions()[0].stream()); errors.Is(err, domain.ErrMismatch) {
				return err
			}
		}
		pause.For(ctx, supersededInterval)
	}
	return nil
}

// closedInterval is how often somebody who waits for streams to take what he has
// looks whether they still do.
const closedInterval = 250 * time.Millisecond

// closed waits until nothing can be stored any more in the streams of a kind,
// because they are sealed to be repartitioned, or were: the first of them is from
// the beginning of that to its end. The error matches domain.ErrMismatch; it is
// nil when ctx ends before.
func (b *Bus) closed(ctx context.Context, of split) error {
	stream := of.partitions()[0].stream()
	for ctx.Err() == nil {
		info, err := b.streamInfo(ctx, stream)
		if errors.Is(err, domain.ErrMismatch) || err == nil && successorOf(info) != 0 {
			return fmt.Errorf("%w: the deployment is repartitioned", domain.ErrMismatch)
		}
		pause.For(ctx, closedInterval)
	}
	return nil
}

// firstOf are the sequences that the streams of each kind began with, by prefix.
func firstOf(found [len(kinds)]standing) map[string]uint64 {
	first := make(map[string]uint64)
	for i, k := range kinds {
		if found[i].first > 1 {
			first[k.prefix] = found[i].first
		}
	}
	return first
}

// keeps is how long a sealed stream kept a message.
func keeps(cfg jetstream.StreamConfig) (time.Duration, error) {
	text := cfg.Metadata[keepsKey]
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %s %q: %w", cfg.Name, keepsKey, text, domain.ErrUnknown)
	}
	return d, nil
}

// Kinds names the kinds of streams that have partitions, as settings have them.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return slices.Clip(names)
}
