// Package client is the one handle that bots, connectors and servers hold:
// writes go to the log, reads come from Redis.
//
//	c, err := client.Connect(ctx, client.Config{})
//	…
//	pos, err := c.Ticks.Set(ctx, tick)              // acknowledged by the log
//	err = c.Wait(ctx, pos)                          // now readers see it
//	tick, err = c.Ticks.Get(ctx, "binance", "BTC/USDT")
//	for tick, err := range c.Ticks.Watch(ctx, "binance") { … }
//
// Four answers are told apart with errors.Is: domain.ErrNotFound (it is not
// there), domain.ErrUnreachable (nobody answered), domain.ErrUnknown (what is
// stored cannot be read) and, on the tick itself, Stale. Nothing is swallowed.
//
// All methods are safe for concurrent use. Methods that take a context return
// its error when it ends.
package client
