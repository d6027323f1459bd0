//go:build unix && !linux

package servers

import "syscall"

// childAttributes put the child out of reach of the terminal's Ctrl-C.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
