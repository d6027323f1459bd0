// Package acceptance holds the tests of what the system promises as a whole.
// They run the real binaries as processes of their own against real servers:
// recordings of a venue are played to ingest, processes and servers are killed
// on the way, and what the log and Redis hold in the end is compared with what
// the test itself reads out of the recording.
//
//   - FEED_RECORDINGS names the folder of the recordings.
//   - FULLON_AWAY (such as 10s) keeps servers away for at least so long in the
//     tests of outages; without it they are away until the processes have said
//     so and enough has been played meanwhile.
//   - FULLON_ORDERS is how many orders the test of the order path sends (800
//     without it, 'make test-long' 10,000), FULLON_SEED what it draws from; it
//     prints the seed of each run.
//
// Nothing but tests is in this package.
package acceptance
