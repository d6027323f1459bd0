package console

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

// Printer writes what was found, as JSON lines or as tables.
type Printer struct {
	Out  io.Writer
	Err  io.Writer // remarks that are no part of the result; nil drops them
	JSON bool
}

func (p Printer) object(v any) error {
	encoder := json.NewEncoder(p.Out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func (p Printer) remark(text string) {
	if p.Err != nil {
		_, _ = fmt.Fprintln(p.Err, text)
	}
}

// list prints one view a line, or a table.
func list[T any](p Printer, items []T, view func(T) any, columns []table.Column, row func(T) []string) error {
	if p.JSON {
		for _, item := range items {
			if err := p.object(view(item)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]table.Cell, len(items))
	for i, item := range items {
		rows[i] = table.Plain(row(item)...)
	}
	t := table.Table{Columns: columns}
	for _, line := range t.Lines(rows, 0) {
		if _, err := fmt.Fprintln(p.Out, line); err != nil {
			return err
		}
	}
	return nil
}

var (
	tickColumns = []table.Column{
		{Title: "SYMBOL"}, {Title: "PRICE", Align: table.Point}, {Title: "BID", Align: table.Point}, {Title: "ASK", Align: table.Point},
		{Title: "LAST", Align: table.Point}, {Title: "VOLUME 24H", Align: table.Point}, {Title: "AGE", Align: table.Right}, {},
	}
	tradeColumns = []table.Column{
		{Title: "TIME"}, {Title: "ID", Align: table.Right}, {Title: "SIDE"}, {Title: "PRICE", Align: table.Point},
		{Title: "VOLUME", Align: table.Point}, {Title: "COST", Align: table.Point},
	}
	candleColumns = []table.Column{
		{Title: "TIME"}, {Title: "OPEN", Align: table.Point}, {Title: "HIGH", Align: table.Point}, {Title: "LOW", Align: table.Point},
		{Title: "CLOSE", Align: table.Point}, {Title: "VOLUME", Align: table.Point}, {Title: "TRADES", Align: table.Right}, {Title: "SOURCE"},
	}
)

func tickRow(t domain.Tick, now time.Time) []string {
	return []string{
		t.Symbol, t.Price().String(), orDash(t.Bid), orDash(t.Ask), orDash(t.Last), orDash(t.Volume), age(t.Age(now)), staleNote(t),
	}
}

func tradeRow(t domain.Trade) []string {
	return []string{
		t.Time.UTC().Format("2006-01-02 15:04:05.000"), t.ID, t.Side.String(), t.Price.String(), t.Volume.String(), t.Cost().String(),
	}
}

func candleRow(k domain.Candle) []string {
	return []string{
		k.Time.UTC().Format("2006-01-02 15:04"), k.Open.String(), k.High.String(), k.Low.String(), k.Close.String(),
		k.Volume.String(), strconv.FormatUint(k.Trades, 10), k.Source.String(),
	}
}

func staleNote(t domain.Tick) string {
	if t.Stale {
		return "STALE"
	}
	return ""
}

func orDash(d domain.Decimal) string {
	if d.IsZero() {
		return "-"
	}
	return d.String()
}

// age is a duration that is short enough to be read at a glance.
func age(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func size(bytes uint64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}
