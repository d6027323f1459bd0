package sim

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func testListing(t *testing.T) *listing {
	t.Helper()
	l, err := DefaultSymbols()[0].listing()
	if err != nil {
		t.Fatal(err)
	}
	return &l
}

func numbered(from, n int64) []trade {
	var trades []trade
	for id := from; id < from+n; id++ {
		trades = append(trades, trade{id: id, ms: 1000 + id, ticks: 7, lots: 3, agg: id / 2, maker: id%2 == 0})
	}
	return trades
}

func TestJournalKeepsTheNewestTrades(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir(), testListing(t)
	j, err := openJournal(dir, l, 10)
	if err != nil {
		t.Fatal(err)
	}
	for id := int64(1); id <= 100; id += 5 {
		if err := j.append(numbered(id, 5)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "BTCUSDT.trades"))
	if err != nil || info.Size() > journalHeader+40*journalRecord {
		t.Fatalf("%v bytes, %v", info.Size(), err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(dir, l, 10); err != nil {
		t.Fatal(err)
	}
	defer j.close()
	if got := j.load(); !reflect.DeepEqual(got, numbered(91, 10)) {
		t.Fatalf("%+v", got)
	}
}

func TestJournalCutsOffWhatAKilledProcessLeft(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir(), testListing(t)
	path := filepath.Join(dir, "BTCUSDT.trades")
	j, err := openJournal(dir, l, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.append(numbered(1, 3)); err != nil {
		t.Fatal(err)
	}
	j.close()
	data, _ := os.ReadFile(path)
	if err := os.WriteFile(path, data[:len(data)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if j, err = openJournal(dir, l, 10); err != nil {
		t.Fatal(err)
	}
	if got := j.load(); !reflect.DeepEqual(got, numbered(1, 2)) {
		t.Fatalf("%+v", got)
	}
	if err := j.append(numbered(3, 1)); err != nil {
		t.Fatal(err)
	}
	j.close()
	if j, err = openJournal(dir, l, 10); err != nil {
		t.Fatal(err)
	}
	if got := j.load(); !reflect.DeepEqual(got, numbered(1, 3)) {
		t.Fatalf("%+v", got)
	}
	j.close()

	other := *l
	other.tick *= 2
	if _, err := openJournal(dir, &other, 10); err == nil || !strings.Contains(err.Error(), "tick or lot size") {
		t.Fatalf("another tick size: %v", err)
	}
}
