package board

import (
	"fmt"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
)

const columns = "%-12s %14s %14s %14s %9s %9s  %s\n"

// table is the whole picture, every line ended.
func (b *Board) table(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s  %s  up %s\n", b.cfg.Exchange, now.Format(time.TimeOnly), now.Sub(b.begun).Round(time.Second))
	fmt.Fprintf(&out, columns, "symbol", "bid", "ask", "last", "age", "trades/s", "")
	for _, symbol := range b.cfg.Symbols {
		r := b.row(symbol, now)
		fmt.Fprintf(&out, columns, symbol, r.bid, r.ask, r.last, r.age, r.rate, r.note)
	}
	note := b.cfg.Footer
	if b.fault != nil {
		note = "not read at the moment: " + b.fault.Error()
	}
	fmt.Fprintf(&out, "%s\n", note)
	return out.String()
}

// lines is one line a symbol.
func (b *Board) lines(now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out strings.Builder
	for _, symbol := range b.cfg.Symbols {
		r := b.row(symbol, now)
		fmt.Fprintf(&out, "%s %s %s bid=%s ask=%s last=%s age=%s trades/s=%s %s\n",
			now.Format(time.RFC3339), b.cfg.Exchange, symbol, r.bid, r.ask, r.last, r.age, r.rate, r.note)
	}
	if b.fault != nil {
		fmt.Fprintf(&out, "%s not read at the moment: %v\n", now.Format(time.RFC3339), b.fault)
	}
	return out.String()
}

type row struct{ bid, ask, last, age, rate, note string }

func (b *Board) row(symbol string, now time.Time) row {
	r := row{bid: "-", ask: "-", last: "-", age: "-", note: "waiting"}
	r.rate = fmt.Sprintf("%.1f", b.rates[symbol].perSecond(now, now.Sub(b.begun)))
	tick, known := b.ticks[symbol]
	if !known {
		return r
	}
	r.bid, r.ask, r.last = known0(tick.Bid), known0(tick.Ask), known0(tick.Last)
	r.age, r.note = short(tick.Age(now)), ""
	if tick.Stale {
		r.note = "STALE"
	}
	return r
}

func known0(d domain.Decimal) string {
	if d.IsZero() {
		return "-"
	}
	return d.String()
}

// short is a duration in at most six characters.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}
