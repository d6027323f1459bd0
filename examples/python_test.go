package examples

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

// python is one that has the library, if there is one.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import websockets").Run() == nil {
			return name
		}
	}
	t.Skip("no python3 with websockets (Debian: python3-websockets)")
	return ""
}

// TestThePythonClientOfTheQuickStartWorks runs it against a gateway.
func TestThePythonClientOfTheQuickStartWorks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts servers")
	}
	name := python(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	natsURL, redis, stop, err := example.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	c, err := client.Connect(ctx, client.Config{Log: bus.Config{URL: natsURL}, Redis: cachestore.Config{Addrs: []string{redis}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	url, _, end, err := example.Gateway(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	set := func(price string, second int64) {
		pos, err := c.Ticks.Set(ctx, domain.Tick{
			Exchange: "binance", Symbol: "BTC/USDT", Last: domain.MustDecimal(price), Volume: domain.MustDecimal("100"), Time: time.Unix(second, 0),
		})
		if err == nil {
			err = c.Wait(ctx, pos)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	set("50000.5", 1_700_000_000)
	cmd := exec.CommandContext(ctx, name, "websocket/client.py", url, "binance", "BTC/USDT", "3")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	seen := map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); { // what is set is told, and a tick that becomes stale is told again
		said = append(said, lines.Text())
		_, price, update := strings.Cut(lines.Text(), "price ")
		price, _, _ = strings.Cut(price, ",")
		if update && !seen[price] {
			seen[price] = true
			set(map[string]string{"50000.5": "50001", "50001": "50002", "50002": "50003"}[price], 1_700_000_000+int64(len(seen)))
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, strings.Join(said, "\n"), errs.String())
	}
	if len(said) != 4 || said[0] != "Ticker: $50000.5" || said[1] != "binance BTC/USDT: price 50000.5, volume 100, timestamp 1700000000" || !seen["50001"] {
		t.Errorf("said %q", said)
	}
}
