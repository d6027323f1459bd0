// Command chaos proves what the system promises by breaking it. It starts a
// deployment of real processes on this machine: three nats-servers, a Redis
// Cluster of three masters with a replica each, three projectors and two order
// workers, with TCP proxies between them; it publishes numbered events of all
// kinds, and meanwhile kills (SIGKILL), pauses (SIGSTOP), cuts off, fails over and
// wipes, as a schedule says that is a function of the seed alone. Then it heals
// everything, waits until nothing lags, and checks:
//
//   - every acknowledged trade is there once and in order, and nothing that
//     nobody published; what was not acknowledged may be there;
//   - every acknowledged event is in the log where the acknowledgement said;
//   - no tick, balance or position went back for a reader that watched, and no
//     trade was seen twice;
//   - Redis is, byte for byte, what a projector makes of the log in a Redis of
//     its own;
//   - each order was sent once and came to its end, those of a market in their
//     order, and none is leased.
//
// Of the log at most one server is away at a time, paused or cut off included, for
// that is what three copies promise to survive. One partition of trades loses its
// whole history on purpose, to see that this is noticed.
//
//	go run ./internal/chaos [-seeds N | -seed n] [-for 60s] [-dir folder]
//
// Each seed prints its schedule, what was done when, and its figures. One that
// fails keeps its folder, in which all processes' logs are, and the exit code is 1.
package main
