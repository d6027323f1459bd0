package venuetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue"
)

// Recordings are the paths of files of real messages in the form that internal/replay
// plays, by the venue's name. Of Bybit there are only single messages; they are
// written down in that form.
func Recordings(t testing.TB, venue string) []string {
	t.Helper()
	switch venue {
	case "binance":
		return []string{Path(t, "binance/hftbacktest/spot_btcusdt_20240808.ndjson.gz"), Path(t, "binance/hftbacktest/spot_ethusdt_20240808.ndjson.gz")}
	case "bybit":
		return bybitRecordings(t)
	case "coinbase":
		return []string{Path(t, "coinbase/cryptofeed/coinbase.ws.28.0.ndjson.gz")}
	case "kraken":
		return []string{Path(t, "kraken/cryptofeed/kraken.ws.48.0.ndjson.gz"), Path(t, "kraken/cryptofeed/kraken.ws.49.0.ndjson.gz")}
	case "okx":
		return []string{Path(t, "okx/cryptofeed/okx.0.ndjson.gz"), Path(t, "okx/cryptofeed/okx.ws.1.0.ndjson.gz")}
	}
	t.Fatalf("no recordings of %s", venue)
	return nil
}

// recordedTimes are those of Bybit's trades.
var recordedTimes = regexp.MustCompile(`"(ts|T)":[0-9]+`)

// bybitRecordings are the recorded book of a perpetual, and the recorded trades of
// spot, moved to the time of the book.
func bybitRecordings(t testing.TB) []string {
	t.Helper()
	var book, trades []Line
	Each(t, Recording(t, "bybit/nautilus/xrpusdt_orderbook500.ndjson.gz"), func(line Line) {
		var m struct{ TS int64 }
		if err := json.Unmarshal([]byte(line.Raw), &m); err != nil {
			t.Fatal(err)
		}
		book = append(book, Line{Received: m.TS * int64(time.Millisecond), Dir: "recv", Raw: line.Raw})
	})
	Each(t, Recording(t, "bybit/tardis-node/bybit-spot.pairs.ndjson"), func(pair Pair) {
		if strings.Contains(pair.Raw, `"publicTrade.`) {
			at := book[len(trades)].Received
			raw := recordedTimes.ReplaceAllString(pair.Raw, fmt.Sprintf(`"$1":%d`, at/int64(time.Millisecond)))
			trades = append(trades, Line{Received: at, Dir: "recv", Raw: raw})
		}
	})
	const host = "wss://stream.bybit.com/v5/public/"
	return []string{WriteRecording(t, host+"linear", book), WriteRecording(t, host+"spot", trades)}
}

// opening is the line that says what a recording is of.
type opening struct {
	At  int64  `json:"t_ns"`
	Dir string `json:"dir"`
	URL string `json:"url"`
}

// WriteRecording writes lines in the form that internal/replay plays, of a
// connection to this address, and returns the path.
func WriteRecording(t testing.TB, url string, lines []Line) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "recording.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	encoder := json.NewEncoder(file)
	err = encoder.Encode(opening{lines[0].Received, "open", url})
	for _, line := range lines {
		err = cmp.Or(err, encoder.Encode(line))
	}
	if err := cmp.Or(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// replayPatience is how long Replay waits.
const replayPatience = 2 * time.Minute

// Replay plays recordings, as fast as they are read, to the venue's adapter, which
// follows all their symbols and is as it is outside of tests, and returns the events
// they gave; enough is asked of each, and ends it. cfg needs Venue and Files. unheard
// tells of streams that the adapter does not follow; nil: it follows all.
func Replay(t testing.TB, makeAdapter func(venue.Config) (venue.Adapter, error), cfg replay.Config, unheard func(stream string) bool, enough func(Event) bool) []Event {
	t.Helper()
	cfg.Speed, cfg.Mode = replay.Max, replay.Hold
	probe, err := replay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Await = probe.Streams()
	if unheard != nil {
		cfg.Await = slices.DeleteFunc(cfg.Await, unheard)
	}
	server, err := replay.New(cfg)
	if err := cmp.Or(err, probe.Close()); err != nil {
		t.Fatal(err)
	}
	adapter, err := makeAdapter(venue.Config{
		WSURL: server.WSURL(), RESTURL: server.RESTURL(),
		Connection: venue.Care{DialInterval: time.Nanosecond, SendInterval: time.Microsecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sink, served, streamed := NewSink(), make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	go func() { streamed <- adapter.Stream(ctx, venue.NewWanted(server.Symbols()...), sink) }()
	timeout := time.After(replayPatience)
	for waiting := true; waiting; {
		if _, done := sink.take(enough); done {
			break
		}
		select {
		case <-sink.more:
		case <-timeout:
			t.Errorf("not enough events came: %d, %+v", len(sink.Events()), server.Progress())
			waiting = false
		}
	}
	cancel()
	if err := cmp.Or(<-streamed, <-served); err != nil {
		t.Error(err)
	}
	if c, ok := adapter.(interface{ Close() }); ok {
		c.Close()
	}
	return sink.Events()
}

// Count is for Replay: so many events of a kind ("tick", "trade"), for each kind.
func Count(kinds map[string]int) func(Event) bool {
	return func(e Event) bool {
		kind, _, _ := strings.Cut(Describe(e), " ")
		kinds[kind]--
		for _, left := range kinds {
			if left > 0 {
				return false
			}
		}
		return true
	}
}
