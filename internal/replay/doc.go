// Package replay plays recordings of a venue's WebSocket to clients that speak the
// venue's public protocol, over a real socket.
//
// A recording is a file, gzipped or not, of one JSON object a line:
//
//	{"t_ns": local unix nanoseconds, "dir": "recv", "url"?, "raw": "exact wire text"}
//
// Only frames of streams are played; what was sent is passed over, and so are
// snapshots and answers among the received frames. Several files are merged by
// t_ns; records of one time keep the order of the files.
//
// # Venues
//
// What differs from venue to venue is in one file each, behind the interface
// dialect: how recorded messages read, which streams and markets they are of, how
// subscriptions and pings are answered, what REST answers, and which fields count
// trades and time. Everything else, the socket, the pace, the laps and the faults,
// knows no venue.
//
// The text that was recorded is what a client gets, where it has the form of today.
// Messages of older interfaces are played as that of today tells the same; what a
// venue's own file says. No code is shared with the adapters that this tests.
//
// # The position
//
// There is one position for all clients, as at a venue. It begins to move when
// the first client has subscribed (Config.Await and Config.Settle can ask for more
// than that). In mode Live it then moves on with the time, whoever listens; in mode
// Hold it waits while nobody does. A Fault can end connections at an exact position
// and let an exact number of frames pass unheard.
//
// REST gives the recorded trades that the position has passed, heard or not, so that
// a client can fill its holes. The catalogue lists the symbols of the files; the tick
// and lot sizes are the finest steps that occur in them, because recordings do not
// tell. Symbols that were not recorded are refused as the venue refuses unknown ones.
//
// # Laps
//
// Looped, each lap goes on where the last one ended: times by whole minutes, the
// numbers of trades and of changes of books by as many as a lap has. Ids that are
// UUIDs become others.
package replay
