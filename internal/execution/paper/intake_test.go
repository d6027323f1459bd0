package paper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// shared is still, whose reads for several symbols a test answers.
type shared struct {
	still
	each func(ctx context.Context, symbols []string) error
	get  func(symbol string) error // nil: each is read
}

func (s shared) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	if err := s.each(ctx, symbols); err != nil {
		return nil, err
	}
	return s.still.GetEach(ctx, exchange, symbols)
}

func (s shared) Get(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	if s.get != nil {
		if err := s.get(symbol); err != nil {
			return domain.Tick{}, err
		}
	}
	return s.still.Get(ctx, exchange, symbol)
}

// held holds reads until a test lets them go on.
type held struct {
	reading chan []string // gets the symbols of each read
	goOn    chan struct{} // lets one go on
}

func holding() held { return held{make(chan []string), make(chan struct{})} }

func (h held) each(ctx context.Context, symbols []string) error {
	h.reading <- append([]string(nil), symbols...)
	<-h.goOn
	return nil
}

// answered is what became of an order.
type answered struct {
	id     string
	report execution.Report
	err    error
}

// sends submits an order from a goroutine of its own.
func sends(ctx context.Context, a *Account, o domain.Order, to chan<- answered) {
	go func() {
		report, err := a.Submit(ctx, o)
		to <- answered{o.ID, report, err}
	}()
}

// queued waits until so many orders wait for the next turn.
func queued(x *Exchange, n int) {
	for {
		x.intake.mu.Lock()
		waiting := len(x.intake.waiting)
		x.intake.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

func onMarket(id, symbol string) domain.Order {
	o := wants(id)
	o.Symbol, o.Volume = symbol, domain.MustDecimal("0.1")
	return o
}

func TestOrdersThatComeMeanwhileShareOneReadAndOneRecord(t *testing.T) {
	t.Parallel()
	h := holding()
	cfg := stillConfig(t.TempDir())
	cfg.Sync, cfg.Ticks = SyncNever, shared{each: h.each}
	x := open(t, cfg)
	a := venueOf(t, x)
	answers := make(chan answered, 100)

	sends(t.Context(), a, onMarket("first", "BTC/USDT"), answers)
	if symbols := <-h.reading; fmt.Sprint(symbols) != "[BTC/USDT]" {
		t.Fatalf("a lone order reads %v", symbols)
	}
	for i := range 60 {
		sends(t.Context(), a, onMarket(fmt.Sprint("o-", i), fmt.Sprintf("C%d/USDT", i%3)), answers)
	}
	queued(x, 60)
	h.goOn <- struct{}{}
	if first := <-answers; first.id != "first" || first.err != nil {
		t.Fatalf("%+v", first)
	}
	before := x.stored()
	if symbols := <-h.reading; len(symbols) != 3 {
		t.Fatalf("60 orders read %v", symbols)
	}
	h.goOn <- struct{}{}
	for range 60 {
		if got := <-answers; got.err != nil || got.report.ID != got.id || got.report.Status != domain.OrderFilled {
			t.Fatalf("%+v", got)
		}
	}
	if records := x.stored() - before; records != 1 {
		t.Fatalf("60 orders are in %d records", records)
	}
}

// stored is how many records the journal's file has.
func (x *Exchange) stored() (n int) {
	x.storing.Lock()
	defer x.storing.Unlock()
	data, _ := os.ReadFile(x.journal.path)
	rest, whole := bytes.CutPrefix(data, []byte(journalMagic))
	for ; whole && len(rest) > 0; n++ {
		_, rest, whole = nextRecord(rest)
	}
	return n
}

func TestAReadThatDoesNotEndHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	away := errors.New("a part of the cache is away")
	for name, each := range map[string]func(context.Context, []string) error{
		"it fails": func(context.Context, []string) error { return away },
		"it hangs": func(ctx context.Context, _ []string) error { <-ctx.Done(); return ctx.Err() },
	} {
		cfg := stillConfig(t.TempDir())
		cfg.Sync = SyncNever
		cfg.Ticks = shared{each: each, get: func(symbol string) error {
			switch symbol {
			case "GONE/USDT":
				return away
			case "NONE/USDT":
				return domain.ErrNotFound
			}
			return nil
		}}
		a := venueOf(t, open(t, cfg))
		answers := make(chan answered, 3)
		for _, base := range []string{"BTC", "GONE", "NONE"} {
			sends(t.Context(), a, onMarket(base, base+"/USDT"), answers)
		}
		for range 3 {
			got := <-answers
			reason := map[string]string{"GONE": "it cannot be read", "NONE": noTick}[got.id]
			rejected, ok := errors.AsType[*execution.Rejected](got.err)
			if reason == "" && got.err != nil || reason != "" && (!ok || !strings.Contains(rejected.Reason, reason)) {
				t.Errorf("%s: %s got %v", name, got.id, got.err)
			}
		}
	}
}

func TestAnOrderWhoseCallerIsGoneIsNotTaken(t *testing.T) {
	t.Parallel()
	h := holding()
	cfg := stillConfig(t.TempDir())
	cfg.Ticks = shared{each: h.each}
	x := open(t, cfg)
	a := venueOf(t, x)
	ctx, leave := context.WithCancel(t.Context())
	answers := make(chan answered, 3)
	sends(ctx, a, onMarket("read-for", "BTC/USDT"), answers)
	<-h.reading
	sends(ctx, a, onMarket("waiting", "BTC/USDT"), answers)
	queued(x, 1)
	sends(t.Context(), a, onMarket("of-another", "BTC/USDT"), answers)
	queued(x, 2)
	leave()
	for range 2 { // though the read goes on
		if got := <-answers; !errors.Is(got.err, execution.ErrUnanswered) || !errors.Is(got.err, context.Canceled) {
			t.Fatalf("%+v", got)
		}
	}
	h.goOn <- struct{}{}
	<-h.reading
	h.goOn <- struct{}{}
	if got := <-answers; got.id != "of-another" || got.err != nil {
		t.Fatalf("%+v", got)
	}
	for _, id := range []string{"read-for", "waiting"} {
		if _, err := a.Query(t.Context(), domain.Order{ID: id}); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%s: got %v", id, err)
		}
	}
}

