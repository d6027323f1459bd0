package compose

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/testserver"
)

// programVariable makes the test binary be one of the programs, so that the race
// detector looks at those that go on until they are told to end.
const programVariable = "COMPOSE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	switch name := os.Getenv(programVariable); name {
	case "":
	case "ingest":
		os.Exit(Main(name, "", new(IngestCommand), map[string]string{"venue": "binance"}, os.Args[1:], os.Stderr))
	case "projector":
		os.Exit(Main(name, "", new(ProjectorCommand), nil, os.Args[1:], os.Stderr))
	case "orderworker":
		os.Exit(Main(name, "", new(OrderWorkerCommand), nil, os.Args[1:], os.Stderr))
	case "gateway":
		os.Exit(Main(name, "", new(GatewayCommand), nil, os.Args[1:], os.Stderr))
	default:
		os.Exit(Main(name, "", new(FullonCommand), map[string]string{"venue": "sim"}, os.Args[1:], os.Stderr))
	}
	testserver.WaitingMain(m)
}

// giveUp is far beyond what anything here takes on a busy machine.
const giveUp = 50 * time.Second

// secret must not be seen anywhere.
const secret = "hunter2-9f3c"

// user is somebody at a terminal: a home, a working directory, an environment.
type user struct {
	t    *testing.T
	home string
	cwd  string
	env  []string
}

func newUser(t *testing.T, env ...string) *user {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	u := &user{t: t, home: t.TempDir(), cwd: t.TempDir()}
	u.env = append([]string{"HOME=" + u.home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "FULLON_NO_PAPER=true", "FULLON_GATEWAY=off", "FULLON_SIM_RATE=10"}, env...)
	return u
}

// result is how a program ended.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// run runs a program to its end, without the race detector: one that is over so
// soon has little to race with, and the detector makes it seven times slower.
func (u *user) run(program string, args ...string) result {
	u.t.Helper()
	return u.launch(program, exec.Command(testserver.Command(u.t, program), args...)).wait()
}

// process is a program that runs.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	begun   time.Time
	out     output
	errs    output
	exited  chan struct{}
	command string
}

// output collects what a program prints and tells when something new came.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program until it ends or the test does.
func (u *user) start(program string, args ...string) *process {
	u.t.Helper()
	self, err := os.Executable()
	if err != nil {
		u.t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = []string{programVariable + "=" + program}
	return u.launch(program, cmd)
}

func (u *user) launch(program string, cmd *exec.Cmd) *process {
	u.t.Helper()
	p := &process{t: u.t, cmd: cmd, exited: make(chan struct{}), command: program + " " + strings.Join(cmd.Args[1:], " ")}
	p.out.more, p.errs.more = make(chan struct{}, 1), make(chan struct{}, 1)
	cmd.Dir, cmd.Env = u.cwd, append(cmd.Env, u.env...)
	cmd.Stdout, cmd.Stderr = &p.out, &p.errs
	p.begun = time.Now()
	if err := cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	u.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
	})
	return p
}

func (p *process) wait() result {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(giveUp):
		p.t.Fatalf("%s does not end\n%s\n%s", p.command, &p.out, &p.errs)
	}
	r := result{p.cmd.ProcessState.ExitCode(), p.out.String(), p.errs.String(), time.Since(p.begun)}
	if strings.Contains(r.stdout+r.stderr, secret) {
		p.t.Errorf("%s prints the secret:\n%s\n%s", p.command, r.stdout, r.stderr)
	}
	return r
}

// says waits until the program has printed something on stdout.
func (p *process) says(text string) {
	p.t.Helper()
	deadline := time.After(giveUp)
	for !strings.Contains(p.out.String(), text) {
		select {
		case <-p.out.more:
		case <-p.exited:
			if !strings.Contains(p.out.String(), text) {
				p.t.Fatalf("%s ended without saying %q\n%s\n%s", p.command, text, &p.out, &p.errs)
			}
		case <-deadline:
			p.t.Fatalf("%s does not say %q\n%s\n%s", p.command, text, &p.out, &p.errs)
		}
	}
}

// interrupt is Ctrl-C; it returns the result and how long the end took.
func (p *process) interrupt() (result, time.Duration) {
	p.t.Helper()
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	r := p.wait()
	return r, time.Since(begun)
}

// complains checks that a program printed one line on stderr, nothing on
// stdout, and ended with a code.
func (r result) complains(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasSuffix(r.stderr, "\n") {
		t.Errorf("want one line on stderr, got:\n%s", r.stderr)
	}
	for _, part := range parts {
		if !strings.Contains(r.stderr, part) {
			t.Errorf("stderr has no %q:\n%s", part, r.stderr)
		}
	}
	if r.stdout != "" {
		t.Errorf("stdout is not empty:\n%s", r.stdout)
	}
}

func (u *user) dotenv(body string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.cwd, dotenvFile), []byte(body), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// eventually repeats a look until it is right; the last complaint fails.
func eventually(t *testing.T, look func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), giveUp)
	defer cancel()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for {
		err := look()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-pace.C:
		}
	}
}
