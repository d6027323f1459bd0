package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsChildDir); dir != "" {
		os.Exit(runNATS(dir, os.Getenv(natsChildPort)))
	}
	testserver.Main(m, func() {
		if binaries.dir != "" {
			_ = os.RemoveAll(binaries.dir)
		}
	})
}

// binaries are what the processes run, built once.
var binaries struct {
	once sync.Once
	dir  string
	err  error
}

// binary is the path of one of our commands.
func binary(t testing.TB, name string) string {
	t.Helper()
	b := &binaries
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "fullon-acceptance-"); b.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", b.dir, "./cmd/ingest", "./cmd/projector", "./cmd/orderworker", "./cmd/gateway", "./cmd/fullon")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return filepath.Join(b.dir, name)
}

// patience is how long a test waits for what must happen.
const patience = 90 * time.Second

// eventually waits until check returns an empty text; what it returned last is
// what was still missing.
func eventually(t testing.TB, what string, check func() (missing string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		missing := check()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about: %s", what, missing)
		}
		time.Sleep(time.Millisecond)
	}
}
