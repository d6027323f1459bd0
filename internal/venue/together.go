package venue

import (
	"context"

	"github.com/sourcegraph/conc/pool"
)

// Together runs the parts of a Stream side by side. It blocks until all have
// ended: with ctx, or because one of them failed, whose error it returns.
func Together(ctx context.Context, parts ...func(context.Context) error) error {
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, part := range parts {
		group.Go(part)
	}
	return group.Wait()
}
