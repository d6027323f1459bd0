package bench

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// processors is the time that processors have spent on something.
type processors struct{ own, redis time.Duration }

func (p processors) sum() time.Duration { return p.own + p.redis }

// processorTime is what this process, the embedded log included, and a Redis have
// used so far: a machine that is busy with something else takes longer for the
// same, but not more of it.
func processorTime(b *testing.B, rdb redis.UniversalClient) (used processors) {
	b.Helper()
	var own syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	used.own = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	info, err := rdb.Info(b.Context(), "cpu").Result()
	must(b, err)
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			must(b, err)
			used.redis += time.Duration(seconds * float64(time.Second))
		}
	}
	return used
}
