package console

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/fullon/fullon/domain"
)

// Printer writes what was found, as JSON lines or as tables.
type Printer struct {
	Out  io.Writer
	JSON bool
}

func (p Printer) object(v any) error {
	encoder := json.NewEncoder(p.Out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// table prints rows of cells that are separated by tabs.
func (p Printer) table(header string, rows []string) error {
	w := tabwriter.NewWriter(p.Out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, header)
	for _, row := range rows {
		_, _ = fmt.Fprintln(w, row)
	}
	return w.Flush()
}

// list prints one view a line, or a table.
func list[T any](p Printer, items []T, view func(T) any, header string, row func(T) string) error {
	if p.JSON {
		for _, item := range items {
			if err := p.object(view(item)); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([]string, len(items))
	for i, item := range items {
		rows[i] = row(item)
	}
	return p.table(header, rows)
}

const tickHeader = "SYMBOL\tPRICE\tBID\tASK\tLAST\tVOLUME 24H\tAGE\t"

func tickRow(t domain.Tick, now time.Time) string {
	stale := ""
	if t.Stale {
		stale = "STALE"
	}
	return fmt.Sprintf("%s\t%v\t%s\t%s\t%s\t%s\t%v\t%s", t.Symbol, t.Price(), orDash(t.Bid), orDash(t.Ask), orDash(t.Last),
		orDash(t.Volume), t.Age(now).Round(time.Millisecond), stale)
}

func orDash(d domain.Decimal) string {
	if d.IsZero() {
		return "-"
	}
	return d.String()
}
