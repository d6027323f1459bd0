package testserver

import (
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/fullon/fullon/bus"
)

// NATS is an embedded nats-server that a test may stop and start again.
type NATS struct {
	URL string

	tb     testing.TB
	cfg    bus.ServerConfig
	server *bus.Server
}

// Quiet is a logger for tests that provoke errors.
func Quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// NewNATS starts a server for one test and ends it with the test.
func NewNATS(tb testing.TB) *NATS {
	tb.Helper()
	return newNATS(tb, bus.ServerConfig{})
}

// NewSyncedNATS is NewNATS that waits for the disk before it acknowledges.
func NewSyncedNATS(tb testing.TB) *NATS {
	tb.Helper()
	return newNATS(tb, bus.ServerConfig{SyncAlways: true})
}

func newNATS(tb testing.TB, cfg bus.ServerConfig) *NATS {
	tb.Helper()
	cfg.Dir, cfg.Log = tb.TempDir(), Quiet()
	n := &NATS{tb: tb, cfg: cfg}
	n.Start()
	tb.Cleanup(n.Stop)
	return n
}

// Start starts the server, again on the port that it had.
func (n *NATS) Start() {
	n.tb.Helper()
	server, err := bus.StartServer(n.cfg)
	if err != nil {
		n.tb.Fatal(err)
	}
	n.server, n.URL = server, server.URL()
	n.cfg.Port = server.Port()
}

// Stop shuts the server down; what it holds stays.
func (n *NATS) Stop() {
	if n.server != nil {
		n.server.Stop()
		n.server = nil
	}
}

// Backup copies what the server holds, which is stopped for that; restore brings
// the copy back, as an operator would after a disk was lost.
func (n *NATS) Backup() (restore func()) {
	n.tb.Helper()
	saved := n.tb.TempDir()
	swap := func(to, from string) {
		n.tb.Helper()
		n.Stop()
		defer n.Start()
		if err := os.RemoveAll(to); err != nil {
			n.tb.Fatal(err)
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			n.tb.Fatal(err)
		}
	}
	swap(saved, n.cfg.Dir)
	return func() { swap(n.cfg.Dir, saved) }
}

// Bus connects to the server and provisions the deployment.
func (n *NATS) Bus(tb testing.TB, layout bus.Layout) *bus.Bus {
	tb.Helper()
	b, err := bus.Connect(tb.Context(), bus.Config{URL: n.URL, Layout: layout, Log: Quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Provision(tb.Context(), bus.Plan{Exchanges: []string{"binance", "kraken"}}); err != nil {
		tb.Fatal(err)
	}
	return b
}
