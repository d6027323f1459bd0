package board

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/domain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ticks hands out what it is given and then waits for the end.
type ticks chan any

func (c ticks) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case v := <-c:
				tick, _ := v.(domain.Tick)
				err, _ := v.(error)
				if !yield(tick, err) {
					return
				}
			}
		}
	}
}

// trades hands out count trades at once.
type trades int

func (n trades) Watch(ctx context.Context, exchange, symbol string, _ int) iter.Seq2[domain.Trade, error] {
	return func(yield func(domain.Trade, error) bool) {
		for range n {
			if !yield(domain.Trade{Exchange: exchange, Symbol: symbol}, nil) {
				return
			}
		}
		<-ctx.Done()
	}
}

func tick(symbol, bid, ask, last string, at time.Time) domain.Tick {
	return domain.Tick{Exchange: "sim", Symbol: symbol, Bid: domain.MustDecimal(bid), Ask: domain.MustDecimal(ask), Last: domain.MustDecimal(last), Time: at, Received: at}
}

// board is one that runs, within a bubble.
func run(t *testing.T, cfg Config, feed ticks, count trades) (out *strings.Builder, stop func()) {
	t.Helper()
	out = &strings.Builder{}
	cfg.Exchange, cfg.Symbols, cfg.Out = "sim", []string{"BTC/USDT", "DOGE/USDT"}, out
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	b := New(cfg, feed, count)
	go func() { done <- b.Run(ctx) }()
	return out, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("board: %v", err)
		}
	}
}

func TestWithoutATerminalThereIsALineASymbol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := make(ticks)
		out, stop := run(t, Config{}, feed, 20)
		stale := tick("DOGE/USDT", "0.124", "0.125", "0", time.Now())
		stale.Stale = true
		feed <- stale
		feed <- tick("BTC/USDT", "64250.1", "64250.25", "64250", time.Now())
		time.Sleep(firstLine)
		synctest.Wait()
		stamp := time.Now().UTC().Format(time.RFC3339)
		want := stamp + " sim BTC/USDT bid=64250.1 ask=64250.25 last=64250 age=1000ms trades/s=20.0\n" +
			stamp + " sim DOGE/USDT bid=0.124 ask=0.125 last=- age=1000ms trades/s=20.0 STALE\n"
		if got := out.String(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		feed <- errors.New("Redis is away")
		time.Sleep(lineEvery)
		synctest.Wait()
		if !strings.Contains(out.String(), "not read at the moment: Redis is away\n") {
			t.Errorf("the fault is not shown:\n%s", out)
		}
		stop()
	})
}

func TestTheTableIsDrawnInPlaceAndLeavesTheTerminalAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := make(ticks)
		out, stop := run(t, Config{Terminal: true, Footer: []string{"Ctrl-C stops"}}, feed, 0)
		synctest.Wait()
		first := out.String()
		if !strings.HasPrefix(first, hideCursor) || strings.Count(first, "waiting") != 2 {
			t.Errorf("first picture %q", first)
		}
		feed <- tick("BTC/USDT", "64250.1", "64250.25", "64250", time.Now())
		time.Sleep(redraw)
		synctest.Wait()
		second := strings.TrimPrefix(out.String(), first)
		// A blank line, the heading, the titles, two symbols, a blank line, the footer.
		if !strings.HasPrefix(second, "\x1b[7A\r") || strings.Count(second, "\r\n") != 7 || strings.Contains(second, clearAll) {
			t.Errorf("second picture %q", second)
		}
		if !strings.Contains(second, "BTC/USDT   64250.1  64250.25  64250  500ms") {
			t.Errorf("second picture %q", second)
		}
		stop()
		if !strings.HasSuffix(out.String(), "\r"+clearLine+showCursor) {
			t.Errorf("the end %q", strings.TrimPrefix(out.String(), first+second))
		}
	})
}

func TestAResizedTerminalIsClearedAndNeverOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const width, height = 20, 4
		var small atomic.Bool
		size := func() (int, int) {
			if small.Load() {
				return width, height
			}
			return 120, 40
		}
		feed := make(ticks)
		out, stop := run(t, Config{Terminal: true, Footer: []string{strings.Repeat("long ", 40)}, Size: size}, feed, 0)
		synctest.Wait()
		before := out.String()
		small.Store(true)
		time.Sleep(redraw)
		synctest.Wait()
		picture, cleared := strings.CutPrefix(strings.TrimPrefix(out.String(), before), clearAll)
		if !cleared {
			t.Errorf("not cleared: %q", picture)
		}
		lines := strings.Split(strings.TrimSuffix(picture, clearBelow), "\r\n")
		if len(lines) != height {
			t.Errorf("%d lines, want %d with the cursor's: %q", len(lines), height, lines)
		}
		for _, line := range lines {
			if text := strings.TrimPrefix(line, "\r"+clearLine); len([]rune(text)) > width {
				t.Errorf("%q is wider than %d", text, width)
			}
		}
		if !strings.Contains(picture, "… 2 more") {
			t.Errorf("what does not fit is not told: %q", picture)
		}
		stop()
	})
}

func TestColorsTellWhatMatters(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := New(Config{Exchange: "sim", Symbols: []string{"BTC/USDT"}, Color: true}, nil, nil)
	b.begun = now
	row := func() string { return b.picture(now, 0, 0)[3] }
	b.see(tick("BTC/USDT", "1", "2", "10", now), nil)
	b.see(tick("BTC/USDT", "1", "2", "11", now), nil)
	b.see(tick("BTC/USDT", "1", "2", "11", now), nil) // the trend stays
	if !strings.Contains(row(), "\x1b[32m    11\x1b[0m") {
		t.Errorf("a price that rose: %q", row())
	}
	b.see(tick("BTC/USDT", "1", "2", "9", now.Add(-time.Minute)), nil)
	if !strings.Contains(row(), "\x1b[31m     9\x1b[0m") || !strings.Contains(row(), "\x1b[33m  60s\x1b[0m") {
		t.Errorf("an old price that fell: %q", row())
	}
	stale := tick("BTC/USDT", "1", "2", "9", now)
	stale.Stale = true
	b.see(stale, nil)
	if !strings.Contains(row(), "\x1b[31m  STALE\x1b[0m") {
		t.Errorf("a stale price: %q", row())
	}
	b.cfg.Color, b.layout.Color = false, false
	if text := strings.Join(b.picture(now, 0, 0), "\n"); strings.Contains(text, "\x1b") {
		t.Errorf("without colors: %q", text)
	}
}

func TestAnInvalidSymbolEndsTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feed := make(ticks, 1)
		feed <- domain.Invalid("symbol", "x", "y")
		if err := New(Config{Out: &strings.Builder{}}, feed, trades(0)).Run(t.Context()); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRatesAreAMeanOverTheWindow(t *testing.T) {
	var r rate
	at := time.Unix(1_700_000_000, 0)
	for range 50 {
		r.add(at)
	}
	for _, c := range []struct {
		after, since time.Duration
		want         float64
	}{{0, 0, 50}, {time.Second, 2 * time.Second, 25}, {9 * time.Second, time.Hour, 5}, {10 * time.Second, time.Hour, 0}} {
		if got := r.perSecond(at.Add(c.after), c.since); got != c.want {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
}

func TestAgesAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0ms", 9999 * time.Millisecond: "9999ms", 10 * time.Second: "10s", 599 * time.Second: "599s",
		10 * time.Minute: "0h10m", 99 * time.Hour: "99h00m", 100 * time.Hour: "4d",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
