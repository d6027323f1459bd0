package cachestore

import (
	"context"
	"time"
)

// CleanUpAround is CleanUp with something that happens between its two steps.
func (p *Processes) CleanUpAround(ctx context.Context, age time.Duration, between func()) (int, error) {
	dead, err := p.dead(ctx, age)
	if err != nil {
		return 0, err
	}
	between()
	return p.removeSeen(ctx, dead)
}
