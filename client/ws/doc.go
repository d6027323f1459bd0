// Package ws is package client over WebSocket: the same verbs, grouped the same
// way, for programs that reach the gateway alone and neither NATS nor Redis.
//
//	c, err := ws.Dial(ctx, "ws://127.0.0.1:8765", ws.Config{Token: token})
//	defer c.Close()
//	pos, err := c.Ticks.Set(ctx, tick)              // acknowledged by the log
//	err = c.Wait(ctx, pos)                          // now readers see it
//	tick, err = c.Ticks.Get(ctx, "binance", "BTC/USDT")
//	for tick, err := range c.Ticks.Watch(ctx, "binance") { … }
//
// There is one connection. When it breaks the client makes another one by itself,
// after pauses that grow and are never the same. What was asked and not answered
// by then fails with domain.ErrUnreachable: what it was to write may have been
// written, as with package client. What is asked meanwhile waits for the
// connection, up to Config.Timeout.
//
// Errors match those of package domain as they do there; errors.As with an *Error
// gives the code and the words of the server. A missing or wrong token, or one
// that does not allow it, matches ErrDenied.
//
// A Watch yields a disconnect, and what else keeps the server from telling
// anything, as an error, and goes on. Trades and orders are resumed behind the
// last sequence that was yielded, so that none is lost or doubled; where the
// server no longer has all that is between, a *MissedError says so, which matches
// domain.ErrLagged. Of all else the present state is yielded again. How fast an
// iteration is matters to nobody else: of states the newest waits for it, and of
// trades and orders up to Config.Buffer, behind which the stream is resumed when
// the iteration has come so far.
//
// An iteration ends when its context or the client ends, and after an error that
// matches domain.ErrInvalid or ErrDenied.
//
// Times are told to the microsecond. All methods are safe for concurrent use.
package ws
