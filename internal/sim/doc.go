// Package sim is a simulated exchange that speaks Binance's WebSocket and REST
// protocol, public and of accounts, over a real socket, so that everything from
// the client adapter on is the code that runs against the venue.
//
// # The market
//
// Each symbol has a random-walk price whose volatility clusters, a spread of
// one to three ticks, trades with heavy-tailed sizes that come at random and
// now and then in bursts of 20 to 200 within 100 ms. Prices and sizes are whole
// ticks and lots; the walk's floats never reach the wire. One Seed and one
// sequence of clock readings give one market.
//
// One goroutine, Run's, moves the market and everything timed (tickers, candle
// closes, pings, cut connections) in the order of its own times; it and all
// requests share one lock, so a reader sees each event in all places or in
// none.
//
// # Numbers
//
// Trade ids are consecutive. Without Config.StateDir they start at the wall
// clock's unix milliseconds, so that a restarted exchange continues with
// higher ids, after a hole that it cannot fill. With it, every trade is
// written to a journal before it is published, and the next exchange on that
// directory continues without a hole, serves the trades of before, and has had
// no trades while it was down; this holds for a killed process, not for a
// machine that lost its power. Book update ids start at the wall clock's
// microseconds and only rise.
//
// Candles older than the oldest kept trade are invented at the start,
// backwards from its price; the longer timeframes are sums of the shorter
// ones. A candle that began after it is exactly the sum of its trades.
//
// # Accounts
//
// The accounts of Config trade over signed REST requests (orders, open orders,
// balances, trades) and listen over the WebSocket API's
// userDataStream.subscribe.signature at /ws-api/v3. Listen keys are not there:
// the venue took them out of spot on 2026-02-20.
//
// Orders meet the market's own best bid and ask, never each other: what is on
// top is sold until its size is gone, then a market that moves shows its next
// price, and one that does not has nothing more. What rests is filled at its
// limit when the book reaches it, the oldest first; stops go off at the last
// price. A fill is a trade like all others, with the next public id.
//
// A step (a request, or a move of the market) is kept whole in
// StateDir/accounts.log before anybody is told of it. Trades are kept before
// their fills, so that no id of a fill is given twice.
//
// As at the venue, a client order id is taken as long as its order is open, and
// free afterwards.
//
// # Faults
//
// Inject lets something go wrong with the next requests of accounts: a delay
// before or after they are done, a lost answer, a status of choice, nonsense for
// an answer. Drop cuts all streams, Terminate ends a user data stream in order.
//
// # Differences from the venue
//
// Streams of kinds that are not simulated (depth and others) are accepted and
// silent, as streams of unknown symbols are at the venue. All clients count as
// one address for the request weight. Bans (418) come by Inject
// only. A stop that is triggered and not limited pays from what is free then.
package sim
