package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fullon/fullon/domain"
)

func TestProcessValidateNamesTheField(t *testing.T) {
	t.Parallel()
	valid := func() domain.Process {
		return domain.Process{
			ID: "a1-b", Type: domain.ProcessBot, Component: "grid", Host: "db 1", PID: 7, Interval: time.Second, Status: domain.ProcessRunning,
			Message: "fine", Params: map[string]string{"symbols": "BTC/USDT"},
		}
	}
	many := make(map[string]string)
	for i := range domain.MaxProcessParams + 1 {
		many[fmt.Sprint(i)] = "x"
	}
	wantField(t, valid().Validate(), "")
	for _, c := range []struct {
		field  string
		change func(*domain.Process)
	}{
		{"id", func(p *domain.Process) { p.ID = "" }},
		{"id", func(p *domain.Process) { p.ID = "A" }},
		{"id", func(p *domain.Process) { p.ID = strings.Repeat("a", 65) }},
		{"type", func(p *domain.Process) { p.Type = "" }},
		{"type", func(p *domain.Process) { p.Type = "Bot" }},
		{"component", func(p *domain.Process) { p.Component = "" }},
		{"component", func(p *domain.Process) { p.Component = "a b" }},
		{"host", func(p *domain.Process) { p.Host = "a\nb" }},
		{"host", func(p *domain.Process) { p.Host = strings.Repeat("a", 256) }},
		{"pid", func(p *domain.Process) { p.PID = -1 }},
		{"interval", func(p *domain.Process) { p.Interval = 0 }},
		{"interval", func(p *domain.Process) { p.Interval = time.Hour + 1 }},
		{"status", func(p *domain.Process) { p.Status = "" }},
		{"status", func(p *domain.Process) { p.Status = "well" }},
		{"message", func(p *domain.Process) { p.Message = strings.Repeat("x", 513) }},
		{"params", func(p *domain.Process) { p.Params = map[string]string{"a b": "x"} }},
		{"params", func(p *domain.Process) { p.Params = map[string]string{"a": strings.Repeat("x", 257)} }},
		{"params", func(p *domain.Process) { p.Params = many }},
		{"params", func(p *domain.Process) { p.Params = map[string]string{"REDIS_PASSWORD": "x"} }},
		{"", func(p *domain.Process) { p.Host, p.PID, p.Message, p.Params = "", 0, "", nil }},
	} {
		p := valid()
		c.change(&p)
		wantField(t, p.Validate(), c.field)
	}
}

func TestMessagesValidateNamesTheField(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", domain.MaxTextBytes+1)
	for _, c := range []struct {
		field string
		err   error
	}{
		{"", domain.Broadcast{Type: domain.ProcessBot, Text: "x"}.Validate()},
		{"type", domain.Broadcast{Type: "all", Text: "x"}.Validate()},
		{"from", domain.Broadcast{Type: domain.ProcessBot, From: "A", Text: "x"}.Validate()},
		{"text", domain.Broadcast{Type: domain.ProcessBot}.Validate()},
		{"text", domain.Broadcast{Type: domain.ProcessBot, Text: long}.Validate()},
		{"data", domain.Broadcast{Type: domain.ProcessBot, Text: "x", Data: map[string]string{"token": "x"}}.Validate()},
		{"", domain.VenueError{Exchange: "binance", Text: "x"}.Validate()},
		{"exchange", domain.VenueError{Text: "x"}.Validate()},
		{"text", domain.VenueError{Exchange: "binance"}.Validate()},
		{"text", domain.VenueError{Exchange: "binance", Text: long}.Validate()},
		{"status", domain.ProcessChange{Status: "x"}.Validate()},
		{"", domain.ProcessChange{}.Validate()},
	} {
		wantField(t, c.err, c.field)
	}
}

func TestHealthIsByTheProcessesOwnInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		interval, age time.Duration
		status        domain.ProcessStatus
		want          domain.ProcessHealth
	}{
		{time.Second, -time.Hour, domain.ProcessRunning, domain.ProcessFresh},
		{time.Second, 2 * time.Second, domain.ProcessRunning, domain.ProcessFresh},
		{time.Second, 2*time.Second + 1, domain.ProcessFailed, domain.ProcessStale},
		{time.Second, 5 * time.Second, domain.ProcessRunning, domain.ProcessStale},
		{time.Second, 5*time.Second + 1, domain.ProcessStarting, domain.ProcessDead},
		{time.Minute, 5*time.Second + 1, domain.ProcessRunning, domain.ProcessFresh},
		{time.Minute, 0, domain.ProcessStopped, domain.ProcessDead},
	} {
		p := domain.Process{Interval: c.interval, Status: c.status, Heartbeat: noon}
		if got := p.HealthAt(noon.Add(c.age)); got != c.want {
			t.Errorf("%s, interval %v, %v after: %s, want %s", c.status, c.interval, c.age, got, c.want)
		}
	}
}

func TestSystemHealthCountsEachProcessOnce(t *testing.T) {
	t.Parallel()
	process := func(id string, status domain.ProcessStatus, age time.Duration) domain.Process {
		return domain.Process{ID: id, Status: status, Interval: time.Second, Heartbeat: noon.Add(-age)}
	}
	h := domain.SumUp([]domain.Process{
		process("fresh", domain.ProcessRunning, 0), process("stale", domain.ProcessRunning, 3*time.Second),
		process("dead", domain.ProcessRunning, time.Minute), process("stopped", domain.ProcessStopped, time.Minute),
		process("failed", domain.ProcessFailed, 0), process("failed and dead", domain.ProcessFailed, time.Minute),
	}, noon)
	if h.OK() || h.Fresh != 2 || h.Stale != 1 || h.Dead != 2 || h.Stopped != 1 || h.Failed != 1 || !h.Time.Equal(noon) {
		t.Errorf("%+v", h)
	}
	var problems []string
	for _, p := range h.Problems {
		problems = append(problems, p.ID)
	}
	if got := strings.Join(problems, ", "); got != "stale, dead, failed, failed and dead" {
		t.Errorf("problems are %s", got)
	}
	if !domain.SumUp(nil, noon).OK() {
		t.Error("a deployment without processes is not well")
	}
}

func TestRedactTakesCredentialsAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nats://u:p@a:1,nats://u:p@b:1 refused": "nats://xxxxx@b:1 refused",
		"dial redis u:p@db1:6379":               "dial redis xxxxx@db1:6379",
		"password=p&next=1":                     "password=xxxxx&next=1",
		`{"apiKey": "p", "symbol":"BTCUSDT"}`:   `{"apiKey": "xxxxx", "symbol":"BTCUSDT"}`,
		"GET /v3/x?signature=0a1b HTTP/1.1":     "GET /v3/x?signature=xxxxx HTTP/1.1",
		"Authorization: Bearer abc.def-0123":    "Authorization: Bearer xxxxx",
		"dial tcp 127.0.0.1:6379: refused":      "dial tcp 127.0.0.1:6379: refused",
		"mail to ops@example.com at 12:30":      "mail to ops@example.com at 12:30",
		"":                                      "",
	} {
		if got := domain.Redact(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestShortenCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	for most := 3; most < 30; most++ {
		got := domain.Shorten("äöü€uro und mehr", most)
		if len(got) > most || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", most, got)
		}
	}
	if got := domain.Shorten("äöü", 6); got != "äöü" {
		t.Errorf("what fits became %q", got)
	}
}

func TestEveryTypeAndStatusIsRead(t *testing.T) {
	t.Parallel()
	seen := make(map[domain.ProcessType]bool)
	for _, want := range domain.ProcessTypes() {
		got, err := domain.ParseProcessType(string(want))
		seen[got] = true
		if err != nil || got != want {
			t.Errorf("%s: %s (%v)", want, got, err)
		}
	}
	if n := len(seen); n != 6 {
		t.Errorf("%d types", n)
	}
	for _, want := range []domain.ProcessStatus{"starting", "running", "failed", "stopping", "stopped"} {
		if got, err := domain.ParseProcessStatus(string(want)); err != nil || got != want {
			t.Errorf("%s: %s (%v)", want, got, err)
		}
	}
	if _, err := domain.ParseProcessStatus("x"); !errors.Is(err, domain.ErrInvalid) {
		t.Error(err)
	}
}
