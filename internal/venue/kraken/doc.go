// Package kraken reads the public market data of Kraken spot, by version 2 of
// its WebSocket API.
//
// Each symbol has the ticker (best bid and ask, last price, volume, on every
// change of the best bid or ask), the trades, and one ohlc channel a timeframe.
// A request names up to 50 symbols of one channel; the venue answers each symbol
// of it on its own, with the id of the request.
//
// Trade ids count the trades of a market without holes, in the stream as over
// REST; REST is asked by time (since, in nanoseconds) and answers with at most
// 1000 trades. Subscribing brings a snapshot: old trades again, and the bars
// before the open one. The venue does not say when a bar is final; it is once
// the next one begins.
//
// Numbers are JSON numbers; their text is kept. The ticker has a time since
// 2025, before that none. Names are the venue's new ones, BTC and DOGE; REST
// still has XBT and XDG. Tokenised stocks are not in the catalogue, which REST
// lists apart.
//
// Message formats: https://docs.kraken.com/exchange/api-reference/spot-websocket-v2
package kraken
