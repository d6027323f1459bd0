// Package coinbase reads the public market data of Coinbase's spot markets, by
// the Advanced Trade WebSocket API.
//
// Each symbol has the ticker (best bid and ask, last price and volume, with
// every match), the trades, the bars of five minutes and the product's status;
// heartbeats keep quiet subscriptions open. A request names up to 50 products of
// one channel.
//
// Answers carry no id: the venue lists all that is subscribed, each time. What
// it does not list in time is asked for again product by product, and then given
// up. Every message of a connection is numbered; a hole means that one was lost,
// and the connection is replaced, at most once a minute.
//
// A trade's side is the maker's in the stream and over REST, so it is turned
// round. Trade ids count the trades of a product without holes. REST is asked by
// time, in whole seconds, and answers with the newest trades of a span first.
// The ticker has the time at which the message was sent.
//
// Products in USDC have the book of those in USD (but for USDT and EURC): the
// venue sends only the latter, under its name, so follow these.
//
// Message formats: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
package coinbase
