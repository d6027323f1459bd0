package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

// Status prints every stream of the deployment, up to where Redis reflects it,
// how far behind it is and who folds it.
func (c Console) Status(ctx context.Context, exchanges []string) error {
	streams, err := c.Client.Status(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if s.RetentionUsed >= domain.RetentionAlarm {
			c.Printer.remark(fmt.Sprintf("-- %s is behind by %.0f%% of what the log keeps: at 100%% what is not folded yet is dropped --", s.Stream, 100*s.RetentionUsed))
		}
	}
	members, err := c.Client.Projectors(ctx)
	if err != nil {
		c.Printer.remark("who folds the streams is not known: " + err.Error())
	}
	if !c.Printer.JSON {
		c.remarkFeeds(ctx, exchanges)
	}
	of := func(stream string) *work { return workOn(stream, members, err == nil) }
	return list(c.Printer, streams, func(s client.StreamStatus) any {
		return streamView{s.Stream, s.First, s.Last, s.Bytes, s.Checkpoint, s.Lag, s.Behind.Seconds(), s.Epoch, s.RetentionUsed, of(s.Stream)}
	}, streamColumns, func(s client.StreamStatus) []string {
		return append([]string{
			s.Stream, whole(s.First), whole(s.Last), size(s.Bytes), whole(s.Checkpoint), whole(s.Lag), age(s.Behind),
		}, of(s.Stream).row()...)
	})
}

var streamColumns = []table.Column{
	{Title: "STREAM"}, {Title: "FIRST", Align: table.Right}, {Title: "LAST", Align: table.Right}, {Title: "SIZE", Align: table.Right},
	{Title: "CHECKPOINT", Align: table.Right}, {Title: "LAG", Align: table.Right}, {Title: "BEHIND", Align: table.Right},
	{Title: "RATE", Align: table.Right}, {Title: "CONFLICTS", Align: table.Right}, {Title: "PROJECTOR"},
}

type streamView struct {
	Stream     string  `json:"stream"`
	First      uint64  `json:"first"`
	Last       uint64  `json:"last"`
	Bytes      uint64  `json:"bytes"`
	Checkpoint uint64  `json:"checkpoint"`
	Lag        uint64  `json:"lag"`
	LagSeconds float64 `json:"lag_seconds"`
	Epoch      uint64  `json:"epoch"`
	// Of what the log keeps, 0 to 1.
	RetentionUsed float64 `json:"retention_used"`
	*work
}

// work is what projectors do for one stream, as far as they say so.
type work struct {
	Projectors []projectorView `json:"projectors"` // one, but while it changes hands
	Rate       float64         `json:"rate"`       // messages applied a second
	Conflicts  uint64          `json:"conflicts"`  // batches that found another checkpoint, of those that live
}

type projectorView struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// workOn gathers what the members say of a stream; nil when they are not known.
func workOn(stream string, members []domain.Member, known bool) *work {
	if !known {
		return nil
	}
	w := &work{Projectors: []projectorView{}}
	for _, m := range members {
		for _, s := range m.Shares {
			if s.Stream != stream {
				continue
			}
			w.Conflicts += s.Conflicts
			if s.Held {
				w.Rate += s.Rate
				w.Projectors = append(w.Projectors, projectorView{m.ID, m.Host, m.PID})
			}
		}
	}
	return w
}

func (w *work) row() []string {
	if w == nil {
		return []string{"?", "?", "?"}
	}
	names := make([]string, len(w.Projectors))
	for i, p := range w.Projectors {
		names[i] = domain.Member{Host: p.Host, PID: p.PID}.Name()
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	return []string{strconv.FormatFloat(w.Rate, 'f', 0, 64) + "/s", whole(w.Conflicts), strings.Join(names, ", ")}
}

func whole(n uint64) string { return strconv.FormatUint(n, 10) }
