package projector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fullon/fullon/bus"
)

func names(prefix string, n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%x", prefix, r.Uint64())
	}
	return out
}

func deploymentStreams(partitions int) []string {
	streams := bus.Layout{Ticks: partitions, Trades: partitions, Accounts: partitions}.Streams()
	for _, exchange := range bus.DefaultExchanges() {
		streams = append(streams, bus.OrderStream(exchange))
	}
	return append(streams, bus.CatalogueStream)
}

func TestEachPartitionHasOneOwnerAndTheSharesAreEven(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{1, 4, 64} {
		streams := deploymentStreams(partitions)
		for members := 1; members <= 9; members++ {
			for seed := range uint64(20) {
				crew := names("m", members, seed)
				owner := owners(streams, crew)
				has, size := make(map[string]int), make(map[string]int)
				for _, stream := range streams {
					if !slices.Contains(crew, owner[stream]) {
						t.Fatalf("%s belongs to %q", stream, owner[stream])
					}
					has[owner[stream]+" "+family(stream)]++
					size[family(stream)]++
				}
				for _, member := range crew {
					for its, n := range size {
						if got := has[member+" "+its]; got < n/members || got > (n+members-1)/members {
							t.Fatalf("%d members: %s has %d of %d %s", members, member, got, n, its)
						}
					}
				}
			}
		}
	}
	if got := owners(deploymentStreams(4), nil); len(got) != 0 {
		t.Fatalf("nobody owns %v", got)
	}
}

// Everybody must decide the same, in whatever order he heard of the others.
func TestOwnersDoNotDependOnTheOrder(t *testing.T) {
	t.Parallel()
	streams, crew := deploymentStreams(4), names("m", 5, 1)
	want := owners(streams, crew)
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(crew), func(i, j int) { crew[i], crew[j] = crew[j], crew[i] })
		r.Shuffle(len(streams), func(i, j int) { streams[i], streams[j] = streams[j], streams[i] })
		for stream, owner := range owners(streams, crew) {
			if owner != want[stream] {
				t.Fatalf("%s: %s and %s", stream, owner, want[stream])
			}
		}
	}
}

// When one leaves (or, the other way round, joins), what others have stays with
// them, but for what the even share moves: most where there are as many
// partitions for each as for any other, and one less then.
func TestFewPartitionsMove(t *testing.T) {
	t.Parallel()
	for _, partitions := range []int{4, 16, 64} {
		streams := deploymentStreams(partitions)
		for members := 2; members <= 8; members++ {
			must, more := 0, 0
			for seed := range uint64(50) {
				crew := names("m", members, seed)
				before, after := owners(streams, crew), owners(streams, crew[1:])
				for _, stream := range streams {
					switch {
					case before[stream] == crew[0]:
						must++
					case before[stream] != after[stream]:
						more++
					}
				}
			}
			if members == 2 && more > 0 {
				t.Errorf("%d partitions: the only one that stays lost %d", partitions, more)
			}
			if 2*more > 3*must {
				t.Errorf("%d partitions, %d members: %d moved besides the %d that had to", partitions, members, more, must)
			}
			t.Logf("%d partitions of a kind, %d members: %d had to move, %d more did", partitions, members, must, more)
		}
	}
}
