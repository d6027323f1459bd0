package projector

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"
)

// owners decides which member folds which stream, from nothing but their names:
// everybody who knows the same members decides the same. Each stream goes to the
// member with the highest random weight for it that has room: of a family, the
// partitions of one kind, each gets the even share, and some one more where it
// does not come out even. Without that limit two members would share four partitions 3 to 1 or 4 to 0
// more often than not. What it costs is that, besides the partitions of a member
// that leaves and those that one that comes takes over, now and then another one
// moves (TestFewPartitionsMove).
func owners(streams, members []string) map[string]string {
	type pair struct {
		stream, member string
		weight         uint64
	}
	pairs := make([]pair, 0, len(streams)*len(members))
	size := make(map[string]int)
	for _, stream := range streams {
		size[family(stream)]++
		for _, member := range members {
			pairs = append(pairs, pair{stream, member, weight(member, stream)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.stream, b.stream), cmp.Compare(a.member, b.member))
	})
	type share struct{ member, family string }
	has := make(map[share]int)
	uneven := make(map[string]int) // how many members of a family have one more
	owner := make(map[string]string, len(streams))
	for _, p := range pairs {
		its := share{p.member, family(p.stream)}
		even, rest := size[its.family]/len(members), size[its.family]%len(members)
		switch {
		case owner[p.stream] != "" || has[its] > even:
			continue
		case has[its] == even:
			if uneven[its.family] == rest {
				continue
			}
			uneven[its.family]++
		}
		owner[p.stream] = p.member
		has[its]++
	}
	return owner
}

// family is what the partitions of one kind have in common: TICKS, ORDERS.
func family(stream string) string {
	name, _, _ := strings.Cut(stream, "_")
	return name
}

// weight is FNV-1a-64 of both names and the finalizer of MurmurHash3, without
// which names that differ in their last letter would weigh alike.
func weight(member, stream string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(member + "\x00" + stream))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return x
}
