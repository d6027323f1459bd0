package replay

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// dialect is all that differs from venue to venue. It is safe for concurrent use
// once the recordings have been scanned.
type dialect interface {
	// reader begins to read recorded messages.
	reader() reader
	// means tells what a field of a frame counts, by its name.
	means(f frame, field string) meaning
	// assets are those of a market; without a base the venue's adapters do not
	// have such markets.
	assets(market string) (base, quote, settle string)
	// endpoints are the paths of the WebSocket, as patterns of http.ServeMux.
	endpoints() []string
	// session begins a connection; ok is false for an address that there is not.
	session(c *catalogue, at *url.URL) (s session, streams []string, ok bool)
	// rest are the handlers of REST, by patterns of http.ServeMux.
	rest(s *Server) map[string]http.HandlerFunc
}

// lister is a dialect that takes what the recordings hold of REST.
type lister interface {
	list(r record)
}

// reader turns what was recorded, in its order, into what a client of today gets.
type reader interface {
	// read returns the frames of a record: none for what is no part of a stream.
	read(r record) []frame
}

// session is the venue's end of a connection. It is not safe for concurrent use.
type session interface {
	// take reads a message of the client, which has these streams.
	take(text []byte, has streams) reply
	// say is a frame as this client gets it.
	say(f frame) []byte
}

// streams are the names of what is subscribed.
type streams map[string]struct{}

func (s streams) names() []string { return slices.Sorted(maps.Keys(s)) }

// reply is what a message of a client leads to.
type reply struct {
	answers [][]byte // in order, before any frame of what begins
	begin   []string // streams
	end     []string
}

// dialects are the venues whose recordings can be played.
var dialects = map[string]func() dialect{
	"binance":  func() dialect { return binance{} },
	"bybit":    func() dialect { return bybit{} },
	"coinbase": func() dialect { return coinbase{} },
	"kraken":   func() dialect { return kraken{} },
	"okx":      func() dialect { return &okx{listed: map[string]json.RawMessage{}} },
}

// Venues are the names of the venues whose recordings can be played, sorted.
func Venues() []string { return slices.Sorted(maps.Keys(dialects)) }

// frame is one message of a stream.
type frame struct {
	at     int64 // unix nanoseconds when it was recorded
	stream string
	market string // the venue's name, in its own way; empty: not of one market
	text   []byte
	trades []trade
	needs  digits
}

// answer encodes what is made of texts and numbers.
func answer(v any) []byte {
	text, _ := json.Marshal(v) // no error with these
	return text
}

// writeJSON answers a REST request.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer(body)) // a client that went away needs no answer
}
