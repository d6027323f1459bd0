package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/fullon/fullon/internal/servers"
)

// program is one of our own processes, which is started again when it ends, as
// whatever runs it in production does: one that finds no server when it starts
// ends and says so.
type program struct {
	*servers.Process
	down  atomic.Bool // it is not to run
	ended time.Time   // when it was seen that it had ended by itself; zero: it runs
}

// Exit codes with which a program may end by itself.
const (
	exitSignal      = -1 // it had just begun, and did not yet take signals itself
	exitOK          = 0
	exitNotFound    = 3 // a stream is not there, or a server that has just started does not know of it yet
	exitUnreachable = 4
)

// restartDelay is how long it stays ended: several that start again and again
// would keep the servers from coming back.
const restartDelay = time.Second

// supervise starts programs again that have ended by themselves, until ctx ends.
func (x *trouble) supervise(ctx context.Context) {
	for rest(ctx, 100*time.Millisecond) {
		for _, p := range x.programs() {
			if p.down.Load() || p.Alive() {
				p.ended = time.Time{}
				continue
			}
			if p.ended.IsZero() {
				p.ended = time.Now()
				// Looked at again: it may have been killed on purpose just now.
				if code := p.ExitCode(); code == exitUnreachable || code == exitNotFound {
					x.say("%s has ended because it did not reach a server, or a stream was not there; it is started again", p.Name)
				} else if !p.down.Load() {
					x.complain("%s has ended by itself with exit code %d", p.Name, code)
				}
			}
			if time.Since(p.ended) >= restartDelay && !p.down.Load() {
				x.restart(p.Process)
			}
		}
	}
}

// kill ends a program until raise.
func (p *program) kill() {
	p.down.Store(true)
	p.Kill()
}

// raise starts a program that was killed or has ended.
func (x *trouble) raise(p *program) {
	x.restart(p.Process)
	p.down.Store(false)
}

// programs are all of our own processes.
func (d *deployment) programs() []*program {
	return append(append([]*program{}, d.projectors...), d.workers...)
}
