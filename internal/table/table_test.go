package table

import (
	"slices"
	"testing"
)

func table(color bool) *Table {
	return &Table{Columns: []Column{{Title: "name"}, {Title: "price", Align: Point}, {Title: "n", Align: Right}, {}}, Color: color}
}

func TestPointsStandBelowEachOther(t *testing.T) {
	got := table(false).Lines([][]Cell{
		Plain("BTC/USDT", "64250.1", "7", ""), Plain("X", "0.00012", "12345", "STALE"), Plain("Y", "-", "1", ""), Plain("Z", "585", "", ""),
	}, 0)
	want := []string{
		"name            price      n",
		"BTC/USDT  64250.1          7",
		"X             0.00012  12345  STALE",
		"Y             -            1",
		"Z           585",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestColumnsNeverShrink(t *testing.T) {
	tb := table(false)
	wide := tb.Lines([][]Cell{Plain("A", "64250.12", "10000", "x")}, 0)
	narrow := tb.Lines([][]Cell{Plain("A", "1", "1", "x")}, 0)
	if len(wide[1]) != len(narrow[1]) || wide[0] != narrow[0] {
		t.Errorf("%q and then %q", wide, narrow)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for width := 1; width < 40; width++ {
		for _, line := range table(false).Lines([][]Cell{Plain("BTC/USDT…", "64250.12", "10000", "STALE")}, width) {
			if runes(line) > width {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestANumberIsNeverCut(t *testing.T) {
	if got := table(false).Lines([][]Cell{Plain("BTC/USDT", "64250.12", "10000", "")}, 15)[1]; got != "BTC/USDT" {
		t.Errorf("%q", got)
	}
}

func TestStylesAreOnlyInColor(t *testing.T) {
	row := [][]Cell{{{"A", "1"}, {"2.5", "32"}, {"3", ""}, {"", "31"}}}
	if got := table(true).Lines(row, 0)[1]; got != "\x1b[1mA   \x1b[0m\x1b[32m    2.5\x1b[0m  3" {
		t.Errorf("%q", got)
	}
	if got := table(false).Lines(row, 0)[1]; got != "A       2.5  3" {
		t.Errorf("%q", got)
	}
}
