package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/fx"
)

// httpModule serves /healthz and /metrics of whatever the process has.
func httpModule(cfg HTTP) fx.Option {
	return fx.Options(
		fx.Provide(func(parts parts) (*httpServer, error) { return newHTTPServer(cfg, parts) }),
		fx.Invoke(func(s supervisor, h *httpServer) { s.run("http", h.run) }),
	)
}

type httpServer struct {
	log      *slog.Logger
	listener net.Listener // nil: off
	server   *http.Server
}

func newHTTPServer(cfg HTTP, parts parts) (*httpServer, error) {
	h := &httpServer{log: parts.Log}
	if cfg.HTTPAddr == "off" {
		return h, nil
	}
	addr := string(cfg.HTTPAddr)
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		var reason *os.SyscallError
		if errors.As(err, &reason) {
			err = reason.Err
		}
		return nil, fmt.Errorf("FULLON_HTTP (--http): cannot listen on %s: %w", addr, err)
	}
	h.listener = listener
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), parts)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", parts.serveHealth)
	if parts.Gateway != nil {
		mux.Handle("/", parts.Gateway)
	}
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	return h, nil
}

// Addr is where the server listens; empty when it is off.
func (h *httpServer) Addr() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

func (h *httpServer) run(ctx context.Context) error {
	if h.listener == nil {
		<-ctx.Done()
		return nil
	}
	h.log.Info("health and metrics", "url", "http://"+h.Addr()+"/healthz")
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if h.server.Shutdown(ctx) != nil {
			_ = h.server.Close()
		}
	})
	defer stop()
	if err := h.server.Serve(h.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
