// Package verify compares what Redis holds with an independent fold of the log.
//
// The log is folded a second time into a Redis of one's own, which lives as long
// as the comparison. Nothing is stopped and nothing is written to the deployment.
// What is compared moves meanwhile: so each piece of a key is read together with
// the checkpoint that it is of, the second fold goes on up to exactly that
// checkpoint, and the same piece is read of it. The catalogue keeps only the newest
// message of each subject and is what it was at a checkpoint only where the log
// ends; there a piece that the log has overtaken is read again.
//
// A difference is one of fields: as conflation, batches and the order of commands
// leave no trace, the two must be equal byte for byte. What is in Redis but no fold
// of the log, leases above all, is left out.
//
// Which orders have changed is there for those who follow them, and depends on the
// batches. It is held against the orders themselves: each must be in the batch that
// its state is of, as far back as that is kept.
//
// The log may have dropped what Redis still knows. What is of such messages cannot
// be compared, nor what follows from them, as the bar in which they were does:
// this is counted as unproven. Everything else is compared.
package verify
