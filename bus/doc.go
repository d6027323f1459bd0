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
//	ACCOUNTS_<p> balance.<p>.<account>.<currency>
//	             position.<p>.<account>.<symbol>
//	             positions.<p>.<account>                      the whole set of an account
//	             fill.<p>.<account>.<exchange>
//	             ack.<p>.<account>.<exchange>                 a fill was dealt with
//	             difference.<p>.<account>.<symbol>            a position is not what the fills make of it;
//	                                                          with a currency: a balance
//	ORDERS_<EXCHANGE>                                          of one exchange, its name in capitals
//	             order.<exchange>.<client order id>           an empty payload forgets it
//	             block.<exchange>.<symbol>                    the right to trade, or its return
//	             block-renewal.<exchange>.<symbol>
//	             opening.<exchange>.<symbol>                  the right to open a position, or its return
//	             opening-renewal.<exchange>.<symbol>
//	             granted.<exchange>                           stored with each block and each opening mark that is granted
//	             halt.<exchange>[.<bot>]                      of all bots, or of one
//	             halt-all.<exchange>                          its part of a halt of all exchanges
//	             fence.<exchange>[.<symbol>]                  stored with an order on the condition of the halts, the grants, or a block or mark
//	CATALOG      venue.<exchange>                             an empty payload removes what the subject names
//	             symbol.<exchange>.<symbol>
//	             bot.<bot>[.<feed>]                           status of a feed; without one: only to remove all
//	DEADLETTER   deadletter.<stream>.<sequence>               what a projector could not use
//
// <p> is Partition of the escaped exchange and symbol, of accounts that of the
// escaped account alone, FNV-1a-32; EscapeToken escapes.
// Nobody may delete from a partition's stream, so its sequences are dense and
// a hole is noticed. The catalogue alone keeps only the newest message of each
// subject, for ever, and has holes by design. The partition counts belong to the deployment: they are
// stored with the streams, and a process with other counts is refused.
//
// # Payloads
//
// Account, exchange, symbol, currency and timeframe are in the subject (in Redis: in the key) and
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
//	balance [1, time ns, total, free, used]
//	        total and free may be negative: borrowed
//	position [1, time ns, deleted, exchange, volume, price, cost, fee, realised]
//	        volume is negative for a short, "0" for flat; fee may be negative, a rebate, and so may realised;
//	        deleted true: flat, and the rest, "" and "0", is forgotten
//	positions [1, time ns, [[symbol, exchange, volume, price, cost, fee, realised], …]]
//	        replaces the set; symbols that are not named are flat
//	fill    [1, id, time ns, symbol, side, price, volume, fee, fee_currency, maker, order_id, client_order_id, first]
//	        id is the venue's trade id; "" is not known; first is 0 (another number is a projector's repetition)
//	ack     [1, id]
//	difference [1, time ns, counted, said]
//	        by the fills, and by the venue; from then on the latter counts
//	order   [1, status, created ns, updated ns, account, bot, symbol, side, type, time_in_force, volume, price, stop_price,
//	        reduce_only, expires ns, reason, cancel_requested, venue_order_id, venue_time ns, filled, average_price,
//	        attempt, worker, deadline ns, token, first, dead]
//	        the whole order, after each change. status, type and time_in_force: the numbers of package domain;
//	        first is 0 (another number is a projector's repetition)
//	block, opening [1, bot, account, granted ns, expires ns, released, exposed, first]
//	        a grant, or with released true the return, at expires; the token is the sequence of the grant. first is 0
//	        in a grant, the token in a return (and in a projector's repetition)
//	block-renewal, opening-renewal [1, bot, token, expires ns]
//	        token 0: of the grant that is stored just before, in the same batch
//	granted [1, bot]
//	halt, halt-all [1, state (1 active, 2 reduce only, 3 halted), reason, time ns]
//	fence   [1, worker]
//	venue   [1, title, status (1 open, 2 maintenance, 3 closed), params (array of text: name, value, name, value…), time ns, emptied]
//	        emptied is the sequence of the venue's last deletion, 0: none; its symbols up to there are gone
//	symbol  [1, venue_symbol, base, quote, settle, tick_size, lot_size, min_volume, min_notional, trading]
//	bot     [1, fields (as params), time ns]
//
// All times are unix times; 0 is "not known". The side of a trade is the
// aggressor's, that of a fill the account's own. The time of a balance, a
// position and a set of positions is the one that they are the state of: older
// news never replaces newer, and with time 0 the order of the log decides.
//
// # Writing
//
// Publish stores one event and returns its position. Commit stores one or more
// on conditions, all or none: an order only where it has not changed since it was
// read, and where the right to send it is still the same. PublishAll stores many that
// are independent of each other with one wait. TickPublisher is for
// feeds of ticks: it never blocks, and while the log is slow or away the latest
// tick of each market waits. OrderedPublisher is for trades: it stores each
// once and in order through outages, and whoever else stores trades of the same
// market: all that it stores of a market is on the condition that the market's
// newest trade is the one that it knows of. Many events go in atomic batches, a
// few one by one, whichever is quicker at the moment. Fast batches would be quicker
// still, but a process that is halted in the middle of one and goes on when another
// has taken over would store the rest: their later messages cannot be conditional.
// After an error it reads the last message of each subject back and goes on behind
// it. A message id would recognise a repeated message only within its window and
// costs the server memory for each message.
//
// The bucket FEEDS holds who follows a venue and which symbols of it (see Feeds),
// the bucket PROJECTORS who folds which partition (see Members).
//
// # Reading
//
// Reader is one unfiltered ordered consumer: a wildcard filter costs a server
// nine tenths of its rate. A watchdog makes a consumer anew that delivers
// nothing while its stream has something. In the catalogue's stream, whose sequences
// have holes, a message that is lost between stream and reader is noticed by the
// numbers that the consumer gives to what it delivers.
package bus
