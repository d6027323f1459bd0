package compose

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal is a context that a signal to stop ends. A second signal ends the
// process at once.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup wants it ignored
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(parent, signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
