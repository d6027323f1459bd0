// Package binance reads the public market data of Binance spot and of its USD-M
// perpetuals.
//
// One combined-stream connection carries up to 1024 streams: per symbol the
// book ticker, the 24 h ticker, the trades and one kline stream a timeframe.
// More symbols get more connections.
//
// Perpetuals have hosts of their own, a limit of 200 streams, and two endpoints:
// one for the book ticker, one for the rest. Their sizes are in base units. Of their
// trades the venue documents aggregate ones only, in the stream and over REST,
// numbered without holes; trades of its insurance fund and of automatic
// deleveraging are not among them.
//
// A tick is merged from three message kinds. The book ticker is the fastest
// and the only one with an update number (u); that of spot has no time. The 24 h
// ticker has a time, the volume, and a last price that lags the trade stream;
// trades have the price and their own time. State is kept per symbol for as long as
// a Stream call lasts, across reconnects, so ticks only move forward in
// (Time, VenueSeq).
//
// Numbers are taken from the venue's text and never pass through float64.
// Message formats: https://developers.binance.com/docs/binance-spot-api-docs and
// https://developers.binance.com/docs/derivatives/usds-margined-futures
package binance
