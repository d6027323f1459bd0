package acceptance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// badTrade is a trade's frame with one field as given.
func badTrade(field, value string) string {
	fields := map[string]string{
		"E": "1723161255343", "s": `"BTCUSDT"`, "t": "3735683259", "p": `"61837.63"`, "q": `"0.02"`, "T": "1723161255342", "m": "true",
	}
	fields[field] = value
	text := `{"stream":"btcusdt@trade","data":{"e":"trade"`
	for _, name := range []string{"E", "s", "t", "p", "q", "T", "m"} {
		text += fmt.Sprintf(`,%q:%s`, name, fields[name])
	}
	return text + "}}"
}

var forty = strings.Repeat("1234567890", 4)

// badFrames are what a venue should not send, by the kind as which it counts.
var badFrames = map[string][]string{
	"malformed": {
		``, `no JSON`, `[1,2`, `null`, `"text"`, `[]`, "\x00\xff\xfe",
		badTrade("p", `"1"`)[:60], // cut in the middle
		strings.Repeat("[", 10_000), strings.Repeat(" ", 100_000) + "{}",
		`{"stream":5,"data":{}}`, `{"stream":"btcusdt@trade","data":[1,2]}`,
		badTrade("p", `61837.63`), badTrade("p", `null`), badTrade("t", `"3735683259"`), badTrade("m", `"yes"`), badTrade("s", `7`),
		badTrade("p", `"`+forty+`"`), badTrade("q", `"0.`+forty+`"`), badTrade("t", forty), badTrade("E", forty),
		badTrade("p", `NaN`), badTrade("p", `"NaN"`), badTrade("q", `"Infinity"`), badTrade("p", `"1e5"`),
		badTrade("q", `"-0.02"`), badTrade("t", `-1`), badTrade("T", `99999999999999`),
		`{"u":1,"s":"BTCUSDT","b":"-1","B":"1","a":"2","A":"1"}`, `{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2"}`,
	},
	"unknown kind":   {`{}`, `{"e":"somethingNew","s":"BTCUSDT"}`},
	"unknown symbol": {badTrade("s", `"DOGEUSDT"`), badTrade("s", `""`), `{"u":9,"s":"XUSDT","b":"1","B":"1","a":"2","A":"1"}`},
	"trade":          {badTrade("p", `"0"`), badTrade("q", `"0.000"`)},
	"candle":         {`{"e":"kline","E":1723161255343,"s":"BTCUSDT","k":{"t":1723161240000,"i":"1m","o":"5","c":"5","h":"4","l":"6","v":"1","n":1,"x":true}}`},
}

func TestBadInputOfAVenueIsCountedAndDisturbsNothing(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 9_000)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	var faults []replay.Fault
	want := map[string]int{"binary": 2, "oversized": 1}
	after := 500
	add := func(kind replay.FaultKind, data []byte) {
		faults = append(faults, replay.Fault{After: after, Kind: kind, Data: data})
		after += 50
	}
	for kind, frames := range badFrames {
		want[kind] = len(frames)
		for _, frame := range frames {
			add(replay.Text, []byte(frame))
		}
	}
	add(replay.Binary, []byte{0, 1, 2, 255})
	add(replay.Binary, []byte(badTrade("p", `"1"`)))
	add(replay.Text, []byte(strings.Repeat("x", 10<<20)))
	projector := r.projector(redis)
	venue := r.play(replay.Config{Faults: faults}, rec)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	r.finished(venue)
	r.stored(rec)
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, cap10k)
	logged := make(map[string]int)
	for _, line := range ingest.logLines() {
		if strings.HasPrefix(line.Msg, "message of the venue refused") {
			logged[line.Kind]++
		}
	}
	for kind, n := range want {
		if got := ingest.metric("ingest_refused_total", `kind="`+kind+`"`); got != n {
			t.Errorf("%d refused as %q, want %d", got, kind, n)
		}
		if logged[kind] != 1 {
			t.Errorf("%q was logged %d times", kind, logged[kind])
		}
	}
	total := 0
	for _, n := range want {
		total += n
	}
	if got := ingest.metric("ingest_refused_total"); got != total || len(logged) != len(want) {
		t.Errorf("%d refused, want %d; logged %v", got, total, logged)
	}
	if n := ingest.metric("ingest_gaps_total"); n != 0 {
		t.Errorf("%d gaps", n)
	}
	ingest.says(200, "")
	ingest.stop()
	projector.stop()
}

