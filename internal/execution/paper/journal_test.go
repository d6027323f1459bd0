package paper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// still is a market that does not move.
type still struct{}

func (still) Get(_ context.Context, exchange, symbol string) (domain.Tick, error) {
	return domain.Tick{
		Exchange: exchange, Symbol: symbol, Bid: domain.MustDecimal("99"), Ask: domain.MustDecimal("101"), Received: time.Now(), Sequence: 1,
	}, nil
}

func (s still) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	ticks := make([]domain.Tick, len(symbols))
	for i, symbol := range symbols {
		ticks[i], _ = s.Get(ctx, exchange, symbol)
	}
	return ticks, nil
}

func (still) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(func(domain.Tick, error) bool) { <-ctx.Done() }
}

func stillConfig(dir string) Config {
	return Config{
		Exchange: "binance", Dir: dir, Ticks: still{}, TakerBPS: domain.MustDecimal("10"),
		Balances: map[string]domain.Decimal{"USDT": domain.MustDecimal("100000")},
	}
}

func open(t testing.TB, cfg Config) *Exchange {
	t.Helper()
	x, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func venueOf(t testing.TB, x *Exchange) *Account {
	t.Helper()
	a, err := x.Venue(accountA)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func wants(id string) domain.Order {
	return domain.Order{
		ID: id, Exchange: "binance", Status: domain.OrderIntent, Created: noon,
		OrderTerms: domain.OrderTerms{
			Account: accountA, Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("0.5"),
		},
	}
}

func submitAll(t testing.TB, x *Exchange, from, to int) {
	t.Helper()
	a := venueOf(t, x)
	for i := from; i < to; i++ {
		if _, err := a.Submit(t.Context(), wants(fmt.Sprint("o-", i))); err != nil {
			t.Fatal(err)
		}
	}
}

func (x *Exchange) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return snapshotText(x.engine.books)
}

// written is a journal as a killed process left it, and the state after each
// of its records.
func written(t *testing.T) (file []byte, states []string) {
	t.Helper()
	dir := t.TempDir()
	x := open(t, stillConfig(dir))
	states = append(states, x.text())
	for i := range 5 {
		submitAll(t, x, i, i+1)
		states = append(states, x.text())
	}
	file, err := os.ReadFile(filepath.Join(dir, "binance.paper"))
	if err != nil {
		t.Fatal(err)
	}
	return file, states
}

func place(t *testing.T, file []byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "binance.paper"), file, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAJournalCutAnywhereGivesTheStateOfItsLastWholeRecord(t *testing.T) {
	t.Parallel()
	file, states := written(t)
	reached, begun := 0, false
	for size := len(journalMagic); size <= len(file); size++ {
		books := newLedger()
		j := &journal{header: journalHeader{Exchange: "binance"}}
		cut, err := j.load(file[:size], books.apply)
		if err != nil {
			if begun {
				t.Fatalf("cut at %d of %d: %v", size, len(file), err)
			}
			continue // in the header: a file that was never begun, as it is renamed whole
		}
		begun = true
		text := snapshotText(books)
		for reached < len(states)-1 && text != states[reached] {
			reached++
		}
		if text != states[reached] || cut >= size {
			t.Fatalf("cut at %d of %d: the state is none that was; %d bytes were dropped", size, len(file), cut)
		}
	}
	if reached != len(states)-1 || !begun {
		t.Fatalf("the whole file gives state %d of %d", reached, len(states)-1)
	}
}

func TestGarbageBehindAJournalIsCutOff(t *testing.T) {
	t.Parallel()
	file, states := written(t)
	for name, garbage := range map[string][]byte{
		"zeros": make([]byte, 4096), "text": []byte(strings.Repeat("garbage ", 100)), "ones": bytes.Repeat([]byte{0xff}, 100),
		"a head":          {0, 0, 0, 9, 1, 2, 3, 4},
		"a damaged crc":   append([]byte{0, 0, 0, 2, 1, 2, 3, 4}, "[]"...),
		"half a record":   file[len(file)-300 : len(file)-10],
		"a record's head": {0, 0},
	} {
		dir := place(t, append(bytes.Clone(file), garbage...))
		x := open(t, stillConfig(dir))
		if x.text() != states[len(states)-1] {
			t.Fatalf("%s: the state is another", name)
		}
		submitAll(t, x, 10, 12)
		state := x.text()
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
		if again := open(t, stillConfig(dir)); again.text() != state {
			t.Fatalf("%s: what was written after it is not read back", name)
		}
	}
}

func TestAJournalDamagedInItsMiddleIsNotTakenForAShorterOne(t *testing.T) {
	t.Parallel()
	file, states := written(t)
	file[len(file)*2/3] ^= 0x40
	if _, err := Open(stillConfig(place(t, file))); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Fatalf("got %v", err)
	}
	// Where nothing was promised about a loss of power, the end is where it is.
	cfg := stillConfig(place(t, file))
	cfg.Sync = SyncNever
	if x := open(t, cfg); x.text() == states[len(states)-1] || !strings.Contains(strings.Join(states, "\n"), x.text()) {
		t.Fatal("it is not the state of before the damage")
	}
}

func TestAJournalOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	file, _ := written(t)
	record, err := appendRecord(nil, []map[string]any{{"seq": 99, "unheard_of": true}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"another file": []byte("hello"), "empty": {}, "a newer version": append(bytes.Clone(file), record...),
		"another exchange": bytes.Replace(file, []byte(`"exchange":"binance","epoch"`), []byte(`"exchange":"krakenn","epoch"`), 1),
	} {
		dir := place(t, content)
		if _, err := Open(stillConfig(dir)); err == nil {
			t.Errorf("%s: it was opened", name)
		}
		if after, err := os.ReadFile(filepath.Join(dir, "binance.paper")); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
}

func TestTwoProcessesDoNotWriteOneJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, stillConfig(dir))
	if _, err := Open(stillConfig(dir)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("got %v", err)
	}
	submitAll(t, x, 0, 1)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, stillConfig(dir))
}

func TestAJournalIsWrittenAnewBeforeItIsLong(t *testing.T) {
	t.Parallel()
	cfg := stillConfig(t.TempDir())
	cfg.Sync, cfg.CompactBytes, cfg.Remember = SyncNever, 32<<10, time.Hour
	now := noon
	cfg.Now = func() time.Time { return now }
	cfg.Ticks = at{&now}
	x := open(t, cfg)
	largest := int64(0)
	for i := range 400 {
		now = now.Add(time.Minute) // so that only 60 orders are remembered
		submitAll(t, x, i, i+1)
		largest = max(largest, x.journal.size)
	}
	if largest > 200<<10 {
		t.Fatalf("the journal grew to %d bytes", largest)
	}
	state := x.text()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, cfg)
	if after := x.text(); len(after) > len(state) { // opening it forgets too
		t.Fatal("it knows more than before")
	}
	a := venueOf(t, x)
	if _, err := a.Query(t.Context(), wants("o-399")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Query(t.Context(), wants("o-0")); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("an order of long ago: %v", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if p := x.engine.books.accounts[accountA].positions["BTC/USDT"]; !p.Volume.Equal(domain.MustDecimal("200")) {
		t.Fatalf("the position is %+v", p)
	}
}

func TestWhatAJournalIsWrittenAnewForIsNoMoreThanWhatWasWritten(t *testing.T) {
	t.Parallel()
	cfg := stillConfig(t.TempDir())
	cfg.Sync, cfg.CompactBytes, cfg.MaxOpen = SyncNever, 4<<10, 10_000
	x := open(t, cfg)
	a := venueOf(t, x)
	const n = 3000
	times, appended, rewritten, before := 0, int64(0), int64(0), *x.journal
	for i := range n {
		o := wants(fmt.Sprint("o-", i)) // which rests, so there is never less to write
		o.Type, o.Price, o.Volume = domain.Limit, domain.MustDecimal("1"), domain.MustDecimal("0.1")
		if _, err := a.Submit(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if x.journal.base != before.base {
			times, rewritten = times+1, rewritten+x.journal.base
		} else {
			appended += x.journal.size - before.size
		}
		before = *x.journal
	}
	// Not before as much was appended as the last time was written, the last of all
	// excepted; what was appended just before each time is not counted.
	if times < 3 || rewritten > appended+x.journal.base+int64(times)<<10 {
		t.Fatalf("%d orders, %d bytes, were written anew %d times, %d bytes", n, appended, times, rewritten)
	}
}

// at is still, at another time.
type at struct{ now *time.Time }

func (a at) Get(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	tick, err := still{}.Get(ctx, exchange, symbol)
	tick.Received = *a.now
	return tick, err
}

func (a at) GetEach(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, error) {
	ticks, err := still{}.GetEach(ctx, exchange, symbols)
	for i := range ticks {
		ticks[i].Received = *a.now
	}
	return ticks, err
}

func (a at) Watch(ctx context.Context, exchange string, symbols ...string) iter.Seq2[domain.Tick, error] {
	return still{}.Watch(ctx, exchange, symbols...)
}

func TestWhatCannotBeStoredIsNotAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, stillConfig(dir))
	submitAll(t, x, 0, 1)
	state := x.text()
	a := venueOf(t, x)
	heard := make(chan error, 1)
	sub, _, err := x.subscribe(accountA, position{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for c := range sub.changes {
			heard <- fmt.Errorf("it told %+v", c)
		}
		heard <- nil
	}()
	if err := x.journal.file.Close(); err != nil { // as a full disk would refuse
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.Submit(t.Context(), wants("lost")); !errors.Is(err, execution.ErrUnanswered) {
			t.Fatalf("got %v", err)
		}
		// Its id is in the books in memory; that is no knowledge.
		if _, err := a.Query(t.Context(), wants("lost")); !errors.Is(err, execution.ErrUnanswered) {
			t.Fatalf("got %v", err)
		}
	}
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context(), nil); !errors.Is(err, execution.ErrUnanswered) {
		t.Fatalf("got %v", err)
	}
	if x.Close() == nil {
		t.Fatal("the end hides what happened")
	}
	if again := open(t, stillConfig(dir)); again.text() != state {
		t.Fatal("it knows what it told nobody")
	}
}

func TestChangesThatFillSeveralRecordsAreAllInThem(t *testing.T) {
	t.Parallel()
	var wrote, read []change
	for i := range 3000 {
		wrote = append(wrote, change{Seq: uint64(i), Account: strings.Repeat("a", 1000)})
	}
	n := 0
	err := new(journal).records(wrote, func(record []byte) error {
		n++
		content, rest, ok := nextRecord(record)
		if !ok || len(rest) > 0 {
			return errors.New("the record is not whole")
		}
		part, err := readChanges(content)
		if err != nil {
			return err
		}
		read = append(read, part...)
		return nil
	})
	if err != nil || n < 3 || !reflect.DeepEqual(wrote, read) {
		t.Errorf("%d of %d changes in %d records: %v", len(read), len(wrote), n, err)
	}
}
