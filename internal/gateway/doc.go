// Package gateway is the WebSocket server: every verb of the client for any
// language, over one socket.
//
// There are two dialects. At / and /ws a message names its operation and may be
// about anything; at /ws/<topic>/<connection id> it names an action of that
// topic, as the Python server has it. Both lead to the same table of operations:
// what an operation takes and gives are Go types, from which frames are decoded
// and encoded and the description of the protocol is made. A frame of text is
// JSON and a binary one is msgpack; the answer is of the kind that the question
// was of.
//
// What is pushed comes out of Redis, not out of the log: a client that reads
// after it was told of a change sees it. A subscription begins with a snapshot and goes on
// with every change. However many clients want the same, it is watched once: a
// feed keeps the newest state of what it watches, so that who comes late gets a
// snapshot and the changes behind it without a hole and without a read of Redis.
//
// Nobody waits for a slow client, and nothing is buffered without bound for it.
// Of ticks it gets the newest, whatever it missed in between; of all else every
// message, until more wait for it than Limits.MaxQueued: then it is cut, and told
// why. It can come again and resume behind the last sequence that it has seen.
//
// Decimals are JSON numbers with all their digits, so that readers who want
// floats have them and readers who want decimals lose nothing; times are seconds
// since 1970. In msgpack decimals are strings, because it has no such number.
package gateway
