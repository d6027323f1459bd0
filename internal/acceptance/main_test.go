package acceptance

import (
	"os"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(natsChildDir); dir != "" {
		os.Exit(runNATS(dir, os.Getenv(natsChildPort)))
	}
	testserver.Main(m)
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
