package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fullon/fullon/internal/sim"
	"github.com/fullon/fullon/internal/testserver"
)

// page is our page in a real browser.
type page struct {
	t         testing.TB
	ctx       context.Context
	listening sync.WaitGroup

	mu     sync.Mutex
	errors []string // of its scripts
}

// openPage starts a browser of its own. It fails the test where there is none,
// unless FULLON_NO_BROWSER says that this is known.
func openPage(t testing.TB, address string) *page {
	t.Helper()
	var browser string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		if os.Getenv("FULLON_NO_BROWSER") != "" {
			t.Skip("no browser")
		}
		t.Fatal("no Chromium on PATH: install it (apt-get install chromium), or set FULLON_NO_BROWSER=1 to do without this test")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1400, 1100), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	p := &page{t: t, ctx: ctx}
	t.Cleanup(func() { cancel(); p.listening.Wait() })
	messages := chromedp.Console(ctx)
	p.listening.Go(func() {
		for m, err := range messages {
			// A server that is away is no error of the page.
			if err == nil && (m.IsException() || m.Type == "error" && m.Source != "network") && !strings.Contains(m.Text, "WebSocket connection") {
				p.mu.Lock()
				p.errors = append(p.errors, m.Text)
				p.mu.Unlock()
			}
		}
	})
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	return p
}

// of is what an expression of the page is.
func of[T any](p *page, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// is waits until an expression of the page is true.
func (p *page) is(what, expression string) {
	p.t.Helper()
	eventually(p.t, what, func() string {
		if of[bool](p, expression) {
			return ""
		}
		return expression
	})
}

// tickers is what the rows of the tickers say.
func (p *page) tickers() string {
	return of[string](p, `document.querySelector('#tickers tbody').textContent`)
}

const (
	rows    = `document.querySelectorAll('#tickers tbody tr[data-key]').length`
	stale   = `document.querySelectorAll('#tickers tbody tr.stale').length`
	current = rows + " > 1 && " + stale + " === 0"
)

func TestThePageShowsWhatHappensAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	venue := r.simulated()
	r.projector(redis)
	follow := func() *process {
		return start(t, "ingest", "NATS_URL="+r.url, "BINANCE_WS_URL="+venue.WSURL(), "BINANCE_REST_URL="+venue.RESTURL(),
			"FULLON_SYMBOLS=BTC/USDT,ETH/USDT", "FULLON_SILENT_AFTER=2s")
	}
	ingest := follow()
	host, port, _ := strings.Cut(redis.Addr, ":")
	serve := func(address string) *process {
		return start(t, "gateway", "NATS_URL="+r.url, "REDIS_HOST="+host, "REDIS_PORT="+port, "FULLON_GATEWAY="+address)
	}
	gateway := serve("127.0.0.1:0")
	address := served(gateway)
	p := openPage(t, "http://"+address)
	live := `document.getElementById('connection').textContent === 'live'`
	p.is("a live page", live+" && "+current)
	p.is("candles", `document.getElementById('chart').height > 0 && document.getElementById('symbol').textContent !== '–'`)
	p.is("trades", `document.querySelectorAll('#trades tbody tr[data-key]').length > 0`)
	p.is("processes", `document.querySelectorAll('#processes tbody tr[data-key]').length > 1`)
	p.is("partitions", `document.querySelectorAll('#partitions tbody tr[data-key]').length > 8`)
	before := p.tickers()
	p.is("other prices", fmt.Sprintf("document.querySelector('#tickers tbody').textContent !== %q && %s", before, current))
	picture(p)

	ingest.kill()
	p.is("stale rows", rows+" === "+stale)
	follow()
	p.is("current rows", current)

	gateway.kill()
	p.is("a disconnected page", `document.getElementById('connection').textContent === 'disconnected' && !document.getElementById('alarms').hidden`)
	serve(address)
	p.is("a live page again", live+" && "+current)
	before = p.tickers()
	p.is("other prices again", fmt.Sprintf("document.querySelector('#tickers tbody').textContent !== %q", before))

	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.errors {
		t.Errorf("the page: %s", text)
	}
}

// The example for browsers is a page from another host, which the server lets in
// when it is told to.
func TestTheExampleForBrowsersShowsAPrice(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	venue := r.simulated()
	r.projector(redis)
	start(t, "ingest", "NATS_URL="+r.url, "BINANCE_WS_URL="+venue.WSURL(), "BINANCE_REST_URL="+venue.RESTURL(), "FULLON_SYMBOLS=BTC/USDT")
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join("..", "..", "examples", "websocket"))))
	t.Cleanup(web.Close)
	host, port, _ := strings.Cut(redis.Addr, ":")
	gateway := start(t, "gateway", "NATS_URL="+r.url, "REDIS_HOST="+host, "REDIS_PORT="+port, "FULLON_GATEWAY=127.0.0.1:0",
		"FULLON_GATEWAY_ORIGINS="+strings.TrimPrefix(web.URL, "http://"))
	p := openPage(t, web.URL+"/?url="+url.QueryEscape("ws://"+served(gateway))+"&exchange=binance&symbol="+url.QueryEscape("BTC/USDT"))
	p.is("a price", `/[0-9]/.test(document.getElementById('price').textContent)`)
	p.is("trades", `document.querySelectorAll('#trades tr').length > 0`)
}

// served is where a gateway listens.
func served(gateway *process) (address string) {
	gateway.t.Helper()
	eventually(gateway.t, "the gateway", func() string {
		for _, line := range gateway.logLines() {
			if line.Msg == "WebSocket server" {
				address = strings.TrimPrefix(line.URL, "ws://")
				return ""
			}
		}
		return "no address"
	})
	return address
}

// picture writes a picture of the page to where FULLON_SCREENSHOT says, or to a
// folder of the test.
func picture(p *page) {
	p.t.Helper()
	path := os.Getenv("FULLON_SCREENSHOT")
	if path == "" {
		path = filepath.Join(p.t.TempDir(), "page.png")
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(path, png, 0o600)
	}
	if err != nil || len(png) < 10_000 {
		p.t.Errorf("a picture of %d bytes: %v", len(png), err)
	}
}

// simulated starts the simulated venue.
func (r *rig) simulated() *sim.Exchange {
	r.t.Helper()
	x, err := sim.New(sim.Config{Rate: 100, Logger: testserver.Quiet()})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	return x
}
