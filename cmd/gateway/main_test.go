package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test binary is the program when this is set.
const asProgram = "FULLON_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

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

func TestHelpIsOnStdoutAndACleanEnd(t *testing.T) {
	for _, flag := range []string{"-h", "--help"} {
		stdout, stderr, code := run(t, flag)
		if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage: gateway") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", flag, code, stdout, stderr)
		}
	}
}

func TestAWrongFlagIsOneLineAndExitCodeTwo(t *testing.T) {
	stdout, stderr, code := run(t, "--nonsense")
	if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "gateway: unknown flag --nonsense") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
