package acceptance

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// recording is what this test itself reads out of a file of recorded messages.
type recording struct {
	path   string
	symbol string   // unified
	frames int      // of all streams
	trades []string // see tradeText, in order
	ids    []uint64 // of the trades
	tick   string   // see tickText: the state after the last frame
}

// the recordings, each read once.
var (
	btc = sync.OnceValues(func() (*recording, error) { return read("BTC/USDT", "spot_btcusdt_20240808.ndjson.gz") })
	eth = sync.OnceValues(func() (*recording, error) { return read("ETH/USDT", "spot_ethusdt_20240808.ndjson.gz") })
)

// recorded is a recording, or the end of the test.
func recorded(t testing.TB, load func() (*recording, error)) *recording {
	t.Helper()
	r, err := load()
	if os.IsNotExist(err) && testing.Short() {
		t.Skipf("no recordings: %v", err)
	}
	if err != nil {
		t.Fatalf("%v: set FEED_RECORDINGS to the folder that holds binance/, or run with -short", err)
	}
	return r
}

func read(symbol, name string) (*recording, error) {
	folder := os.Getenv("FEED_RECORDINGS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "feeds")
	}
	r := &recording{symbol: symbol, path: filepath.Join(folder, "binance", "hftbacktest", name)}
	return r, r.load(r.path, func([]byte) bool { return true })
}

// excerpt is the first so many frames of a recording, as a recording of its
// own: of them, those of trades and quotes, or of the kinds given.
func (r *recording) excerpt(t testing.TB, frames int, kinds ...string) *recording {
	t.Helper()
	if len(kinds) == 0 {
		kinds = []string{"@trade", "@bookTicker"}
	}
	var kept bytes.Buffer
	e := &recording{symbol: r.symbol, path: filepath.Join(t.TempDir(), "excerpt.ndjson")}
	if err := e.load(r.path, func(line []byte) bool {
		if slices.ContainsFunc(kinds, func(kind string) bool { return bytes.Contains(line, []byte(kind)) }) && e.frames < frames {
			kept.Write(line)
			kept.WriteByte('\n')
		}
		return e.frames < frames
	}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.path, kept.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// load reads a file for as long as it goes on.
func (r *recording) load(path string, goOn func(line []byte) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<24)
	var s state
	for lines.Scan() && goOn(lines.Bytes()) {
		if err := r.take(lines.Bytes(), &s); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	r.tick = tickText(s.last, s.quote["b"], s.quote["B"], s.quote["a"], s.quote["A"], s.latest, s.update)
	return lines.Err()
}

// state is what the market's tick must be made of.
type state struct {
	last            string
	tradedAt, trade uint64
	latest          uint64 // the venue's newest time, unix ms
	update          uint64
	quote           map[string]string
}

func (r *recording) take(line []byte, s *state) error {
	if bytes.Contains(line, []byte("@depth")) {
		r.frames++ // long, and nobody subscribes them
		return nil
	}
	var record struct {
		Dir string `json:"dir"`
		Raw string `json:"raw"`
	}
	if err := json.Unmarshal(line, &record); err != nil {
		return err
	}
	if record.Dir != "recv" || !strings.HasPrefix(record.Raw, `{"stream":`) {
		return nil
	}
	r.frames++
	_, kind, _ := strings.Cut(record.Raw[:60], "@")
	if !strings.HasPrefix(kind, `trade"`) && !strings.HasPrefix(kind, `bookTicker"`) {
		return nil
	}
	// A map, because the decoder takes names of struct fields that differ in
	// case only for the same: e and E, t and T, m and M.
	var frame struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal([]byte(record.Raw), &frame); err != nil {
		return err
	}
	text := func(key string) string { return strings.Trim(string(frame.Data[key]), `"`) }
	number := func(key string) uint64 { n, _ := strconv.ParseUint(text(key), 10, 64); return n }
	if strings.HasPrefix(kind, "book") {
		if u := number("u"); u > s.update {
			s.update = u
			s.quote = map[string]string{"b": text("b"), "B": text("B"), "a": text("a"), "A": text("A")}
		}
		return nil
	}
	id, at := number("t"), number("T")
	side := "buy"
	if text("m") == "true" { // the buyer was the maker: a seller came
		side = "sell"
	}
	r.ids = append(r.ids, id)
	r.trades = append(r.trades, tradeText(text("t"), side, text("p"), text("q"), at))
	s.latest = max(s.latest, number("E"), at)
	if at > s.tradedAt || at == s.tradedAt && id > s.trade {
		s.tradedAt, s.trade, s.last = at, id, text("p")
	}
	return nil
}

// tradeText is a trade as text: numbers without superfluous zeros, unix ms.
func tradeText(id, side, price, volume string, at uint64) string {
	return fmt.Sprintf("%s %s %s at %s @%d", id, side, plain(volume), plain(price), at)
}

func tickText(last, bid, bidSize, ask, askSize string, at, update uint64) string {
	return fmt.Sprintf("last %s bid %s of %s ask %s of %s @%d #%d",
		plain(last), plain(bid), plain(bidSize), plain(ask), plain(askSize), at, update)
}

func plain(number string) string {
	if strings.Contains(number, ".") {
		number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
	}
	return number
}
