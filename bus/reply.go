package bus

import (
	"strings"
	"time"
)

// The reply subject of a delivered message tells where it comes from and where
// the stream has it. Its form is ADR-15 of
// https://github.com/nats-io/nats-architecture-and-design:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<unix ns>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>. … .<pending>[.<random>]

// origin is the part of a reply subject that all messages of a consumer share,
// up to the dot behind the consumer's name; empty: it is no such subject.
func origin(reply string) string {
	tokens := 0
	switch strings.Count(reply, ".") {
	case 8:
		tokens = 4
	case 10, 11:
		tokens = 6
	default:
		return ""
	}
	end := 0
	for range tokens {
		end += strings.IndexByte(reply[end:], '.') + 1
	}
	return reply[:end]
}

// place is where a message stands.
type place struct {
	seq    uint64 // in the stream
	serial uint64 // among those that its consumer has delivered, from 1, without holes
	at     time.Time
}

// placeOf reads what follows the origin.
func placeOf(text string) (p place, ok bool) {
	var numbers [4]uint64 // delivered, stream sequence, consumer sequence, unix ns
	i := 0
	for n := range numbers {
		begin := i
		for ; i < len(text) && text[i] != '.'; i++ {
			digit := text[i] - '0'
			if digit > 9 || numbers[n] > 1<<60 {
				return place{}, false
			}
			numbers[n] = numbers[n]*10 + uint64(digit)
		}
		if i == begin || i == len(text) {
			return place{}, false
		}
		i++ // the dot
	}
	return place{seq: numbers[1], serial: numbers[2], at: time.Unix(0, int64(numbers[3]))}, numbers[1] > 0
}
