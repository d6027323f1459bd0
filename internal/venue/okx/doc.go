// Package okx reads the public market data of OKX, spot and perpetual swaps, by
// version 5 of its API.
//
// The venue has what a symbol tells on two WebSocket endpoints: public has the
// best bid and ask (bbo-tbt, every 10 ms at most, where tickers has them every 100
// ms) and the tickers, of which only the volume is used, and what nothing newer is
// known of; business has the trades and the bars. A request names channels of up
// to 25 symbols; each channel of each symbol is granted on its own, with its name,
// and refused with the id of the request.
//
// The channel trades joins the fills of a taker at one price into one trade with
// the last fill's id, so its ids have holes. trades-all has each fill, and its
// ids count the trades of an instrument, in the stream as over REST, which is
// asked by them. A bar is final when the venue says so; those of a day are the
// ones that begin at midnight UTC, not in Hong Kong.
//
// Swaps count contracts. A contract of a linear swap is a part of the base
// currency; one of an inverse swap is a number of dollars, which the price turns
// into base units, to 19 digits behind the point. The sizes come from the
// catalogue. Nothing of a swap is handed on before it is known, and nothing at all
// of one that the catalogue does not have. The volumes of bars and of 24 hours are
// in base units already.
//
// Times and numbers are texts, times in milliseconds. REST says in a code what
// went wrong, with status 200 as with others. Numbers of updates (seqId) begin
// anew after maintenance, so the best bid and ask are ordered by their time.
//
// Message formats: https://www.okx.com/docs-v5/en
package okx
