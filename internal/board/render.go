package board

import (
	"fmt"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

var columns = []table.Column{
	{Title: "symbol"}, {Title: "bid", Align: table.Point}, {Title: "ask", Align: table.Point}, {Title: "last", Align: table.Point},
	{Title: "age", Align: table.Right}, {Title: "trades/s", Align: table.Point}, {},
}

// SGR parameters.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// oldAge is the age from which a price is shown as old.
const oldAge = 10 * time.Second

// picture is the whole table, line by line. With a width or a height above zero
// it is no larger than that.
func (b *Board) picture(now time.Time, width, height int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([][]table.Cell, len(b.cfg.Symbols))
	for i, symbol := range b.cfg.Symbols {
		rows[i] = b.row(symbol, now).cells(symbol)
	}
	head := []string{"", b.line(bold, fmt.Sprintf("%s  %s  up %v", b.cfg.Exchange, now.Format(time.TimeOnly), now.Sub(b.begun).Round(time.Second)), width)}
	foot := []string{""}
	if b.fault != nil {
		foot = append(foot, b.line(red, "not read at the moment: "+b.fault.Error(), width))
	}
	for _, line := range b.cfg.Footer {
		foot = append(foot, b.line(dim, line, width))
	}
	lines := b.layout.Lines(rows, width)
	if height <= 0 || len(head)+len(lines)+len(foot) <= height {
		return append(append(head, lines...), foot...)
	}
	// Symbols matter more than the rest.
	lines = append(head[1:], lines...)
	if len(lines) > height {
		hidden := len(lines) - height + 1
		lines = append(lines[:max(0, height-1)], b.line(dim, fmt.Sprintf("… %d more", hidden), width))
	}
	return lines
}

func (b *Board) line(style, text string, width int) string {
	if width > 0 {
		text = table.Cut(text, width)
	}
	if !b.cfg.Color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// lines is one line a symbol.
func (b *Board) lines(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	stamp := now.UTC().Format(time.RFC3339)
	for _, symbol := range b.cfg.Symbols {
		r := b.row(symbol, now)
		line := fmt.Sprintf("%s %s %s bid=%s ask=%s last=%s age=%s trades/s=%s %s",
			stamp, b.cfg.Exchange, symbol, r.bid, r.ask, r.last, r.age, r.rate, r.note)
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if b.fault != nil {
		fmt.Fprintf(&out, "%s not read at the moment: %v\n", stamp, b.fault)
	}
	return out.String()
}

type row struct {
	bid, ask, last, age, rate, note string
	trend                           int
	old, stale                      bool
}

func (b *Board) row(symbol string, now time.Time) row {
	m := b.markets[symbol]
	r := row{bid: "-", ask: "-", last: "-", age: "-", note: "waiting", trend: m.trend}
	r.rate = fmt.Sprintf("%.1f", m.rate.perSecond(now, now.Sub(b.begun)))
	if !m.known {
		return r
	}
	age := m.tick.Age(now)
	r.bid, r.ask, r.last = price(m.tick.Bid), price(m.tick.Ask), price(m.tick.Last)
	r.age, r.old, r.note = short(age), age >= oldAge, ""
	if m.tick.Stale {
		r.note, r.stale = "STALE", true
	}
	return r
}

func (r row) cells(symbol string) []table.Cell {
	lastStyle, ageStyle, noteStyle := "", dim, dim
	switch {
	case r.trend > 0:
		lastStyle = green
	case r.trend < 0:
		lastStyle = red
	}
	if r.old {
		ageStyle = yellow
	}
	if r.stale {
		ageStyle, noteStyle = red, red
	}
	return []table.Cell{{Text: symbol, Style: bold}, {Text: r.bid}, {Text: r.ask}, {Text: r.last, Style: lastStyle},
		{Text: r.age, Style: ageStyle}, {Text: r.rate}, {Text: r.note, Style: noteStyle}}
}

func price(d domain.Decimal) string {
	if d.IsZero() {
		return "-"
	}
	return d.String()
}

// short is a duration in at most six characters.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%dms", max(0, d.Milliseconds()))
	case d < 10*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
