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

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

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
