package projector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// catalogueRig is a deployment whose catalogue is folded into a Redis of its own
// by a projector that can be stopped and started.
type catalogueRig struct {
	tb     testing.TB
	bus    *bus.Bus
	js     jetstream.JetStream
	redis  *testserver.Redis
	store  *cachestore.Store
	client *client.Client
	stop   func()
}

func newCatalogueRig(tb testing.TB) *catalogueRig {
	tb.Helper()
	n := testserver.NewNATS(tb)
	r := &catalogueRig{tb: tb, bus: n.Bus(tb, crashLayout), redis: testserver.NewRedis(tb)}
	nc, err := nats.Connect(n.URL)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	if r.js, err = jetstream.New(nc); err != nil {
		tb.Fatal(err)
	}
	r.store = r.redis.Store(tb)
	r.client = client.New(r.bus, r.store)
	tb.Cleanup(r.client.Close)
	r.stop = r.start(r.store, logOf{r.bus})
	tb.Cleanup(func() { r.stop() })
	return r
}

func (r *catalogueRig) start(store *cachestore.Store, log projector.Log) (stop func()) {
	p := projector.New(projector.Config{CatalogueStream: bus.CatalogueStream, ProbeInterval: probe, Log: testserver.Quiet()}, log, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	return func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	}
}

// settle waits until a store reflects what the log held when it was called.
func (r *catalogueRig) settle(store *cachestore.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	extent, err := r.bus.Extent(ctx, bus.CatalogueStream)
	if err != nil {
		r.tb.Fatal(err)
	}
	p := store.Partition(bus.CatalogueStream)
	for {
		at, err := p.Checkpoint(ctx)
		if err == nil && at.Seq >= extent.Last {
			return
		}
		if ctx.Err() != nil {
			r.tb.Fatalf("at %d of %d (%v)", at.Seq, extent.Last, err)
		}
		_, _ = p.Wait(ctx, at.Seq, 20*time.Millisecond)
	}
}

// dump is everything that a store has of the catalogue but how it came there.
func dump(tb testing.TB, rdb redis.UniversalClient, store *cachestore.Store) string {
	tb.Helper()
	ctx := context.Background()
	prefix := store.Prefix() + "{" + bus.CatalogueStream + "}:"
	rdb = testserver.NodeOf(tb, rdb, prefix)
	var lines []string
	iter := rdb.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for iter.Next(ctx) {
		key := strings.TrimPrefix(iter.Val(), prefix)
		if key == "checkpoint" || key == "changed" {
			continue
		}
		kind, err := rdb.Type(ctx, iter.Val()).Result()
		if err != nil {
			tb.Fatal(err)
		}
		if kind == "set" {
			members, err := rdb.SMembers(ctx, iter.Val()).Result()
			if err != nil {
				tb.Fatal(err)
			}
			slices.Sort(members)
			lines = append(lines, fmt.Sprintf("%s %q", key, members))
			continue
		}
		fields, err := rdb.HGetAll(ctx, iter.Val()).Result()
		if err != nil {
			tb.Fatal(err)
		}
		for field, value := range fields {
			lines = append(lines, fmt.Sprintf("%s %s %q", key, field, value))
		}
	}
	if err := iter.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// catalogueModel is the newest message of each subject, and rules that look at
// them.
type catalogueModel struct {
	exchange string
	bot      string
	venue    modelMessage
	symbols  map[string]modelMessage
	all      uint64 // of the bot
	feeds    map[string]modelMessage
}

type modelMessage struct {
	seq     uint64
	event   domain.Event // nil: a deletion, or nothing that can be used
	emptied uint64
}

func (m *catalogueModel) String() string {
	var out []string
	if _, ok := m.venue.event.(domain.Venue); ok {
		out = append(out, "venue@"+strconv.FormatUint(m.venue.seq, 10))
	}
	owners := make(map[string]modelMessage)
	for _, name := range slices.Sorted(maps.Keys(m.symbols)) {
		msg := m.symbols[name]
		s, ok := msg.event.(domain.Symbol)
		if !ok || msg.seq <= m.venue.emptied {
			continue
		}
		out = append(out, fmt.Sprintf("%s@%d", name, msg.seq))
		if owners[s.VenueSymbol].seq < msg.seq {
			owners[s.VenueSymbol] = msg
		}
	}
	for _, venueSymbol := range slices.Sorted(maps.Keys(owners)) {
		out = append(out, venueSymbol+"="+owners[venueSymbol].event.(domain.Symbol).Name)
	}
	for _, feed := range slices.Sorted(maps.Keys(m.feeds)) {
		if msg := m.feeds[feed]; msg.event != nil && msg.seq > m.all {
			out = append(out, fmt.Sprintf("%s@%d", feed, msg.seq))
		}
	}
	return strings.Join(out, " ")
}

var (
	modelSymbols      = []string{"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "SOL/BTC"}
	modelVenueSymbols = []string{"ONE", "TWO"}
)

// seen is the same, read through the client.
func (r *catalogueRig) seen(m *catalogueModel) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		out, err := r.look(ctx, m)
		if err == nil {
			return out
		}
		if !errors.Is(err, domain.ErrUnknown) || ctx.Err() != nil {
			return err.Error()
		}
	}
}

