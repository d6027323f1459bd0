// Package pause waits.
package pause

import (
	"context"
	"time"
)

// For blocks for d, or until ctx ends. A d that is not positive is no wait.
func For(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
