package console

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

// Repartitioner gives the deployment other partition counts.
type Repartitioner interface {
	// PlanRepartition tells what it takes; nothing when all of it has the count.
	PlanRepartition(ctx context.Context, count int, kinds []string) ([]bus.Move, error)
	// Repartition does it; forget removes what Redis has of a stream.
	Repartition(ctx context.Context, moves []bus.Move, forget func(context.Context, string) error, report func(bus.RepartitionStep)) error
}

type moveView struct {
	Kind     string `json:"kind"`
	From     int    `json:"from"`
	To       int    `json:"to"`
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	Begun    bool   `json:"begun"`
	Lost     string `json:"lost"`
}

func viewMove(m bus.Move) moveView {
	v := moveView{m.Kind, m.From, m.To, m.Messages, m.Bytes, m.Begun, "nothing"}
	if m.Lost {
		v.Lost = atRisk(m.Streams()[0])
	}
	return v
}

var moveColumns = []table.Column{
	{Title: "STREAMS"}, {Title: "PARTITIONS", Align: table.Right}, {Title: "NEW", Align: table.Right},
	{Title: "MESSAGES", Align: table.Right}, {Title: "SIZE", Align: table.Right}, {Title: "BEGUN"}, {Title: "LOST"},
}

type movedView struct {
	Kind   string `json:"kind"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	TookMs int64  `json:"took_ms"`
}

type stepView struct {
	Kind  string `json:"kind"`
	Doing string `json:"doing"`
	Done  uint64 `json:"done"`
	Total uint64 `json:"total"`
}

// repartitionNotice is how often somebody who waits for a copy is told how far it
// is.
const repartitionNotice = time.Second

// Repartition prints what it takes to give kinds of streams another partition
// count and, once it is confirmed, with the deployment's key prefix or with yes,
// does it. The error matches domain.ErrInvalid when it is not confirmed.
func (c Console) Repartition(ctx context.Context, r Repartitioner, count int, kinds []string, forget func(context.Context, string) error, confirm string, yes bool) error {
	moves, err := r.PlanRepartition(ctx, count, kinds)
	if err != nil {
		return err
	}
	if len(moves) == 0 {
		c.Printer.remark(fmt.Sprintf("nothing to do: there are %d partitions already", count))
		return nil
	}
	if prefix := c.Client.Prefix(); !yes && confirm != prefix {
		err := list(c.Printer, moves, func(m bus.Move) any { return viewMove(m) }, moveColumns, func(m bus.Move) []string {
			v, begun := viewMove(m), "no"
			if m.Begun {
				begun = "yes"
			}
			return []string{v.Kind, strconv.Itoa(v.From), strconv.Itoa(v.To), strconv.FormatUint(v.Messages, 10), size(v.Bytes), begun, v.Lost}
		})
		if err != nil {
			return err
		}
		return domain.Invalid("confirm", confirm, "the prefix of the deployment's keys, "+prefix+", or --yes; nothing was done")
	}
	begun := time.Now()
	progress := progressOf(c.Printer)
	if err := r.Repartition(ctx, moves, forget, progress); err != nil {
		return fmt.Errorf("%w; what was done stays: run it again to finish it", err)
	}
	for _, m := range moves {
		took := time.Since(begun)
		if c.Printer.JSON {
			err = c.Printer.object(movedView{m.Kind, m.From, m.To, took.Milliseconds()})
		} else {
			_, err = fmt.Fprintf(c.Printer.Out, "%s have %d partitions now, after %s\n", m.Kind, m.To, took.Round(time.Millisecond))
		}
		if err != nil {
			return err
		}
	}
	c.Printer.remark("start again every process of the deployment, without counts of partitions or with the new ones")
	return nil
}

// progressOf remarks each step once, and now and then how far a copy is.
func progressOf(p Printer) func(bus.RepartitionStep) {
	var last bus.RepartitionStep
	var said time.Time
	return func(s bus.RepartitionStep) {
		again := s.Kind == last.Kind && s.Doing == last.Doing
		if again && (s.Doing != "copy" || time.Since(said) < repartitionNotice && s.Done != s.Total) {
			return
		}
		last, said = s, time.Now()
		switch {
		case p.JSON:
			_ = p.object(stepView{s.Kind, s.Doing, s.Done, s.Total}) // the result tells of what is wrong with the output
		case s.Doing == "copy":
			p.remark(fmt.Sprintf("-- %s: copy, %d of %d --", s.Kind, s.Done, s.Total))
		default:
			p.remark(fmt.Sprintf("-- %s: %s --", s.Kind, s.Doing))
		}
	}
}
