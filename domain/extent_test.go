package domain_test

import (
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func TestWhatIsUsedOfTheRetentionIsTheNearestOfItsLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	e := domain.Extent{First: 101, Last: 200, Bytes: 1000, Now: now, Keeps: time.Hour, MaxMessages: 400, MaxBytes: 4000}
	for name, c := range map[string]struct {
		extent domain.Extent
		folded uint64
		age    time.Duration
		want   float64
	}{
		"caught up":   {e, 200, time.Hour, 0},
		"by age":      {e, 150, 30 * time.Minute, 0.5},
		"by number":   {domain.Extent{First: 101, Last: 200, Now: now, MaxMessages: 100}, 150, time.Hour, 0.5},
		"by size":     {domain.Extent{First: 101, Last: 200, Now: now, Bytes: 1000, MaxBytes: 1000}, 125, time.Hour, 0.75},
		"for ever":    {domain.Extent{First: 1, Last: 200, Now: now}, 1, time.Hour, 0},
		"of a future": {e, 190, -time.Minute, 0.025},
	} {
		if got := c.extent.RetentionUsed(domain.Lag{Messages: c.extent.Last - c.folded, Age: c.age}); got < c.want-0.001 || got > c.want+0.001 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
