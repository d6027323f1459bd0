// Package bus is the log: JetStream streams that hold everything that must
// last, and the ways to write and read them.
//
// A partition is a stream. Market data is partitioned by exchange and symbol,
// so all events of one market are in one stream, in order:
//
//	TICKS_<p>    tick.<p>.<exchange>.<symbol>                 the market's state; an empty payload deletes it
//	             feed.<p>.<exchange>                          sign of life, in every partition
//	TRADES_<p>   trade.<p>.<exchange>.<symbol>
//	             candle.<p>.<exchange>.<symbol>.<timeframe>
//	             gap.<p>.<exchange>.<symbol>
//	DEADLETTER   deadletter.<stream>.<sequence>               what a projector could not use
//
// <p> is Partition of the escaped exchange and symbol, FNV-1a-32; EscapeToken escapes.
// Nobody may delete from a partition's stream, so its sequences are dense and
// a hole is noticed. The partition counts belong to the deployment: they are
// stored with the streams, and a process with other counts is refused.
//
// # Payloads
//
// Exchange, symbol and timeframe are in the subject (in Redis: in the key) and
// are not repeated in the payload. Integers may have any msgpack width.
// Decimals are strings of at most 19 digits before and 19 after the point,
// without exponent; "0" stands for "not known" where zero makes no sense.
// Readers ignore elements past those they know, so that a producer may be
// newer than its readers; anything else that changes gets a new version.
//
//	tick    [1, time ns, venue_seq, received ns, last, bid, bid_size, ask, ask_size, volume]
//	        an empty payload deletes the tick
//	feed    [1, state (1 live, 2 silent, 3 stopped), time ns, interval ms, heard ns]
//	trade   [1, id, time ns, received ns, side (1 buy, 2 sell), price, volume]
//	candle  [1, time s, open, high, low, close, volume, trades, source (1 trades, 2 venue), closed]
//	gap     [1, from_id, to_id, missing, time ns, reason]
//
// All times are unix times; 0 is "not known". A side is the aggressor's.
//
// # Writing
//
// Publish stores one event and returns its position. TickPublisher is for
// feeds of ticks: it never blocks, and while the log is slow or away the latest
// tick of each market waits. OrderedPublisher is for trades: it stores each
// once and in order through outages. It sends fast batches, in which the server
// gives up at the first gap; after an error it reads the last message of each
// subject back and goes on behind it. A message id would recognise a repeated
// message only within its window and costs the server memory for each message.
//
// # Reading
//
// Reader is one unfiltered ordered consumer: a wildcard filter costs a server
// nine tenths of its rate. A watchdog makes a consumer anew that delivers
// nothing while its stream has something.
package bus
