package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordedMarket writes a recording of a market's trades and quotes.
func recordedMarket(t *testing.T, frames int) string {
	t.Helper()
	const begin = 1_700_000_040_000 // ms
	var b strings.Builder
	for i := range frames {
		ms := begin + 10*i
		raw := fmt.Sprintf(`{\"stream\":\"aaausdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%d,\"s\":\"AAAUSDT\",\"t\":%d,\"p\":\"2.5\",\"q\":\"1\",\"T\":%[1]d,\"m\":true,\"M\":true}}`, ms, 100+i/2)
		if i%2 == 1 {
			raw = fmt.Sprintf(`{\"stream\":\"aaausdt@bookTicker\",\"data\":{\"u\":%d,\"s\":\"AAAUSDT\",\"b\":\"2.4\",\"B\":\"1\",\"a\":\"2.6\",\"A\":\"1\"}}`, 1000+i)
		}
		fmt.Fprintf(&b, `{"t_ns":%d,"dir":"recv","raw":"%s"}`+"\n", ms*1_000_000, raw)
	}
	return recordingOf(t, b.String())
}

func recordingOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the command prints is all that an ingest needs.
func TestRecordingsArePlayedToAnIngest(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	player := u.start("fullon", "replay", recordedMarket(t, 200), "--speed", "10", "--loop")
	player.says("BINANCE_REST_URL=http://127.0.0.1:")
	u.env = append(u.env, strings.Fields(player.out.String())...)
	up := u.start("fullon", "up", "--no-paper")
	up.says("binance AAA/USDT bid=2.4")
	eventually(t, func() error {
		r := u.run("fullon", "get", "trades", "binance", "AAA/USDT", "--limit", "10000", "--json")
		if n := strings.Count(r.stdout, `"trade_id"`); n < 500 { // five laps
			return fmt.Errorf("%d trades, %s", n, r.stderr)
		}
		return nil
	})
	if r := u.run("fullon", "get", "gaps", "binance", "AAA/USDT"); r.code != ExitNotFound {
		t.Errorf("gaps: %+v", r)
	}
	for _, p := range []*process{up, player} {
		if r, _ := p.interrupt(); r.code != ExitOK {
			t.Errorf("%+v", r)
		}
	}
}

func TestAReplayOfWhatIsNoRecordingIsRefused(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	good := `{"t_ns":1,"dir":"open"}` + "\n"
	for _, c := range []struct {
		text, part string
		args       []string
		code       int
	}{
		{good + "garbage\n", "recording.ndjson:2: not a record", nil, ExitFailed},
		{good + `{"t_ns":5,"price":"1"}` + "\n", "recording.ndjson:2: not a record", nil, ExitUsage},
		{good, "recordings with messages of binance", nil, ExitUsage},
		{"\x1f\x8bgarbage", "recording.ndjson", nil, ExitFailed},
		{good, `--speed: "fast" is not allowed: want a number above zero, like 1 or 10, or max`, []string{"--speed", "fast"}, ExitUsage},
		{good, `--venue: "okx" is not allowed: want binance`, []string{"--venue", "okx"}, ExitUsage},
		{good, `--listen: "9443" is not allowed: want HOST:PORT`, []string{"--listen", "9443"}, ExitUsage},
	} {
		u.run("fullon", append([]string{"replay", recordingOf(t, c.text)}, c.args...)...).complains(t, c.code, c.part)
	}
	u.run("fullon", "replay", "/none/recording.ndjson").complains(t, ExitFailed, "open /none/recording.ndjson: no such file or directory")
}
