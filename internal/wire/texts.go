package wire

import "github.com/tinylib/msgp/msgp"

// Texts keeps the texts of a list's values together, several in one piece of
// memory: to allocate each on its own is a good part of what decoding a list
// costs. Who keeps one of the texts keeps its piece from being collected, which
// is why those are small, and why the texts are not parts of the whole reply.
//
// The zero value is ready. A nil one keeps each text on its own.
type Texts struct {
	piece []byte // what was written to it is never changed
}

// The size of pieces, bytes: they grow with the list.
const (
	firstPiece = 64
	mostPiece  = 1024
)

// keep returns the text as a string.
func (t *Texts) keep(text []byte) string {
	if t == nil || len(text) < 2 { // those of one byte take no memory
		return string(text)
	}
	at := len(t.piece)
	if len(text) > cap(t.piece)-at {
		size := min(max(firstPiece, 2*cap(t.piece)), mostPiece)
		if len(text) > size/2 {
			return string(text)
		}
		// Not grown: what is in the old one stays there.
		t.piece, at = make([]byte, 0, size), 0
	}
	t.piece = append(t.piece, text...)
	return msgp.UnsafeString(t.piece[at:])
}

// Names keeps one copy of each text that comes again and again, as the names of
// bots and symbols do. The zero value is ready, nil keeps none; it is for one
// goroutine.
type Names struct{ known map[string]string }

// mostNames is how many are kept before it begins anew.
const mostNames = 10_000

func (n *Names) keep(text []byte) string {
	if n == nil || len(text) == 0 {
		return string(text)
	}
	if name, ok := n.known[string(text)]; ok {
		return name
	}
	if n.known == nil || len(n.known) >= mostNames {
		n.known = make(map[string]string)
	}
	name := string(text)
	n.known[name] = name
	return name
}
