package replay_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fullon/fullon/internal/replay"
)

// recordings is the folder of recorded exchange messages.
func recordings(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("FEED_RECORDINGS")
	if folder == "" {
		folder = "../../../shared/feeds"
	}
	if _, err := os.Stat(folder); err != nil {
		if testing.Short() {
			t.Skipf("no recordings: %v", err)
		}
		t.Fatalf("no recordings: %v: set FEED_RECORDINGS to the folder that holds them, or run with -short", err)
	}
	return folder
}

type recorded struct {
	at   int64
	text string
}

// frames reads a recording independently of what is tested.
func frames(t *testing.T, path string) []recorded {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []recorded
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Dir == "recv" && strings.HasPrefix(r.Raw, `{"stream":`) {
			out = append(out, recorded{r.At, r.Raw})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every recorded frame arrives, unchanged and in the order of time, over a
// connection that is cut twice.
func TestRecordingsArriveCompleteAndInOrder(t *testing.T) {
	t.Parallel()
	folder := recordings(t)
	files := []string{
		filepath.Join(folder, "binance/hftbacktest/spot_btcusdt_20240808.ndjson.gz"),
		filepath.Join(folder, "binance/hftbacktest/spot_ethusdt_20240808.ndjson.gz"),
	}
	var want []recorded
	for _, path := range files {
		want = append(want, frames(t, path)...)
	}
	slices.SortStableFunc(want, func(a, b recorded) int { return int(a.at - b.at) })

	s := start(t, replay.Config{Files: files, Mode: replay.Hold, Faults: []replay.Fault{
		{After: 10_000, Kind: replay.Close}, {After: 40_000, Kind: replay.Cut},
	}})
	if s.Frames() != len(want) {
		t.Fatalf("%d frames, the files hold %d", s.Frames(), len(want))
	}
	path := "/stream?streams=" + strings.Join(s.Streams(), "/")
	c := s.dial(path)
	for i := range want {
		if i == 10_000 || i == 40_000 {
			_, _, err := c.ws.Read(c.ctx)
			if err == nil {
				t.Fatalf("not cut after %d frames", i)
			}
			c = s.dial(path)
		}
		if got := c.read(); got != want[i].text {
			t.Fatalf("frame %d:\n got %s\nwant %s", i, got, want[i].text)
		}
	}
	s.wait()

	// All trades over REST: 9,757 of one symbol without a hole.
	from, n := int64(0), 0
	for {
		ids := s.tradeIDs("/api/v3/historicalTrades?symbol=BTCUSDT&limit=1000&fromId=" + strconv.FormatInt(from, 10))
		if len(ids) == 0 {
			break
		}
		if from != 0 && ids[0] != from {
			t.Fatalf("asked from %d, got %d", from, ids[0])
		}
		from, n = ids[len(ids)-1]+1, n+len(ids)
	}
	if n != 9757 {
		t.Fatalf("REST has %d trades", n)
	}
}

// The other recording holds other kinds of streams.
func TestOtherRecording(t *testing.T) {
	t.Parallel()
	path := filepath.Join(recordings(t), "binance/cryptofeed/binance.ws.1.0.ndjson.gz")
	want := frames(t, path)
	s := start(t, replay.Config{Files: []string{path}, Mode: replay.Hold})
	c := s.dial("/stream?streams=" + strings.Join(s.Streams(), "/"))
	for i := range want {
		if got := c.read(); got != want[i].text {
			t.Fatalf("frame %d:\n got %s\nwant %s", i, got, want[i].text)
		}
	}
	if got := s.wait(); got.Delivered != len(want) {
		t.Fatalf("%+v", got)
	}
}
