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
//	<prefix>{<stream>}:accounts                    set of accounts that something is known of
//	<prefix>{<stream>}:balances:<account>          hash: currency → stamped balance
//	<prefix>{<stream>}:positions:<account>         hash: symbol → stamped position or deletion,
//	                                               "known" → stamped set without positions
//	<prefix>{<stream>}:counted:<account>           hash: symbol or currency → what the fills make of it,
//	                                               <"?" unknown, "-" not counted, or decimal> <since, unix ns>
//	<prefix>{<stream>}:unsettled                   set of accounts of which that is not what the venue says
//	<prefix>{<stream>}:differences:<account>       hash: symbol or currency → stamped difference, the newest
//	<prefix>{<stream>}:queues                      set of <account>:<exchange> that have fills
//	<prefix>{<stream>}:fills:<account>:<exchange>    list of stamped fills, oldest first
//	<prefix>{<stream>}:unacked:<account>:<exchange>  hash: id → stamped fill that is not acknowledged
//	<prefix>{<stream>}:waiting:<account>:<exchange>  sorted set: their ids by the sequence that they came with
//	<prefix>{<stream>}:dropped:<account>:<exchange>  number of those that the queue had no room for
//	<prefix>{<stream>}:leases:<account>:<exchange>   hash: id → <end, unix ms> <token>; not folded
//	<prefix>{<stream>}:blocks                      hash: symbol → <sequence> <token> <expires, unix ms> <exposed, 0 or 1>
//	                                               <bot> <account or -> <granted, unix ms>, of blocks that were not
//	                                               given back
//	<prefix>{<stream>}:freed                       hash: symbol → sequence of the return, of those that were
//	<prefix>{<stream>}:freedby                     hash: symbol → <token> <bot> <returned, unix ms>, of the same
//	<prefix>{<stream>}:openings, opened, openedby  the same three of opening marks
//	<prefix>{<stream>}:rights                      hash: bot, "" for all, or "*" for all exchanges → <state> <sequence> <time, unix ms> <reason>
//	                                               of a halt, but for "" none whose state is active; symbol → <sequence of the
//	                                               block> <that of the opening mark>, each of its grant or return and 0 without,
//	                                               and if one is held, of each <token> <expires, unix ms> <exposed> <bot>
//	<prefix>{CATALOG}:venues                       hash: exchange → stamped venue; a stamp without a venue: deleted
//	<prefix>{CATALOG}:symbols:<exchange>           hash: symbol → stamped symbol
//	<prefix>{CATALOG}:shadowed:<exchange>          hash: symbol → stamped symbol from before the venue was deleted; not to be read
//	<prefix>{CATALOG}:venuesymbols:<exchange>      hash: venue symbol → symbol; of several the one that was stored last
//	<prefix>{CATALOG}:catalogued                   set of exchanges that have symbols
//	<prefix>{CATALOG}:revisions                    hash: exchange → sequence of the last message about it or its symbols
//	<prefix>{CATALOG}:bots                         set of bots that have a status
//	<prefix>{CATALOG}:bot:<bot>                    hash: feed → stamped status
//
// Of the orders of an exchange, which are a partition of their own; what is called
// first is the sequence that an order was created with:
//
//	<prefix>{<stream>}:orders            hash: id → stamped order
//	<prefix>{<stream>}:live              sorted set: ids of those that are not final, by first
//	<prefix>{<stream>}:done              sorted set: ids of those that are, by the sequence of their end; capped
//	<prefix>{<stream>}:dead              sorted set: ids of those that are handed out no more, by first
//	<prefix>{<stream>}:cancels           sorted set: ids of those that rest at the venue and are to be cancelled, by first
//	<prefix>{<stream>}:symbol:<symbol>   sorted set: ids of the orders in a symbol, by first
//	<prefix>{<stream>}:bot:<bot>         sorted set: ids of the orders of a bot, by first
//	<prefix>{<stream>}:livecount         hash: <bot> <symbol> → how many live orders
//	<prefix>{<stream>}:waitcount         hash: symbol → how many orders wait for a worker
//	<prefix>{<stream>}:heads             hash: symbol → <turn> <id>…, the oldest one that waits, and after it the oldest of
//	                                     each other line: of the same bot, of those that only reduce, of those that may
//	                                     have been sent; turn is 2^52 + first of the oldest
//	<prefix>{<stream>}:tickets           hash: id → <bot> <account> <reduce only> <expires, unix ms or 0> <status> <created, unix ms>
//	                                     of each one that waits
//	<prefix>{<stream>}:leases            hash: symbol → <end, unix ms> <token> <id> <worker>, the token "-" for a mere delay;
//	                                     not folded
//	<prefix>{<stream>}:turns             sorted set: the symbols of heads; one that has a lease by its end, or less, unix ms,
//	                                     others by their turn; not folded, but kept true by the fold
//	<prefix>{<stream>}:tries             hash: id → how often it was handed out; not folded, but emptied by the fold
//	<prefix>{<stream>}:changes           stream of an entry for each batch that changed orders, its id is the sequence that
//	                                     the batch ended with: the one that it began behind → their ids; capped
//
// Trades are a list and candles one hash for a market, because a batch then
// costs one command for each, however many trades it has and although each
// changes seven bars. A Redis Stream takes a command for each entry, and sorted
// sets take two for each bar; inside a script that was two thirds of what Redis
// did (BenchmarkProjectTrades: 140,000 trades a second against 380,000). The
// price is that a place in the trades is found by their stamps, from the newest
// back, which is where watchers are.
//
// Who waits for a change waits for the next entry of changed: it cannot be
// missed between two reads, as a published message could, needs no polling, and
// its cost does not grow with what has changed. Reading one's own write is to
// wait until changed has reached the write's sequence.
//
// A position that is not there is flat if the account's positions are known,
// and unknown if they are not: the field "known" says so, from the first event
// about any of them. A deletion stays stored, so that older news does not bring
// the position back; a whole set removes it, because the set's time does that.
//
// A fill is popped by writing a lease and nothing else, so a pop that nobody
// hears of, or whose caller dies, loses nothing: leases are the only thing here
// that is not folded, and a Redis that lost them hands the fills out again. What
// takes a fill out of the queue is an acknowledgement, an event like the others:
// a queue that is folded anew has the same fills, and none that was dealt with.
// A cursor would not do that, because fills are acknowledged out of order. While
// a partition is folded anew it has fills whose acknowledgement is yet to come;
// so pop names the epoch and the sequence that must have been reached.
//
// The orders that wait are a queue for each symbol, and what a pop needs to choose
// one is text in hashes of fixed names: the script can be told every key that it
// touches, however many symbols there are, and does not decode an order. The
// oldest of a symbol that may be sent is handed out, and a symbol has one lease,
// which keeps its order. One that must not be sent, because of its bot or because
// it may open a position, lets those pass that may: they are in lines of orders
// for which the same holds, and each line keeps its order. A lease counts for as long as its order waits: when the order has
// left the queue, the next one goes out at once. Pop checks blocks, opening marks
// and halts for orders that would be sent; one that may have been sent already is
// handed out whatever they say, because somebody must find out what became of it.
//
// With as many workers as symbols most symbols are leased, so a pop does not look
// through them: turns has those first that are leased, by the end of the lease, and
// behind them all that may be handed out. It only tells where to look, and may say
// of a symbol that it has no lease, or one that ends earlier, never the opposite:
// who gives a lease back moves the symbol, and so does the fold when an order waits
// no more or another is the oldest; a pop moves those whose lease it writes or
// finds, or whose end has come. A pop that finds fewer symbols in turns than in heads,
// because they were lost, begins them anew with no leases at all.
//
// Who follows the orders reads in changes which of them to look at. An index by the
// sequence of the newest state would tell as much, and cost an insertion into a
// sorted set for each state of each order, where changes takes one command for a
// batch. Where its oldest entry begins is where it says nothing of what was before;
// a watcher that has not come so far reads all orders again. Without an entry no
// order has changed since the partition was begun. Which entries there are depends
// on the batches, so it is no fold of the log; but any two of them tell the same.
//
// Values are the msgpack arrays of internal/wire, but for the rights to trade:
// those are plain text, because the script that hands out orders reads them.
// <sequence> is the newest message of the log about it, which is what a condition
// names; it stays known when a block was given back. A block that has expired is
// in blocks until somebody takes it or gives it back: whether it keeps others
// out is a matter of the log's clock and of what its bot has at stake.
//
// The log keeps only the newest message of each subject of the catalogue. So the
// catalogue must follow from those alone, or it would be another one after it
// was folded anew. A venue that is deleted takes its symbols along; that is why the
// venues that are set later say where that was, and why symbols that were taken
// along are kept until a newer message replaces them.
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
//	<prefix>{PROCESSES}:identity           random name of this Redis, by which projectors know who folds into the same
//	<prefix>{PROCESSES}:broadcasts:<type>  capped stream of encoded messages
//	<prefix>{VENUE_ERRORS}:<exchange>      capped stream of encoded errors
//	<prefix>{RATES}:<exchange>:<account>   when the account's next place in its rate is free, unix microseconds
//
// Each thing that changes has a field of its own, and each verb that writes is
// one script: a heartbeat cannot undo a concurrent change, and two changes of
// different things cannot lose one. There is no index by type or component that
// could disagree with the processes: readers compute both from all of them,
// which are dozens, in the order of their registration, which a counter gives.
// A process, or all of them but their parameters, is read in one transaction
// with the time, so that it is of one moment; a script in place of the plain
// commands makes such a read cost twice as much (BenchmarkRead).
//
// Times of processes are unix microseconds of Redis's clock, and ages are
// compared with the same clock: how far the clocks of two machines are apart
// makes nobody look dead. What a clock cannot know, whether a process beat
// between being judged dead and being removed, is compared with the heartbeat
// that was seen.
package cachestore
