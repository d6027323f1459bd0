// Package ingest brings a venue's feed into the log: every trade once and in
// order, the newest ticks, the venue's own candles, and signs of life.
//
// The adapter below it speaks the venue's protocol and may repeat or miss
// trades, as venues and reconnects do. A sequencer for each symbol compares the
// venue's trade numbers with the last one in the log: what is there already is
// dropped, a hole is fetched over REST while later trades wait, and what the
// venue no longer gives becomes a gap event. A log that is away for longer than
// its buffer lasts makes the same kind of hole and is mended the same way.
//
// Signs of life (domain.Feed) go through the same streams as the ticks, every
// interval, and say whether the venue is heard. They stop when this process
// dies, when the log is away and when ticks wait for it; readers take the ticks
// for stale then.
package ingest
