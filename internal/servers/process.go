package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is a program that runs as a process of its own, and can be started
// again after it has ended. Its methods are safe for concurrent use.
type Process struct {
	Program
	Name string

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
}

// Program says what a process runs.
type Program struct {
	Path string
	Args []string
	Env  []string // the whole environment
	Dir  string   // where it runs
	Log  string   // file that what it prints is appended to
}

// Start starts a program.
func Start(name string, program Program) (*Process, error) {
	p := &Process{Name: name, Program: program}
	return p, p.Start()
}

// Start starts the program again, unless it still runs.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && !isClosed(p.ended) {
		return nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = p.Dir, p.Env, childAttributes()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // that it ended is all that counts
		close(ended)
	}()
	p.cmd, p.ended = cmd, ended
	return nil
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func (p *Process) current() (*exec.Cmd, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.ended
}

// Alive tells whether the process has not ended.
func (p *Process) Alive() bool {
	cmd, ended := p.current()
	return cmd != nil && !isClosed(ended)
}

// errEnded: a process has ended that was waited for.
var errEnded = errors.New("it has ended by itself; its log may say why")

// alive is an error for a process that has ended.
func (p *Process) alive() error {
	if !p.Alive() {
		return fmt.Errorf("%s: %w: %s", p.Name, errEnded, p.Log)
	}
	return nil
}

// await tries until it works, ctx ends or a process has ended.
func await(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ExitCode is that of a process that has ended; -1: it was killed, or has not
// ended.
func (p *Process) ExitCode() int {
	cmd, ended := p.current()
	if cmd == nil || !isClosed(ended) {
		return -1
	}
	return cmd.ProcessState.ExitCode()
}

// PID is the process's id, also after it has ended.
func (p *Process) PID() int {
	cmd, _ := p.current()
	if cmd == nil {
		return 0
	}
	return cmd.Process.Pid
}

// signal does nothing to a process that has ended: its id may be another's.
func (p *Process) signal(s syscall.Signal) {
	if cmd, ended := p.current(); cmd != nil && !isClosed(ended) {
		_ = cmd.Process.Signal(s)
	}
}

// Kill ends the process at once (SIGKILL), also one that is paused.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	if cmd, ended := p.current(); cmd != nil {
		<-ended
	}
}

// Terminate asks the process to end (SIGTERM) and returns its exit code. A
// process that has not ended after the time that it has is killed; that is an
// error.
func (p *Process) Terminate(within time.Duration) (code int, err error) {
	p.signal(syscall.SIGTERM)
	cmd, ended := p.current()
	if cmd == nil {
		return 0, nil
	}
	select {
	case <-ended:
		return cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		p.Kill()
		return 0, fmt.Errorf("%s did not end within %v", p.Name, within)
	}
}

// Pause stops the process (SIGSTOP) until Resume.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }
