// Package projector folds the log into Redis.
//
// Each partition has a worker of its own. It attaches to the stored checkpoint,
// reads the log from there on, folds what has arrived into a batch and applies
// the batch under the condition that the checkpoint is still the one it folded
// from. While one batch is applied the next one gathers, so batches grow with
// the load and a single message never waits.
//
// The fold is Go and does no input or output: what it needs of a market's
// stored state is loaded before the market's first message is folded. That is
// sound because a state that somebody else has changed comes with a changed
// checkpoint: one that was changed before it was loaded is noticed by reading
// the checkpoint afterwards, one that is changed later by not being able to
// apply the batch.
//
// Whatever makes the stored checkpoint differ from the expected one, another
// projector, a failover that lost writes, a wipe, makes the worker forget its
// state and attach again. Owning a partition is thus a matter of speed, never
// of correctness: a worker that finds somebody else at work stands by until the
// checkpoint rests.
//
// # Sharing
//
// Any number of projectors share the partitions of a deployment. Each says in a
// bucket of the log, five times a second, that it lives and what it folds, and
// reads what the others say. From the members' names alone each computes the same
// owner of each partition: the member with the highest random weight that has
// room, so that nobody has more than one partition of a kind more than anybody
// else, and few move when somebody comes or goes.
//
//   - Who lives is judged by one's own clock: whose heartbeat has not changed for
//     six intervals is gone. The clocks of two machines are never compared. Of
//     members that were there before, a newcomer learns by the log's clock, which
//     has stamped its own heartbeat and theirs, who of them is gone.
//   - A partition is handed over: its last owner gives it up, says so, and only
//     then the next one takes it. That spares both a lost compare. The next one
//     waits five intervals at most, for somebody who cannot be reached may not give
//     it up, and for one that is gone not at all.
//   - News, a partition given up or a member that leaves, is told at once; the
//     others need not wait for their next heartbeat.
//   - Whoever cannot reach the bucket goes on with what it has, and takes nothing:
//     mostly the others cannot either. Whoever finds that it was not heard of for
//     longer than the others wait (it was paused, or cut off) gives up what they
//     have taken over meanwhile, and keeps the rest. If that happens again within a minute
//     it holds itself back before it takes partitions again, for longer each time,
//     so that they do not come and go with it. It says so in its heartbeat, so that
//     all agree about it.
//   - Projectors share only with those that fold into the same Redis, which they
//     know by a name that is stored there. Who comes to a wiped Redis gives it
//     the name back that it had.
//
// With the intervals that are the default a projector that dies or is paused is
// replaced after 1.2 to 1.6 s; one that stops, or comes, at once. Two that do not
// know of each other, for whatever reason, fold the same partitions and do no
// harm.
//
// # History
//
// A checkpoint names the stream (by the time of its creation) and the message
// (by its time) that it stands for. When the log no longer has that message
// with that time, or no longer has what follows it, history was lost or
// changed: this is logged and counted, and the partition is folded anew, in a
// new epoch, from what the log still has.
//
// Each state of an order is held to the one before it. What cannot follow that one
// is refused like a message that cannot be decoded, and the order stays as it is.
//
// What the fills of an account make of its positions and balances is held
// against what the venue says of them. Fills, balances and positions are in one
// partition, but what belongs together comes in any order; so the fold only keeps
// what is unequal, and the worker says so, with a Difference in the same stream,
// once that has rested for a while and the log holds nothing else. Folding it
// makes the venue's word the count: each difference is told once, by whichever
// projector, and a partition that is folded anew judges as before. It is not
// done where orders are sent, because a worker that begins knows neither the fills
// nor the positions of before.
//
// What is known of accounts, and of orders that are not final, is valid for longer
// than the log keeps a message: a balance may not change for months. So whatever is older than half of that is
// stored in the log again, with the time that it had. Such an event is only
// stored as the very next behind the worker's checkpoint, so it repeats what is
// so at its place in the log, whatever others write, and of several projectors
// one does it. What a partition holds is thereby a fold of what the log still
// has.
package projector