func (r *catalogueRig) look(ctx context.Context, m *catalogueModel) (string, error) {
	var out []string
	v, err := r.client.Venues.Get(ctx, m.exchange)
	if err == nil {
		out = append(out, "venue@"+strconv.FormatUint(v.Sequence, 10))
	} else if !errors.Is(err, domain.ErrNotFound) {
		return "", err
	}
	symbols, err := r.client.Symbols.List(ctx, m.exchange)
	if err != nil {
		return "", err
	}
	for _, s := range symbols {
		out = append(out, fmt.Sprintf("%s@%d", s.Name, s.Sequence))
	}
	exchanges, err := r.client.Symbols.Exchanges(ctx)
	if err != nil {
		return "", err
	}
	if slices.Contains(exchanges, m.exchange) != (len(symbols) > 0) {
		return "", fmt.Errorf("%d symbols, and the exchanges are %v", len(symbols), exchanges)
	}
	for _, venueSymbol := range modelVenueSymbols {
		s, err := r.client.Symbols.ByVenueSymbol(ctx, m.exchange, venueSymbol)
		if err == nil {
			out = append(out, venueSymbol+"="+s.Name)
		} else if !errors.Is(err, domain.ErrNotFound) {
			return "", err
		}
	}
	statuses, err := r.client.Bots.Status(ctx, m.bot)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return "", err
	}
	for _, s := range statuses {
		out = append(out, fmt.Sprintf("%s@%d", s.Feed, s.Sequence))
	}
	return strings.Join(out, " "), nil
}

var modelCatalogues atomic.Int64

// The log keeps only the newest message of each subject. Whoever folds those
// alone must get what the one got who saw all of them come, crashes included.
func TestTheCatalogueFollowsFromTheNewestMessagesAlone(t *testing.T) {
	t.Parallel()
	r := newCatalogueRig(t)
	shared := testserver.SharedClient(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := strconv.FormatInt(modelCatalogues.Add(1), 10)
		m := &catalogueModel{exchange: "model-" + n, bot: "bot-" + n, symbols: make(map[string]modelMessage), feeds: make(map[string]modelMessage)}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			r.step(rt, m)
		}
		r.agree(rt, m)
		late := testserver.SharedStore(t)
		stop := r.start(late, logOf{r.bus})
		r.settle(late)
		stop()
		if got, want := dump(t, shared, late), dump(t, r.redis.Client(t), r.store); got != want {
			rt.Fatalf("folded late:\n%s\nfolded as it came:\n%s", got, want)
		}
		if _, err := late.Erase(context.Background()); err != nil {
			rt.Fatal(err)
		}
	})
}

func (r *catalogueRig) agree(t *rapid.T, m *catalogueModel) {
	r.settle(r.store)
	if got, want := r.seen(m), m.String(); got != want {
		t.Fatalf("%s: %q, want %q", m.exchange, got, want)
	}
}

