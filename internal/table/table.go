// Package table lays out rows of text for people: columns as wide as their
// widest cell, numbers with their points below each other.
package table

import (
	"strings"
	"unicode/utf8"
)

// Align is how a column stands.
type Align int

// The ways a column can stand.
const (
	Left  Align = iota
	Right       // whole numbers, durations
	Point       // decimals: by their points
)

// Column is a column's title and how it stands.
type Column struct {
	Title string
	Align Align
}

// Cell is one field. Style is an SGR parameter like "32" for green, empty for
// plain text.
type Cell struct {
	Text  string
	Style string
}

// Plain makes cells without style.
func Plain(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	return cells
}

// Table lays out rows. It remembers how wide its columns were, so that a table
// that is drawn again and again does not wobble. It is not safe for concurrent
// use.
type Table struct {
	Columns []Column
	Color   bool // use the cells' styles

	whole, fraction []int // widest text before the point, and from it on
}

const gap = "  "

// Lines are the title line and one line a row, without line ends. With a width
// above zero no line is wider.
func (t *Table) Lines(rows [][]Cell, width int) []string {
	if t.whole == nil {
		t.whole, t.fraction = make([]int, len(t.Columns)), make([]int, len(t.Columns))
	}
	titles := make([]Cell, len(t.Columns))
	for i, column := range t.Columns {
		titles[i] = Cell{column.Title, "2"}
		for _, row := range rows {
			whole, fraction := t.split(i, row[i].Text)
			t.whole[i], t.fraction[i] = max(t.whole[i], runes(whole)), max(t.fraction[i], runes(fraction))
		}
		if missing := runes(column.Title) - t.whole[i] - t.fraction[i]; missing > 0 {
			t.whole[i] += missing
		}
	}
	lines := make([]string, 0, len(rows)+1)
	lines = append(lines, t.line(titles, width, true))
	for _, row := range rows {
		lines = append(lines, t.line(row, width, false))
	}
	return lines
}

// split cuts a cell of a column of decimals before its point.
func (t *Table) split(column int, text string) (whole, fraction string) {
	if t.Columns[column].Align == Point {
		if at := strings.IndexByte(text, '.'); at >= 0 {
			return text[:at], text[at:]
		}
	}
	return text, ""
}

func (t *Table) line(row []Cell, width int, title bool) string {
	var out strings.Builder
	used := 0
	for i, cell := range row {
		text := t.pad(i, cell.Text, title)
		if i > 0 {
			text = gap + text
		}
		if i == len(row)-1 {
			text = strings.TrimRight(text, " ")
		}
		if width > 0 && used+runes(text) > width {
			if !title && t.Columns[i].Align != Left {
				break // half a number is a wrong number
			}
			text = Cut(text, width-used)
		}
		used += runes(text)
		if t.Color && cell.Style != "" && strings.TrimSpace(text) != "" {
			text = "\x1b[" + cell.Style + "m" + text + "\x1b[0m"
		}
		out.WriteString(text)
	}
	if t.Color {
		return out.String()
	}
	return strings.TrimRight(out.String(), " ")
}

func (t *Table) pad(column int, text string, title bool) string {
	full := t.whole[column] + t.fraction[column]
	switch {
	case t.Columns[column].Align == Left:
		return text + spaces(full-runes(text))
	case title || t.Columns[column].Align == Right:
		return spaces(full-runes(text)) + text
	}
	whole, fraction := t.split(column, text)
	return spaces(t.whole[column]-runes(whole)) + text + spaces(t.fraction[column]-runes(fraction))
}

// Cut is the text's beginning that fits into the width.
func Cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	for i := range text {
		if width == 0 {
			return text[:i]
		}
		width--
	}
	return text
}

func runes(text string) int { return utf8.RuneCountInString(text) }

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
