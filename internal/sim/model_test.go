package sim

import (
	"testing"
	"time"
)

func TestFixed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0.00000000", "64250.1": "64250.10000000", "0.00000001": "0.00000001", "007": "7.00000000"} {
		f, err := parseFixed("x", text)
		if err != nil || f.String() != want {
			t.Errorf("%s: %s %v", text, f, err)
		}
	}
	for _, text := range []string{"", "-1", "1e3", "0.000000001", "99999999999999", "."} {
		if f, err := parseFixed("x", text); err == nil {
			t.Errorf("%q: %s", text, f)
		}
	}
	if got := fixed(-150_000_000).String(); got != "-1.50000000" {
		t.Error(got)
	}
	if got := percent(-1_500_000, unit); got != "-1.500" {
		t.Error(got)
	}
	if got := div(2*unit, 3*unit); got != 66_666_666 {
		t.Error(got)
	}
}

func TestRatesOfTheWalk(t *testing.T) {
	t.Parallel()
	m := newMarket(*testListing(t), Config{KeepTrades: 1000, Rate: 50}, 1, nil, time.UnixMilli(1e12))
	bursts, most := 0, int64(0)
	for i := range 200_000 {
		m.walk.move(time.UnixMilli(1e12 + int64(i)*20))
		m.quote()
		if spread := m.ask - m.bid; spread < 1 || spread > 3 {
			t.Fatalf("spread of %d ticks", spread)
		}
		was := m.walk.burst
		m.walk.after(m.rate)
		if was == 0 && m.walk.burst > 0 {
			bursts++
		}
		most = max(most, m.walk.lots(1000))
	}
	if bursts == 0 || most < 100_000 {
		t.Fatalf("%d bursts, largest size %d of a median of 1000", bursts, most)
	}
}
