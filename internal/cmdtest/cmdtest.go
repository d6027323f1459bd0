// Package cmdtest holds what every command must do, as tests that run the real
// program.
package cmdtest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asProgram is set when the test binary is to be the program.
const asProgram = "FULLON_TEST_MAIN"

// Main is the TestMain of a command. main must not return without having ended
// the process.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// run runs the program.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Dir = t.TempDir()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Conventions checks what the program prints, and where, and its exit codes.
func Conventions(t *testing.T, name string) {
	t.Helper()
	t.Run("help is on stdout and a clean end", func(t *testing.T) {
		for _, flag := range []string{"-h", "--help"} {
			stdout, stderr, code := run(t, flag)
			if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage: "+name) {
				t.Errorf("%s: exit code %d, stdout %q, stderr %q", flag, code, stdout, stderr)
			}
		}
	})
	t.Run("a wrong flag is one line and exit code two", func(t *testing.T) {
		stdout, stderr, code := run(t, "--nonsense")
		if code != 2 || stdout != "" || !strings.HasPrefix(stderr, name+": unknown flag --nonsense") || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	})
}
