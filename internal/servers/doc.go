// Package servers starts programs and real servers as processes of their own, to
// be killed, paused and cut off: nats-servers, redis-servers, alone and as
// clusters, and TCP proxies to put between them and whoever uses them.
//
// It knows nothing of tests. What it starts dies with it: on Linux even when it
// is killed itself.
package servers
