package cachestore

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

var (
	//go:embed scripts/rate.lua
	rateSource string

	rateScript = redis.NewScript(rateSource)
)

// Rate is a rate that processes share, by Redis's clock. It is written to Redis
// directly: one that was lost begins anew.
type Rate struct {
	PerSecond float64 // places, more than zero
	Burst     int     // places that may be taken at once after a rest, at least one
}

// Reserve takes n places of an account's rate at an exchange, and tells how long
// to wait until the last of them may be used. Places that were taken are gone,
// whether they are used or not. The error matches domain.ErrInvalid,
// domain.ErrUnreachable or domain.ErrUnknown.
func (s *Store) Reserve(ctx context.Context, exchange, account string, rate Rate, n int) (time.Duration, error) {
	if rate.PerSecond <= 0 || rate.Burst < 1 || n < 1 {
		return 0, domain.Invalid("rate", "", "more than zero places a second, a burst and a number of at least one")
	}
	key := s.tag(ratesTag) + exchange + ":" + account
	wait, err := rateScript.Run(ctx, s.rdb, []string{key}, max(1, int64(1e6/rate.PerSecond)), rate.Burst, n).Int64()
	if err != nil {
		return 0, s.failed(ctx, "reserve a place", err)
	}
	return time.Duration(wait) * time.Microsecond, nil
}
