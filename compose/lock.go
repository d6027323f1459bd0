package compose

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/fullon/fullon/domain"
)

const lockFile = "lock"

// makeData makes the data directory.
func makeData(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var probe *os.File
		if probe, err = os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600); err == nil {
			return probe.Close()
		}
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return domain.Invalid("FULLON_DATA (--data)", dir, "a directory that this user may write: "+err.Error())
}

// lockData makes sure that one process uses a data directory. The lock ends
// with the process, and tells others its id.
func lockData(dir string) (release func(), err error) {
	if err := makeData(dir); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock); err != nil {
		_ = file.Close()
		owner := "another process"
		if pid := lockOwner(dir); pid != 0 {
			owner = fmt.Sprintf("'fullon up' with process id %d", pid)
		}
		return nil, fmt.Errorf("data directory %s is in use by %s: stop that or name another directory with --data", dir, owner)
	}
	return func() { _ = file.Close() }, nil
}

// lockOwner is the id of the process that uses a data directory, zero when
// there is none. Asking does not take the lock.
func lockOwner(dir string) int {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock); err != nil || lock.Type == syscall.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}
