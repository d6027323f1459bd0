package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// lane is a part of the deployment. In each lane one thing is broken at a time,
// while other lanes have troubles of their own.
type lane string

const (
	logLane     lane = "log"
	cacheLane   lane = "cache"
	processLane lane = "process"
	linkLane    lane = "link"
	lastLane    lane = "last"
)

// action is one thing that is done.
type action struct {
	At     time.Duration // not before; a lane that is late does it as soon as it can
	Lane   lane
	Kind   kind
	Target int           // which of those that can be meant
	For    time.Duration // how long it lasts, where it lasts
}

func (a action) String() string {
	return fmt.Sprintf("%6.2fs %-7s %s, target %d, for %v", a.At.Seconds(), a.Lane, a.Kind, a.Target, a.For.Round(time.Millisecond))
}

type kind string

const (
	nodeKilled   kind = "NATS node killed"
	leaderKilled kind = "leader of a stream killed"
	nodePaused   kind = "NATS node paused"
	nodeIsolated kind = "NATS node cut off from the others"

	masterKilled    kind = "Redis master killed"
	masterRestarted kind = "Redis master restarted at once, empty"
	masterPaused    kind = "Redis master paused"
	masterIsolated  kind = "Redis master cut off from the others, with its clients"
	masterHeld      kind = "Redis master cut off from its clients"
	masterReplaced  kind = "Redis master failed over in agreement"
	replicaKilled   kind = "Redis replica killed"
	shardWiped      kind = "Redis master wiped"
	allWiped        kind = "Redis wiped"

	projectorKilled  kind = "projector killed"
	projectorPaused  kind = "projector paused"
	projectorStopped kind = "projector told to end"
	projectorsKilled kind = "all projectors killed"
	workerKilled     kind = "order worker killed"
	workerPaused     kind = "order worker paused"
	venueCut         kind = "the venue's events cut"
	streamReplaced   kind = "all projectors killed, and a stream created anew"

	// restingWiped is the last thing of each schedule, when all else is whole
	// again: nothing but a probe notices it then.
	restingWiped kind = "the partitions that rest wiped"

	linkCut  kind = "a process's connections to the log cut"
	linkHeld kind = "a process's packets to and from the log lost"
)

// deck is what a lane does, each as often as it is in it before any again.
type deck struct {
	lane    lane
	gap     time.Duration // at most so long between two
	longest time.Duration // one lasts
	cards   map[kind]int
}

// all are the cards in an order that is always the same.
func (d deck) all() (cards []kind) {
	for k, n := range d.cards {
		cards = append(cards, slices.Repeat([]kind{k}, n)...)
	}
	slices.Sort(cards)
	return cards
}

var decks = []deck{
	{logLane, 3 * time.Second, 4 * time.Second, map[kind]int{
		nodeKilled: 2, leaderKilled: 3, nodePaused: 2, nodeIsolated: 2,
	}},
	{cacheLane, 2500 * time.Millisecond, 6 * time.Second, map[kind]int{
		masterKilled: 2, masterRestarted: 1, masterPaused: 2, masterIsolated: 2, masterHeld: 1, masterReplaced: 2, replicaKilled: 1,
		shardWiped: 2, allWiped: 2,
	}},
	{processLane, 1500 * time.Millisecond, 3 * time.Second, map[kind]int{
		projectorKilled: 4, projectorPaused: 4, projectorStopped: 2, projectorsKilled: 1, workerKilled: 3, workerPaused: 2, venueCut: 1,
		streamReplaced: 2,
	}},
	{linkLane, 4 * time.Second, 3 * time.Second, map[kind]int{linkCut: 2, linkHeld: 3}},
}

// firstAt is when the first thing is done at the earliest: the load is to run.
const firstAt = 500 * time.Millisecond

// scheduleOf is what is done in a run, in time. It is a function of its
// arguments.
func scheduleOf(seed uint64, length time.Duration) []action {
	var out []action
	for i, d := range decks {
		random := rand.New(rand.NewPCG(seed, uint64(100+i)))
		upTo := func(most time.Duration) time.Duration { return time.Duration(random.Int64N(int64(most))) }
		var cards []kind
		for at := firstAt + upTo(d.gap); at < length; {
			if len(cards) == 0 {
				cards = d.all()
				random.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
			}
			a := action{At: at, Lane: d.lane, Kind: cards[0], Target: random.IntN(60), For: upTo(d.longest)}
			cards = cards[1:]
			out = append(out, a)
			at += a.For + 100*time.Millisecond + upTo(d.gap)
		}
	}
	slices.SortStableFunc(out, func(a, b action) int { return cmp.Compare(a.At, b.At) })
	return append(out, action{At: length, Lane: lastLane, Kind: restingWiped})
}
