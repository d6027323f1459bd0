package venue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/fullon/fullon/domain"
)

// maxHandshakeWait bounds what a venue's Retry-After can impose on reconnects.
const maxHandshakeWait = time.Hour

var (
	errReplaced = errors.New("replaced by a new connection")
	errStopped  = errors.New("stopped")
	errUnproven = errors.New("the replacement did not deliver in time")
)

// SessionConfig is what a Session is made from.
type SessionConfig struct {
	URL     string         // ws or wss
	Dialect func() Dialect // makes the dialect of one connection
	Watcher Watcher        // is told what happens
	Care    Care           // zero fields take their defaults
	Logger  *slog.Logger   // nil: none
	// Dials spaces the attempts to connect; nil: only the backoff does.
	Dials *rate.Limiter
}

// Session keeps one subscription to a venue alive: it connects, subscribes,
// watches, reconnects with growing waits, and replaces a connection before
// the venue cuts it, the new one delivering before the old one is closed.
//
// The watcher's Connected tells of the session as a whole, strictly up and
// down in turns; a planned replacement is no loss and is not told.
type Session struct {
	cfg       SessionConfig
	transport *http.Transport
	log       *slog.Logger
	backoff   *backoff.ExponentialBackOff

	mu    sync.Mutex
	links []*link // that have been started; some may have ended
}

// NewSession makes a session. The error is a *domain.FieldError.
func NewSession(cfg SessionConfig) (*Session, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "" {
		return nil, domain.Invalid("url", cfg.URL, "a ws:// or wss:// address")
	}
	cfg.Care = cfg.Care.WithDefaults()
	if err := cfg.Care.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Session{
		cfg:       cfg,
		transport: NewTransport(cfg.Care.DialTimeout),
		log:       cfg.Logger.With("host", u.Host),
		backoff:   exponential(cfg.Care.BackoffInitial, cfg.Care.BackoffMax),
	}, nil
}

// Run serves the session until ctx ends, then returns with all its goroutines
// gone. It must not be called twice at a time.
func (s *Session) Run(ctx context.Context) {
	defer s.transport.CloseIdleConnections()
	var active *link
	for ctx.Err() == nil {
		if active == nil {
			if active = s.connect(ctx); active == nil {
				continue
			}
			s.cfg.Watcher.Connected(true, "")
		}
		select {
		case <-ctx.Done():
		case <-active.renew:
			active = s.replace(ctx, active)
		case <-active.due:
			active = s.replace(ctx, active)
		case <-active.done:
			s.lost(active)
			active = nil
			_ = sleep(ctx, s.backoff.NextBackOff()) // the loop looks at ctx
		}
	}
	if active != nil {
		active.close(errStopped)
		s.cfg.Watcher.Connected(false, errStopped.Error())
	}
}

// Change notes that other venue symbols are to be followed, and subscribes and
// unsubscribes them on the connections that stand. note is called when no dialect
// is being made, so that whatever dialect is made afterwards has the new symbols.
// It does not block and is safe for concurrent use.
func (s *Session) Change(note func(), add, drop []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note()
	for _, l := range s.living() {
		l.change(add, drop)
	}
}

// living are the links that have not ended; the lock is held.
func (s *Session) living() []*link {
	s.links = slices.DeleteFunc(s.links, func(l *link) bool {
		select {
		case <-l.done:
			return true
		default:
			return false
		}
	})
	return s.links
}

// connect makes one attempt. It returns nil after having waited if it failed.
func (s *Session) connect(ctx context.Context) *link {
	l, wait, err := s.dial(ctx)
	if err == nil {
		return l
	}
	if ctx.Err() == nil {
		wait = max(wait, s.backoff.NextBackOff())
		s.log.WarnContext(ctx, "cannot connect", "error", err, "wait", wait)
		_ = sleep(ctx, wait) // the caller looks at ctx
	}
	return nil
}

// dial sets one connection up. wait is what the venue asked for if it refused.
func (s *Session) dial(ctx context.Context) (l *link, wait time.Duration, err error) {
	if s.cfg.Dials != nil {
		if err := s.cfg.Dials.Wait(ctx); err != nil {
			return nil, 0, err
		}
	}
	l = newLink(s.cfg.Care, s.cfg.Watcher)
	timeout, cancel := context.WithTimeout(ctx, s.cfg.Care.DialTimeout)
	defer cancel()
	conn, resp, err := websocket.Dial(timeout, s.cfg.URL, &websocket.DialOptions{
		HTTPClient:     &http.Client{Transport: s.transport},
		OnPingReceived: func(context.Context, []byte) bool { l.touch(false); return true },
		OnPongReceived: func(context.Context, []byte) { l.touch(false) },
	})
	if err != nil {
		if resp != nil {
			wait = min(RetryAfter(resp, time.Now()), maxHandshakeWait)
		}
		return nil, wait, fmt.Errorf("connect to venue: %w", err)
	}
	s.mu.Lock()
	l.start(ctx, conn, s.cfg.Dialect())
	s.links = append(s.living(), l)
	s.mu.Unlock()
	if life := s.cfg.Care.Lifetime; life > 0 {
		l.due = time.After(life - rand.N(s.cfg.Care.LifetimeSpread+1))
	}
	return l, 0, nil
}

// replace makes a new connection and closes the old one once the new one
// delivers. It returns whichever is to be used from then on.
func (s *Session) replace(ctx context.Context, old *link) *link {
	next, wait, err := s.dial(ctx)
	if err == nil {
		err = s.prove(ctx, old, next)
	}
	if err == nil {
		select {
		case <-old.done: // it did not live to see its successor
			s.lost(old)
			s.cfg.Watcher.Connected(true, "")
		default:
			old.close(errReplaced)
			s.log.DebugContext(ctx, "connection replaced")
		}
		return next
	}
	if next != nil {
		next.close(err)
	}
	if ctx.Err() == nil {
		wait = max(wait, s.backoff.NextBackOff())
		s.log.WarnContext(ctx, "cannot replace the connection", "error", err, "wait", wait)
		old.due = time.After(wait)
	}
	return old
}

// prove waits until next may take the place of old.
func (s *Session) prove(ctx context.Context, old, next *link) error {
	timer := time.NewTimer(s.cfg.Care.HandoverTimeout)
	defer timer.Stop()
	select {
	case <-next.delivering:
		return nil
	case <-old.done:
		return nil
	case <-next.done:
		return next.err
	case <-timer.C:
		return errUnproven
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lost tells of a connection that ended without our doing.
func (s *Session) lost(l *link) {
	select {
	case <-l.delivering:
		if time.Since(l.delivered) >= s.cfg.Care.HealthySpell {
			s.backoff.Reset()
		}
	default:
	}
	s.log.Warn("connection lost", "error", l.err)
	s.cfg.Watcher.Connected(false, l.err.Error())
}
