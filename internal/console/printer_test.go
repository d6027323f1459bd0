package console

import (
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

var noon = time.Date(2024, 8, 8, 12, 0, 0, 0, time.UTC)

func ticks() []domain.Tick {
	d := domain.MustDecimal
	return []domain.Tick{
		{Exchange: "sim", Symbol: "BTC/USDT", Bid: d("64250.1"), Ask: d("64250.25"), Last: d("64250"), Volume: d("12.5"), Time: noon, Received: noon, Sequence: 7},
		{Exchange: "sim", Symbol: "DOGE/USDT", Bid: d("0.124"), Received: noon.Add(-time.Hour), Stale: true, Sequence: 9007199254740993},
	}
}

func printed(t *testing.T, json bool) string {
	t.Helper()
	var out strings.Builder
	now := noon.Add(1500 * time.Millisecond)
	err := list(Printer{Out: &out, JSON: json}, ticks(), func(t domain.Tick) any { return viewTick(t, now) },
		tickColumns, func(t domain.Tick) []string { return tickRow(t, now) })
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPeopleGetAlignedColumns(t *testing.T) {
	want := `SYMBOL         PRICE        BID       ASK   LAST  VOLUME 24H     AGE
BTC/USDT   64250      64250.1    64250.25  64250        12.5  1500ms
DOGE/USDT      0.124      0.124      -         -         -     1h00m  STALE
`
	if got := printed(t, false); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProgramsGetOneObjectALine(t *testing.T) {
	want := `{"exchange":"sim","symbol":"BTC/USDT","price":"64250","bid":"64250.1","bid_size":"0","ask":"64250.25","ask_size":"0","last":"64250","volume":"12.5","time":"2024-08-08T12:00:00Z","received":"2024-08-08T12:00:00Z","sequence":7,"age_ms":1500,"stale":false}
{"exchange":"sim","symbol":"DOGE/USDT","price":"0.124","bid":"0.124","bid_size":"0","ask":"0","ask_size":"0","last":"0","volume":"0","time":null,"received":"2024-08-08T11:00:00Z","sequence":9007199254740993,"age_ms":3601500,"stale":true}
`
	if got := printed(t, true); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
