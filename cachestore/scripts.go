package cachestore

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// scripts are the sources of all scripts.
var scripts []string

// newScript makes a script that Connect loads.
func newScript(source string) *redis.Script {
	scripts = append(scripts, source)
	return redis.NewScript(source)
}

// loadScripts loads every script into a node, so that the first call of each is
// as fast as the others. A node that has lost them, because it was started anew
// or is a new master, gets each again with the first call that misses it. So
// does one that does not let us load.
func loadScripts(ctx context.Context, node redis.Cmdable) error {
	_, err := node.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, source := range scripts {
			pipe.ScriptLoad(ctx, source)
		}
		return nil
	})
	var refused redis.Error
	if errors.As(err, &refused) {
		return nil
	}
	return err
}