// A connection that is reset in the middle of a message costs nothing but the
// time to the next one.
func TestAMessageCutInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	r, _ := newRig(t)
	venue := venuetest.NewServer(t)
	ingest := r.ingest(venue.URL, "http://127.0.0.1:1", &recording{symbol: "BTC/USDT"})
	for i := range 3 {
		c := venue.Accept(t)
		c.Read() // the subscription
		c.Text(`{"result":null,"id":1}`)
		if i > 0 {
			c.Text(badTrade("t", strconv.Itoa(2*i))) // again
		}
		c.Text(badTrade("t", strconv.Itoa(2*i+1)))
		c.Text(badTrade("t", strconv.Itoa(2*i+2)))
		eventually(t, "trade in the log", func() string {
			last, err := r.bus.LastTrade(t.Context(), exchange, "BTC/USDT")
			if err != nil || last.ID != strconv.Itoa(2*i+2) {
				return fmt.Sprint(last.ID, err)
			}
			return ""
		})
		if i < 2 {
			c.Reset()
			ingest.says(503, "the feed of binance is silent")
		}
	}
	ingest.says(200, "")
	var ids []string
	for _, trade := range r.trades("BTC/USDT") {
		id, _, _ := strings.Cut(trade.text, " ")
		ids = append(ids, id)
	}
	if want := []string{"1", "2", "3", "4", "5", "6"}; !slices.Equal(ids, want) {
		t.Errorf("the log holds %v", ids)
	}
	if n := ingest.metric("ingest_duplicates_total"); n != 2 {
		t.Errorf("%d duplicates counted", n)
	}
	ingest.stop()
}

// What no reader can decode goes to the dead letters, whoever put it there, and
// everything around it arrives.
func TestUndecodableMessagesOfTheLogDisturbNothing(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 6_000)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	projector := r.projector(redis)
	venue := r.play(replay.Config{}, rec)
	nc, err := nats.Connect(r.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	spoil := func() {
		for _, key := range []domain.Key{
			{Kind: domain.KindTick, Exchange: exchange, Symbol: rec.symbol},
			{Kind: domain.KindTrade, Exchange: exchange, Symbol: rec.symbol},
			{Kind: domain.KindCandle, Exchange: exchange, Symbol: rec.symbol, Timeframe: "1m"},
			{Kind: domain.KindGap, Exchange: exchange, Symbol: rec.symbol},
		} {
			address, err := r.bus.Layout().Address(key)
			if err != nil {
				t.Fatal(err)
			}
			for _, payload := range []string{"garbage", "\x93\x01\x02", "\xc1", "{}"} {
				if _, err := js.Publish(t.Context(), address.Subject, []byte(payload)); err != nil {
					t.Fatal(err)
				}
				bad++
			}
		}
		for _, subject := range []string{"tick.0.binance.NOT-A-SYMBOL", "trade.1.too.many.tokens.here", "candle.2.binance.BTC/USDT.7m"} {
			if _, err := js.Publish(t.Context(), subject, []byte("x")); err != nil {
				t.Fatal(err)
			}
			bad++
		}
	}
	spoil() // before the first trade: ingest finds garbage where its last trade should be
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	for _, share := range []float64{0.2, 0.5, 0.8} {
		r.played(venue, share)
		spoil()
	}
	r.finished(venue)
	ids := 0
	eventually(t, "all trades", func() string {
		if ids = len(r.trades(rec.symbol)); ids < len(rec.trades) {
			return fmt.Sprintf("%d of %d", ids, len(rec.trades))
		}
		return ""
	})
	ingest.stop()
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, cap10k)
	letters, err := r.bus.Extent(t.Context(), "DEADLETTER")
	if err != nil || int(letters.Last) != bad || projector.metric("projector_dead_letters_total") != bad {
		t.Errorf("%d dead letters (%v), %d counted, want %d", letters.Last, err, projector.metric("projector_dead_letters_total"), bad)
	}
	projector.says(200, "")
	projector.stop()
}
