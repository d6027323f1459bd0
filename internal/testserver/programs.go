package testserver

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fullon/fullon/internal/servers"
)

// programs are built for all tests of a package when the first one asks.
type programs struct {
	once sync.Once
	err  error
	dir  string
}

var natsServer, commands programs

// path is that of a program, after the packages were built.
func (p *programs) path(name string, packages ...string) (string, error) {
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "fullon-programs-"); p.err == nil {
			p.err = servers.Build(p.dir, packages...)
		}
	})
	return filepath.Join(p.dir, name), p.err
}

func (p *programs) forget() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// Command is the path of one of our commands, as users get it: without the race
// detector, be the test with it or not.
func Command(tb testing.TB, name string) string {
	tb.Helper()
	path, err := commands.path(name, "github.com/fullon/fullon/cmd/...")
	if err != nil {
		tb.Fatal(err)
	}
	return path
}