func TestCloseLetsWhatWasSentBeTakenAndNothingAfterIt(t *testing.T) {
	t.Parallel()
	h := holding()
	cfg := stillConfig(t.TempDir())
	cfg.Ticks = shared{each: h.each}
	x := open(t, cfg)
	a := venueOf(t, x)
	answers := make(chan answered, 2)
	sends(t.Context(), a, onMarket("before", "BTC/USDT"), answers)
	<-h.reading
	closed := make(chan error, 1)
	go func() { closed <- x.Close() }()
	for closing := false; !closing; runtime.Gosched() {
		x.intake.mu.Lock()
		closing = x.intake.closed
		x.intake.mu.Unlock()
	}
	if _, err := a.Submit(t.Context(), onMarket("after", "BTC/USDT")); !errors.Is(err, execution.ErrUnanswered) {
		t.Fatalf("got %v", err)
	}
	h.goOn <- struct{}{}
	if got := <-answers; got.err != nil {
		t.Fatalf("%+v", got)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	a = venueOf(t, open(t, cfg))
	if _, err := a.Query(t.Context(), domain.Order{ID: "before"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Query(t.Context(), domain.Order{ID: "after"}); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
}

// vanishing is still, until its ticks are deleted.
type vanishing struct {
	still
	deleted *atomic.Bool
}

func (v vanishing) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	if v.deleted.Load() {
		return make([]domain.Tick, len(symbols)), nil
	}
	return v.still.GetEach(ctx, exchange, symbols)
}

func TestATickThatWasDeletedFillsNothing(t *testing.T) {
	t.Parallel()
	var deleted atomic.Bool
	cfg := stillConfig(t.TempDir())
	cfg.Ticks = vanishing{deleted: &deleted}
	a := venueOf(t, open(t, cfg))
	if _, err := a.Submit(t.Context(), wants("with")); err != nil {
		t.Fatal(err)
	}
	deleted.Store(true)
	_, err := a.Submit(t.Context(), wants("without"))
	if rejected, ok := errors.AsType[*execution.Rejected](err); !ok || !strings.Contains(rejected.Reason, noTick) {
		t.Fatalf("got %v", err)
	}
}
