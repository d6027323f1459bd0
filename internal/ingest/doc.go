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
// # Trades without numbers
//
// Where a venue's trades have no consecutive numbers, the connection takes their
// place: it brings every trade from its first one on. Before that there may be a hole,
// so the first trade waits until the venue's newest trades, over REST, go from the last
// one in the log to it. What lies between is handed on, and what the venue no longer
// lists becomes a gap event that does not tell which trades are lost, only between
// which. A connection that begins with trades that are known needs no REST. Repetitions
// are known by their ids, of which the newest are remembered; those of the log's last
// trade, and of others of its time, are read from the log.
//
// # Two processes for one venue
//
// Of the processes that could follow a venue one holds its lease (Lease) and the
// others stand by. There is one lease for each exchange, not for a set of symbols:
// the signs of life below are of the exchange, and two processes that send them
// would contradict each other.
//
// No promise rests on the lease. A holder that was halted, or cut off, goes on when
// it wakes until it learns that another has taken over; that may be after it has
// published. So each trade, gap and candle is stored on the condition that the
// market's newest trade in the log is the one that its publisher knows of, the one
// before it: two processes that follow the same venue at once still store
// every trade once and in order. The one that comes too late is refused, reads the
// log again where it ends, and fetches what it lacks. Its ticks are stored, and are
// older than what the projection has by the venue's time or number, which never
// replaces newer ones; its signs of life are true.
//
// # Signs of life
//
// Signs of life (domain.Feed) go through the same streams as the ticks, every
// interval, and say whether the venue is heard. They stop when this process
// dies, when the log is away and when ticks wait for it; readers take the ticks
// for stale then.
package ingest
