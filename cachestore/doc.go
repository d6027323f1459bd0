// Package cachestore is Redis: the keys, the scripts, and what the projector
// writes and readers read, a file for each kind of data.
//
// Redis is a fold of the log. All keys of a partition share a hash tag, the
// name of its stream, and with it a slot; one of them is the checkpoint, up to
// where they reflect the stream. The only way to write is Partition.Apply: one
// script compares the checkpoint, runs the writes and sets the next one. So
// whoever writes from an outdated state changes nothing, two writers do no
// harm, a repetition does nothing, and a Redis that was wiped or rolled back
// says so itself. What that does not hold for is at the end.
//
//	<prefix>{<stream>}:checkpoint                  string, see domain.Checkpoint
//	<prefix>{<stream>}:changed                     stream of one entry, its id is the checkpoint's sequence
//	<prefix>{<stream>}:exchanges                   set of exchanges that have ticks here
//	<prefix>{<stream>}:ticks:<exchange>            hash: symbol → stamped tick, "feed" → stamped feed
//	<prefix>{<stream>}:markets                     set of <exchange>:<symbol> that have trades or candles
//	<prefix>{<stream>}:trades:<exchange>:<symbol>   list of stamped trades, oldest first
//	<prefix>{<stream>}:gaps:<exchange>:<symbol>     list of stamped gaps, oldest first
//	<prefix>{<stream>}:candles:<exchange>:<symbol>  hash: <timeframe>:<bar's unix seconds> → stamped candle,
//	                                                <timeframe> → unix seconds of the newest bar
//
// Trades are a list and candles one hash for a market, because a batch then
// costs one command for each, however many trades it has and although each
// changes seven bars. A Redis Stream takes a command for each entry, and sorted
// sets take two for each bar; inside a script that was two thirds of what Redis
// did (BenchmarkProjectTrades: 140,000 trades a second against 400,000). The
// price is that a place in the trades is found by their stamps, from the newest
// back, which is where watchers are.
//
// Who waits for a change waits for the next entry of changed: it cannot be
// missed between two reads, as a published message could, needs no polling, and
// its cost does not grow with what has changed. Reading one's own write is to
// wait until changed has reached the write's sequence.
//
// Values are the msgpack arrays of internal/wire.
//
// # What is not folded
//
// State that may die with its process, and messages for people, are written to
// Redis directly. A wiped Redis has none of it; processes register again.
//
//	<prefix>{PROCESSES}:about              hash: id → encoded process, what never changes of it
//	<prefix>{PROCESSES}:registered         hash: id → number of the registration, and its time
//	<prefix>{PROCESSES}:beats              hash: id → time of the last heartbeat
//	<prefix>{PROCESSES}:status             hash: id → status
//	<prefix>{PROCESSES}:message            hash: id → message
//	<prefix>{PROCESSES}:params:<id>        hash: name → value
//	<prefix>{PROCESSES}:registrations      how many there were
//	<prefix>{PROCESSES}:broadcasts:<type>  capped stream of encoded messages
//	<prefix>{VENUE_ERRORS}:<exchange>      capped stream of encoded errors
//
// Each thing that changes has a field of its own, and each verb is one script:
// a heartbeat cannot undo a concurrent change, and two changes of different
// things cannot lose one. There is no index by type or component that could
// disagree with the processes: readers compute both from all of them, which are
// dozens, in the order of their registration, which a counter gives.
//
// Times of processes are unix microseconds of Redis's clock, taken by the
// scripts, and ages are compared with the same clock: how far the clocks of two
// machines are apart makes nobody look dead. What a clock cannot know, whether
// a process beat between being judged dead and being removed, is compared with
// the heartbeat that was seen.
package cachestore
