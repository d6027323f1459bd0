// Package bybit reads the public market data of Bybit's spot markets and of its
// linear perpetuals, by version 5 of its API.
//
// Spot and linear are two WebSocket endpoints on one host, and two categories of
// one REST host. A venue symbol stands for two markets: BTCUSDT is BTC/USDT on
// the one endpoint and BTC/USDT:USDT on the other. Perpetuals that are settled in
// USDC are BTCPERP there, BTC/USDC:USDC here. Futures with a date of delivery,
// inverse contracts and options are left out. Sizes of linear contracts are in
// base units.
//
// Each symbol has orderbook.1 (the best bid and ask), the trades, the ticker
// (last price and volume) and one kline topic a timeframe. A request names up to
// 10 topics and has an id; the venue grants or refuses it as a whole, and refuses
// it because of one topic that is wrong or subscribed already.
//
// The book and the linear ticker begin with a snapshot; after it only changes are
// sent, so a connection keeps the last whole state. The book is one level deep: a
// new price replaces the old one, also where the venue does not take that back.
// Its update id begins anew when the venue's service restarts, and of its cross
// sequence is not said that it does not, so books are ordered by time. The ticker
// of linear markets repeats the best bid and ask, later than the book, and counts
// only until the first book.
//
// Trade ids are UUIDs (linear) or numbers that markets share (spot), and the cross
// sequence of a trade is not said to be without holes, so trades have no numbers: they
// are known by their ids, and after an interruption the newest trades of REST tell what
// was missed. REST has 1000 of a linear market and 60 of spot; what is before them is a
// gap. The side is the taker's. Bars say that they are final.
//
// REST answers with status 200 and a code in the body. It takes 600 requests in 5
// seconds of one address; more are answered with status 403, for ten minutes.
//
// Message formats: https://bybit-exchange.github.io/docs/v5/ws/connect
package bybit
