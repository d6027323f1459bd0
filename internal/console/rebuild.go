package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

// chosen are the streams of the deployment with some names, all without any. The
// error matches domain.ErrNotFound.
func (c Console) chosen(ctx context.Context, names []string) ([]client.StreamStatus, error) {
	streams, err := c.Client.Status(ctx)
	if err != nil || len(names) == 0 {
		return streams, err
	}
	var out []client.StreamStatus
	for _, name := range names {
		i := slices.IndexFunc(streams, func(s client.StreamStatus) bool { return s.Stream == name })
		if i < 0 {
			return nil, fmt.Errorf("partition %s: %w; 'fullon status' lists them", name, domain.ErrNotFound)
		}
		out = append(out, streams[i])
	}
	return out, nil
}

// atRisk is what Redis can hold of messages that the log has dropped, and what a
// rebuild therefore loses.
func atRisk(stream string) string {
	switch kind, _, _ := strings.Cut(stream, "_"); kind {
	case "TICKS":
		return "ticks of markets that have not moved since"
	case "TRADES":
		return "trades, candles and gaps from before"
	case "ACCOUNTS":
		return "acknowledged fills from before" // the rest is stored again before it is dropped
	case "ORDERS":
		return "final orders from before"
	}
	return "nothing" // the catalogue: its newest messages are never dropped
}

type forecastView struct {
	Stream  string     `json:"stream"`
	First   uint64     `json:"first"`
	Last    uint64     `json:"last"`
	Since   *time.Time `json:"since"`
	Dropped bool       `json:"dropped"`
	Lost    string     `json:"lost"`
}

func forecast(s client.StreamStatus) forecastView {
	v := forecastView{Stream: s.Stream, First: s.First, Last: s.Last, Since: moment(s.Since), Lost: "nothing"}
	if s.First > s.Begin && s.Checkpoint > 0 {
		v.Lost = atRisk(s.Stream)
	}
	v.Dropped = v.Lost != "nothing"
	return v
}

var forecastColumns = []table.Column{
	{Title: "STREAM"}, {Title: "FOLDS FROM", Align: table.Right}, {Title: "TO", Align: table.Right}, {Title: "STORED SINCE"}, {Title: "LOST"},
}

// rebuildNotice is how often somebody who waits for a rebuild is told how far it is.
const rebuildNotice = 5 * time.Second

type rebuiltView struct {
	Stream string `json:"stream"`
	Epoch  uint64 `json:"epoch"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	TookMs int64  `json:"took_ms"`
}

// Rebuild prints what a rebuild of some partitions would lose and, once it is
// confirmed, with the deployment's key prefix or with yes, has them folded anew and
// waits until they are. No names are all partitions. The error matches
// domain.ErrInvalid when it is not confirmed.
func (c Console) Rebuild(ctx context.Context, names []string, confirm string, yes bool) error {
	streams, err := c.chosen(ctx, names)
	if err != nil {
		return err
	}
	prefix := c.Client.Prefix()
	if !yes && confirm != prefix {
		err := list(c.Printer, streams, func(s client.StreamStatus) any { return forecast(s) }, forecastColumns, func(s client.StreamStatus) []string {
			since := "-"
			if !s.Since.IsZero() {
				since = s.Since.UTC().Format(time.RFC3339)
			}
			return []string{s.Stream, strconv.FormatUint(s.First, 10), strconv.FormatUint(s.Last, 10), since, forecast(s).Lost}
		})
		if err != nil {
			return err
		}
		return domain.Invalid("confirm", confirm, "the prefix of the deployment's keys, "+prefix+", or --yes; nothing was done")
	}
	begun := time.Now()
	rebuilds := make([]client.Rebuild, len(streams))
	for i, s := range streams {
		if rebuilds[i], err = c.Client.Rebuild(ctx, s.Stream); err != nil {
			return err
		}
	}
	for _, r := range rebuilds {
		if err := c.rebuilt(ctx, r, begun); err != nil {
			return err
		}
	}
	return nil
}

// rebuilt waits for one rebuild.
func (c Console) rebuilt(ctx context.Context, r client.Rebuild, begun time.Time) error {
	for {
		at, done, err := c.Client.Rebuilt(ctx, r, rebuildNotice)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s is still being rebuilt, which goes on by itself: %w", r.Stream, ctx.Err())
		case errors.Is(err, domain.ErrUnreachable):
			c.Printer.remark("-- Redis is away, this goes on when it is back --")
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		case err != nil:
			return err
		case !done && at == 0:
			c.Printer.remark(fmt.Sprintf("-- %s: nothing is folded yet; is there a projector? --", r.Stream))
		case !done:
			c.Printer.remark(fmt.Sprintf("-- %s: %d of %d --", r.Stream, at, r.Last))
		case c.Printer.JSON:
			return c.Printer.object(rebuiltView{r.Stream, r.Epoch, r.First, r.Last, time.Since(begun).Milliseconds()})
		default:
			_, err := fmt.Fprintf(c.Printer.Out, "%s is rebuilt, from %d to %d, after %s\n", r.Stream, r.First, r.Last, time.Since(begun).Round(time.Millisecond))
			return err
		}
	}
}
