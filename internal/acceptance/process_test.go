package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/testserver"
)

// process is one of our commands, running as a process of its own.
type process struct {
	t     testing.TB
	name  string
	cmd   *exec.Cmd
	out   output
	ended chan struct{} // closed when it has ended
}

// output collects what a process prints. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a command with nothing in its environment but what is given. It
// is killed when the test ends.
func start(t testing.TB, name string, env ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, ended: make(chan struct{}), cmd: exec.Command(testserver.Command(t, name))}
	p.cmd.Dir = t.TempDir() // no .env there
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir, "FULLON_LOG_FORMAT=json"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // exitCode tells
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text := p.out.String()
			t.Logf("%s %d printed:\n%s", name, p.cmd.Process.Pid, text[max(0, len(text)-8000):])
		}
	})
	return p
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// terminate asks the process to end and returns its exit code.
func (p *process) terminate() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end", p.name)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop is terminate for where a clean end is expected. The command itself
// holds its end to the stop timeout: exceeding it is not a clean end.
func (p *process) stop() {
	p.t.Helper()
	if code := p.terminate(); code != 0 {
		p.t.Fatalf("%s ended with exit code %d", p.name, code)
	}
}

type logLine struct {
	Level, Msg, Kind, URL string
}

func (p *process) logLines() []logLine {
	var lines []logLine
	for text := range strings.Lines(p.out.String()) {
		var line logLine
		if json.Unmarshal([]byte(text), &line) == nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// url is the base of the process's HTTP server, which it logs at its start.
func (p *process) url() string {
	p.t.Helper()
	var url string
	eventually(p.t, p.name+"'s HTTP address", func() string {
		for _, line := range p.logLines() {
			if line.Msg == "health and metrics" {
				url = strings.TrimSuffix(line.URL, "/healthz")
				return ""
			}
		}
		select {
		case <-p.ended:
			p.t.Fatalf("%s has ended: %s", p.name, p.out.String())
		default:
		}
		return "not logged"
	})
	return url
}

var web = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (p *process) get(path string) (code int, body []byte) {
	p.t.Helper()
	resp, err := web.Get(p.url() + path)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return resp.StatusCode, body
}

// says waits until the process's health is this: the status, and a problem that
// it names; empty for any or none.
func (p *process) says(code int, problem string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s's health %d %q", p.name, code, problem), func() string {
		got, body := p.get("/healthz")
		var health struct{ Problems []string }
		if err := json.Unmarshal(body, &health); err != nil {
			return fmt.Sprintf("%d %s", got, body)
		}
		if got != code || !strings.Contains(strings.Join(health.Problems, "; "), problem) {
			return fmt.Sprintf("%d %s", got, body)
		}
		return ""
	})
}

// metric is the sum of a metric's series that have all the labels, given as
// name="value".
func (p *process) metric(name string, labels ...string) int {
	p.t.Helper()
	_, body := p.get("/metrics")
	sum := 0.0
series:
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		series, value, _ := cutLast(line, " ")
		metric, labelled, _ := strings.Cut(series, "{")
		if metric != "fullon_"+name {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(labelled, label) {
				continue series
			}
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			p.t.Fatalf("metric %q: %v", line, err)
		}
		sum += v
	}
	return int(sum)
}

// streams are the partitions that a projector folds.
func (p *process) streams() []string {
	p.t.Helper()
	_, body := p.get("/metrics")
	var names []string
	for line := range strings.Lines(string(body)) {
		if _, rest, ok := strings.Cut(line, `fullon_projector_attached{stream="`); ok {
			name, _, _ := strings.Cut(rest, `"`)
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		p.t.Fatalf("%s folds %v", p.name, names)
	}
	return names
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return text, "", false
}
