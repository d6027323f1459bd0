package venuetest

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Path is that of a file of real messages, by its path in the folder that
// FEED_RECORDINGS names; without the variable, ../shared/feeds beside the
// repository. Without the folder the test fails, or is skipped by -short.
func Path(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("FEED_RECORDINGS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "..", "shared", "feeds")
	}
	if _, err := os.Stat(folder); err != nil {
		if testing.Short() {
			t.Skipf("no recordings: %v", err)
		}
		t.Fatalf("no recordings: %v; set FEED_RECORDINGS to the folder that holds binance/, or run with -short", err)
	}
	return filepath.Join(folder, name)
}

// Recording opens the file at Path.
func Recording(t testing.TB, name string) *json.Decoder {
	t.Helper()
	file, err := os.Open(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	var r io.Reader = bufio.NewReader(file)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	return json.NewDecoder(r)
}

// Each decodes the documents of a recording one by one.
func Each[T any](t testing.TB, lines *json.Decoder, take func(T)) {
	t.Helper()
	for {
		var line T
		if err := lines.Decode(&line); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		take(line)
	}
}

// Line is a document of a recording.
type Line struct {
	Received int64  `json:"t_ns"`
	Dir      string `json:"dir"`
	Raw      string `json:"raw"`
	File     string `json:"file"`
}

// RecordedBody is one of the answers of REST in a recording, by the name of its
// file there.
func RecordedBody(t testing.TB, name, file string) (body string) {
	t.Helper()
	Each(t, Recording(t, name), func(line Line) {
		if line.File == file {
			body = line.Raw
		}
	})
	if body == "" {
		t.Fatalf("no %s among %s", file, name)
	}
	return body
}

// Pair is a frame with another project's result.
type Pair struct {
	Case     string
	Raw      string
	Local    time.Time `json:"localTimestamp"`
	Expected []struct {
		Type, Symbol, ID, Side                   string
		Price, Amount                            json.Number
		AskPrice, AskAmount, BidPrice, BidAmount json.Number
		Timestamp                                time.Time
	}
}

// Checking is a sink that fails the test for an event that is not valid.
type Checking struct{ testing.TB }

func (s Checking) check(e domain.Event) {
	if err := e.Validate(); err != nil {
		s.Errorf("%+v: %v", e, err)
	}
}

// Tick implements venue.Sink.
func (s Checking) Tick(t domain.Tick) { s.check(t) }

// Trade implements venue.Sink.
func (s Checking) Trade(t venue.NumberedTrade) { s.check(t.Trade) }

// Candle implements venue.Sink.
func (s Checking) Candle(c domain.Candle) { s.check(c) }

// Heard implements venue.Sink.
func (s Checking) Heard(time.Time) {}

// Connected implements venue.Sink.
func (s Checking) Connected(bool, string) {}

// Refused implements venue.Sink.
func (s Checking) Refused(_ string, err error) { _ = err.Error() }

// Nothing is a sink that does nothing, to measure what is before it.
type Nothing struct{}

// Tick implements venue.Sink.
func (Nothing) Tick(domain.Tick) {}

// Trade implements venue.Sink.
func (Nothing) Trade(venue.NumberedTrade) {}

// Candle implements venue.Sink.
func (Nothing) Candle(domain.Candle) {}

// Heard implements venue.Sink.
func (Nothing) Heard(time.Time) {}

// Connected implements venue.Sink.
func (Nothing) Connected(bool, string) {}

// Refused implements venue.Sink.
func (Nothing) Refused(string, error) {}

// BenchmarkFrame measures what a frame costs whose number counts up, so that no
// two are the same.
func BenchmarkFrame(b *testing.B, text, number string, decode func(frame []byte)) {
	frame := []byte(text)
	last := strings.Index(text, number) + len(number) - 1
	b.ReportAllocs()
	b.SetBytes(int64(len(frame)))
	for n := 0; b.Loop(); n++ {
		for i, v := last, n; v > 0; i-- {
			frame[i], v = byte('0'+v%10), v/10
		}
		decode(frame)
	}
}