// step does one thing to the system and to the model.
func (r *catalogueRig) step(t *rapid.T, m *catalogueModel) {
	ctx := context.Background()
	name := rapid.SampledFrom(modelSymbols).Draw(t, "symbol")
	feed := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "feed")
	var pos domain.LogPosition
	var err error
	switch rapid.IntRange(0, 14).Draw(t, "step") {
	case 0:
		v := domain.Venue{Name: m.exchange, Status: domain.VenueOpen}
		pos, err = r.client.Venues.Set(ctx, v)
		m.venue = modelMessage{seq: pos.Seq, event: v, emptied: m.venue.emptied}
	case 1: // by somebody who does not know of the deletion
		v := domain.Venue{Name: m.exchange, Status: domain.VenueClosed}
		pos, err = r.bus.Publish(ctx, v)
		m.venue = modelMessage{seq: pos.Seq, event: v}
	case 2:
		pos, err = r.client.Venues.Delete(ctx, m.exchange)
		m.venue = modelMessage{seq: pos.Seq, emptied: pos.Seq}
	case 3, 4, 5, 6:
		s := listed(m.exchange, name, rapid.SampledFrom(modelVenueSymbols).Draw(t, "venue symbol"))
		pos, err = r.client.Symbols.Set(ctx, s)
		m.symbols[name] = modelMessage{seq: pos.Seq, event: s}
	case 7:
		pos, err = r.client.Symbols.Delete(ctx, m.exchange, name)
		m.symbols[name] = modelMessage{seq: pos.Seq}
	case 8, 9:
		s := domain.BotStatus{Bot: m.bot, Feed: feed, Fields: map[string]string{"at": strconv.Itoa(len(m.feeds))}}
		pos, err = r.client.Bots.UpdateStatus(ctx, s)
		m.feeds[feed] = modelMessage{seq: pos.Seq, event: s}
	case 10:
		pos, err = r.client.Bots.DeleteStatus(ctx, m.bot, feed)
		m.feeds[feed] = modelMessage{seq: pos.Seq}
	case 11:
		pos, err = r.client.Bots.DeleteStatus(ctx, m.bot, "")
		m.all = pos.Seq
	case 12:
		r.garbage(t, m, name, feed)
	case 13:
		r.agree(t, m)
	case 14:
		r.crash(rapid.IntRange(0, 3).Draw(t, "crash"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// garbage is a message that nobody can use, in the place of one.
func (r *catalogueRig) garbage(t *rapid.T, m *catalogueModel, name, feed string) {
	subject := rapid.SampledFrom([]string{
		"venue." + m.exchange, "symbol." + m.exchange + "." + name, "bot." + m.bot + "." + feed, "bot." + m.bot,
	}).Draw(t, "subject")
	ack, err := r.js.Publish(context.Background(), subject, []byte("\x93\x01"))
	if err != nil {
		t.Fatal(err)
	}
	switch tokens := strings.Split(subject, "."); {
	case tokens[0] == "venue":
		m.venue = modelMessage{seq: ack.Sequence}
	case tokens[0] == "symbol":
		m.symbols[name] = modelMessage{seq: ack.Sequence}
	case len(tokens) == 3:
		m.feeds[feed] = modelMessage{seq: ack.Sequence}
	default:
		m.all = ack.Sequence
	}
}

// crash breaks something; nothing of it may show.
func (r *catalogueRig) crash(how int) {
	switch how {
	case 0: // one that stops gives way to the next
		r.stop()
		r.stop = r.start(r.store, logOf{r.bus})
	case 1: // nobody is there when Redis is wiped
		r.stop()
		r.wipe()
		r.stop = r.start(r.store, logOf{r.bus})
	case 2: // wiped under the projector's feet
		r.wipe()
	case 3: // two at once
		stop := r.stop
		r.stop = r.start(r.store, logOf{r.bus})
		stop()
	}
}

func (r *catalogueRig) wipe() {
	if err := r.redis.Client(r.tb).FlushAll(context.Background()).Err(); err != nil {
		r.tb.Fatal(err)
	}
}

func listed(exchange, name, venueSymbol string) domain.Symbol {
	base, quote, settle, err := domain.SplitSymbol(name)
	if err != nil {
		panic(err)
	}
	return domain.Symbol{
		Exchange: exchange, Name: name, VenueSymbol: venueSymbol, Base: base, Quote: quote, Settle: settle,
		TickSize: domain.MustDecimal("0.01"), Trading: true,
	}
}

// slowLog delivers one record at a time, and asks before it reads on.
type slowLog struct {
	logOf
	asked chan struct{}
	goOn  chan struct{}
}

type slowReader struct {
	projector.Reader
	log slowLog
}

func (l slowLog) Open(stream string, from uint64) projector.Reader {
	return slowReader{l.logOf.Open(stream, from), l}
}

func (s slowReader) Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error) {
	select {
	case s.log.asked <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case <-s.log.goOn:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return s.Reader.Read(ctx, dst[:1], wait)
}

// A message that was replaced before it was read is missing until the newer one
// is read; in between it must not look as if there had never been one.
func TestACatalogueThatIsReadLateIsNeverSeenWithoutWhatWasReplaced(t *testing.T) {
	t.Parallel()
	r := newCatalogueRig(t)
	r.stop()
	r.wipe()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	status := func(feed string) {
		if _, err := r.client.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: "b", Feed: feed}); err != nil {
			t.Fatal(err)
		}
	}
	for _, feed := range []string{"often", "one", "two", "often", "three"} { // 1 is replaced by 4
		status(feed)
	}
	log := slowLog{logOf{r.bus}, make(chan struct{}), make(chan struct{})}
	r.stop = r.start(r.store, log)
	want := []string{"one", "two", "often", "three"}
	for step := 0; ; step++ {
		select {
		case <-log.asked:
		case <-ctx.Done():
			t.Fatal("the projector does not read")
		}
		statuses, at, err := r.store.Partition(bus.CatalogueStream).BotStatuses(ctx, "b")
		if err != nil {
			t.Fatal(err)
		}
		if at.Seq > 0 {
			if step != len(want) || len(statuses) != len(want) {
				t.Fatalf("after %d records Redis is at %d with %d statuses", step, at.Seq, len(statuses))
			}
			break
		}
		if step == 2 {
			status("one") // 6: what has been read already is replaced; that is no hole
		}
		if step > len(want) {
			t.Fatal("all was read, and nothing is applied")
		}
		log.goOn <- struct{}{}
	}
}
