package bus

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fullon/fullon/domain"
)

// ServerConfig says how an embedded server is to run.
type ServerConfig struct {
	// Dir is where the log is kept. Required.
	Dir string
	// Host and Port to listen on. Default 127.0.0.1 and a free port.
	Host string
	Port int
	// SyncAlways makes every acknowledgement wait for the disk, which costs
	// most of the rate and survives power loss. Default: the disk is synced
	// every 2 minutes; an acknowledgement survives the death of the process.
	SyncAlways bool
	// Log takes the server's warnings and errors. Default: slog.Default.
	Log *slog.Logger
}

// Server is a nats-server with JetStream inside this process.
type Server struct {
	srv *server.Server
}

const serverStart = 20 * time.Second

// StartServer starts an embedded server and waits until it takes connections.
func StartServer(cfg ServerConfig) (*Server, error) {
	if cfg.Dir == "" {
		return nil, domain.Invalid("nats directory", "", "a directory for the log")
	}
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	if cfg.Port == 0 {
		cfg.Port = server.RANDOM_PORT
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "fullon-embedded",
		Host:       cfg.Host,
		Port:       cfg.Port,
		JetStream:  true,
		StoreDir:   filepath.Clean(cfg.Dir),
		SyncAlways: cfg.SyncAlways,
		NoSigs:     true,
		// Each order has its subject and each acknowledgement too, so that hardly any
		// is met again while it would be remembered.
		NoSublistCache: true,
		// JetStream's own bound on requests under way is made for strangers.
		JetStreamMaxMemory: 64 << 20,
		JetStreamMaxStore:  1 << 40,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded nats-server: %w", err)
	}
	srv.SetLoggerV2(serverLog{cfg.Log.With("component", "nats-server")}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(serverStart) {
		srv.Shutdown()
		return nil, fmt.Errorf("embedded nats-server on %s:%d: %w: not ready after %v (is the port taken?)",
			cfg.Host, cfg.Port, domain.ErrUnreachable, serverStart)
	}
	return &Server{srv: srv}, nil
}

// URL is where the server listens.
func (s *Server) URL() string { return s.srv.ClientURL() }

// Port is where the server listens.
func (s *Server) Port() int { return s.srv.Addr().(*net.TCPAddr).Port }

// Stop shuts the server down and waits until its files are closed.
func (s *Server) Stop() {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

// serverLog passes on what an operator must know of the embedded server.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(string, ...any)           {}
func (l serverLog) Tracef(string, ...any)           {}
