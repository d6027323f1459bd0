package servers

import "syscall"

// childAttributes put the child out of reach of the terminal's Ctrl-C, and let
// it die with this process.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
