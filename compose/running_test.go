package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/fx"

	"github.com/fullon/fullon/domain"
)

// The id may have gone to another process, here to this one: only the lock
// tells that an 'up' is alive.
func TestAnAnnouncementWithoutALockIsIgnored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := makeData(dir); err != nil {
		t.Fatal(err)
	}
	here := running{PID: os.Getpid(), Data: dir, NATSURL: "nats://127.0.0.1:1", RedisAddr: "127.0.0.1:2", RedisDB: 3, RedisPrefix: "mine:"}
	body := fmt.Sprintf(`{"pid": %d, "data": %q, "nats_url": "nats://127.0.0.1:1"}`, here.PID, dir)
	if err := os.WriteFile(filepath.Join(dir, runningFile), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := findRunning(dir); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("found %+v, %v", r, err)
	}
	if s, found := (Servers{}).Located(dir); found || s != (Servers{}) {
		t.Errorf("located %+v", s)
	}
	if err := os.WriteFile(filepath.Join(dir, runningFile), []byte(body[:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := findRunning(dir); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("half an announcement: found %+v, %v", r, err)
	}
}

func TestWhatIsAnnouncedCanBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := running{
		PID: os.Getpid(), Data: dir, NATSURL: "nats://127.0.0.1:1", RedisAddr: "127.0.0.1:2", RedisDB: 3, RedisPrefix: "mine:",
		PrivateRedis: true, HTTPAddr: "127.0.0.1:3",
	}
	path := filepath.Join(dir, runningFile)
	// Not announce, which would also write to the directory of this user.
	if err := here.write(path); err != nil {
		t.Fatal(err)
	}
	if got, err := readRunning(path); err != nil || got != here {
		t.Errorf("wrote %+v, read %+v, %v", here, got, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v %v", info.Mode(), err)
	}
}

func TestCredentialsAreTakenOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, redacted, without string }{
		{"nats://h:1", "nats://h:1", "nats://h:1"},
		{"nats://bot:" + secret + "@h:1", "nats://xxxxx@h:1", "nats://h:1"},
		{"nats://" + secret + "@h:1", "nats://xxxxx@h:1", "nats://h:1"},
		{"nats://a:" + secret + "@h:1,nats://b:" + secret + "@i:2", "nats://xxxxx@i:2", "nats://h:1,nats://i:2"},
		{"bot:" + secret + "@h:1", "xxxxx@h:1", "h:1"},
		{"nats://a:p@" + secret + "@h:1", "nats://xxxxx@h:1", "nats://h:1"},
	} {
		if got := redactValue(c.text); got != c.redacted {
			t.Errorf("redactValue(%q) = %q", c.text, got)
		}
		if got := withoutCredentials(c.text); got != c.without {
			t.Errorf("withoutCredentials(%q) = %q", c.text, got)
		}
		if strings.Contains(c.text, "://") && strings.Contains(domain.Redact("dial "+c.text+": refused"), secret) {
			t.Errorf("Redact leaves %q", domain.Redact("dial "+c.text+": refused"))
		}
	}
}

func TestTheLogHoldsNoCredentials(t *testing.T) {
	t.Parallel()
	url := "nats://bot:" + secret + "@h:1"
	for _, format := range []LogFormat{"text", "json"} {
		var out bytes.Buffer
		log := Logging{Level: "debug", Format: format}.Logger(&out)
		log.Warn("log away", "url", url, "error", errors.New("dial "+url), slog.Group("g", "url", url))
		if strings.Contains(out.String(), secret) || strings.Count(out.String(), "xxxxx@h:1") != 3 {
			t.Errorf("%s: %s", format, &out)
		}
	}
}

func TestAnErrorOfAPartComesWithoutTheWordsOfTheFramework(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("the log: %w", domain.ErrMismatch)
	log := slog.New(slog.DiscardHandler)
	err := RunApp(t.Context(), log, fx.Provide(func() (*int, error) { return nil, cause }), fx.Invoke(func(*int) {}))
	if err == nil || err.Error() != cause.Error() || !errors.Is(err, domain.ErrMismatch) {
		t.Errorf("constructor: %v", err)
	}
	err = RunApp(t.Context(), log, fx.Invoke(func(l fx.Lifecycle) { l.Append(fx.StartHook(func() error { return cause })) }))
	if err == nil || err.Error() != cause.Error() || !errors.Is(err, domain.ErrMismatch) {
		t.Errorf("hook: %v", err)
	}
}

func TestWhoIsToldToStopWhileItStartsStops(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	err := RunApp(ctx, slog.New(slog.DiscardHandler), fx.Provide(func(s supervisor) (*int, error) {
		starting, cancel := s.Starting()
		defer cancel()
		stop()
		<-starting.Done()
		return nil, context.Cause(starting)
	}), fx.Invoke(func(*int) {}))
	if err != nil {
		t.Fatal(err)
	}
}
