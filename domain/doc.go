// Package domain holds what the system is about: ticks, trades, candles,
// feeds, gaps, symbols, venues, balances, positions and fills, the events of
// the log and the errors every layer shares. It does no input or output and
// imports nothing but the standard library and the decimal library.
//
// Money, prices and sizes are exact decimals from the venue's text to the
// reader; float64 appears nowhere. A decimal that is zero where zero makes no
// sense (a price, a size) means "not known".
//
// Values are plain structs: safe to copy, not safe for concurrent mutation.
package domain
