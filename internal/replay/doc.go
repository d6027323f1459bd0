// Package replay plays recordings of a venue's WebSocket to clients that speak
// Binance's public protocol, over a real socket.
//
// A recording is a file, gzipped or not, of one JSON object a line:
//
//	{"t_ns": local unix nanoseconds, "dir": "recv", "raw": "exact wire text"}
//
// Only frames of streams are played; what was sent, opened or fetched over
// REST is passed over, and so are snapshots and answers among the received
// frames. Several files are merged by t_ns; frames of one time keep the order
// of the files. The text that was recorded is what a client of a combined
// connection gets, byte for byte; a client of a raw connection gets its data.
//
// # The position
//
// There is one position for all clients, as at a venue. It begins to move when
// the first client has subscribed (Config.Await can ask for more than that).
// In mode Live it then moves on with the time, whoever listens; in mode Hold
// it waits while nobody does. A Fault can end connections at an exact position
// and let an exact number of frames pass unheard.
//
// REST answers historicalTrades from the recorded trades that the position has
// passed, heard or not, so that a client can fill its holes. exchangeInfo lists
// the symbols of the files; the tick and lot sizes are the finest steps that
// occur in them, because recordings do not tell.
package replay
