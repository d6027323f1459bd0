package console

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullon/fullon/internal/verify"
)

// Verifier compares a partition with the log.
type Verifier interface {
	Partition(ctx context.Context, stream string) verify.Report
}

type mismatchView struct {
	Key   string  `json:"key"`
	Field string  `json:"field"`
	Log   *string `json:"log"`
	Redis *string `json:"redis"`
}

type reportView struct {
	Stream      string         `json:"stream"`
	Sequence    uint64         `json:"sequence"`
	Dropped     uint64         `json:"dropped"`
	Keys        int            `json:"keys"`
	Values      int            `json:"values"`
	Unproven    int            `json:"unproven"`
	Differences int            `json:"differences"`
	Examples    []mismatchView `json:"examples"`
	Error       string         `json:"error,omitempty"`
}

func viewReport(r verify.Report) reportView {
	v := reportView{r.Stream, r.Sequence, r.Dropped, r.Keys, r.Values, r.Unproven, r.Differences, []mismatchView{}, ""}
	for _, d := range r.Examples {
		// A value is no text; what is none is shown as Go would.
		v.Examples = append(v.Examples, mismatchView{d.Key, d.Field, quoted(d.Log), quoted(d.Redis)})
	}
	if r.Err != nil {
		v.Error = r.Err.Error()
	}
	return v
}

func quoted(value *string) *string {
	if value == nil {
		return nil
	}
	text := fmt.Sprintf("%.300q", *value)
	text = text[1 : len(text)-1]
	return &text
}

// Verify compares partitions with the log and prints what it finds. The error says
// how many values differ, or why some could not be compared.
func (c Console) Verify(ctx context.Context, v Verifier, streams []string) error {
	differences := 0
	var failed error
	for _, stream := range streams {
		report := v.Partition(ctx, stream)
		if ctx.Err() != nil {
			return fmt.Errorf("not all partitions were compared: %w", ctx.Err())
		}
		differences += report.Differences
		failed = errors.Join(failed, report.Err)
		if err := c.report(report); err != nil {
			return err
		}
	}
	if differences > 0 {
		return fmt.Errorf("%d values in Redis are not as the log says; 'fullon rebuild' mends them", differences)
	}
	return failed
}

func (c Console) report(r verify.Report) error {
	if c.Printer.JSON {
		return c.Printer.object(viewReport(r))
	}
	say := func(format string, args ...any) error {
		_, err := fmt.Fprintf(c.Printer.Out, format+"\n", args...)
		return err
	}
	result := "as the log says"
	switch {
	case r.Err != nil && r.Differences == 0:
		return say("%s: not compared: %v", r.Stream, r.Err)
	case r.Differences > 0:
		result = fmt.Sprintf("%d DIFFER", r.Differences)
	}
	if r.Unproven > 0 {
		result += fmt.Sprintf(", %d unproven: they follow from the %d messages that the log has dropped", r.Unproven, r.Dropped)
	}
	if err := say("%s: %d values in %d keys at %d: %s", r.Stream, r.Values, r.Keys, r.Sequence, result); err != nil {
		return err
	}
	or := func(value *string) string {
		if text := quoted(value); text != nil {
			return `"` + *text + `"`
		}
		return "nothing"
	}
	for _, d := range r.Examples {
		if err := say("  %s %q: the log says %s, Redis has %s", d.Key, d.Field, or(d.Log), or(d.Redis)); err != nil {
			return err
		}
	}
	return nil
}
