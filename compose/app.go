package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"github.com/fullon/fullon/internal/heap"
)

const (
	startTimeout = 30 * time.Second
	// stopTimeout is what all stop hooks share; drainGrace is the part that
	// publishers may use to have the rest acknowledged. In the last stopMargin
	// nothing is waited for any more, so that what hangs is told by its name.
	stopTimeout = 5 * time.Second
	drainGrace  = 2 * time.Second
	stopMargin  = 250 * time.Millisecond
)

// RunApp starts an application and blocks until ctx ends or one of its parts
// fails; then it stops everything in order. A clean end is nil.
func RunApp(ctx context.Context, log *slog.Logger, options ...fx.Option) error {
	heap.Reserve()
	failures := &failures{}
	app := fx.New(
		fx.StartTimeout(startTimeout), fx.StopTimeout(stopTimeout),
		fx.WithLogger(func() fxevent.Logger {
			l := &fxevent.SlogLogger{Logger: log.With("component", "fx")}
			l.UseLogLevel(slog.LevelDebug)
			l.UseErrorLevel(slog.LevelDebug)
			return l
		}),
		fx.Supply(log, failures, starting(func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, startTimeout) })),
		fx.Options(options...),
	)
	err := app.Err()
	if err == nil {
		startCtx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		err = app.Start(startCtx)
	}
	if ctx.Err() != nil && err != nil {
		return nil // told to stop while it started: what was under way then failed
	}
	if err != nil {
		return rootCause(err)
	}
	select {
	case <-ctx.Done():
	case <-app.Wait():
	}
	stopCtx, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancelStop()
	return errors.Join(failures.err(), app.Stop(stopCtx))
}

// rootCause is the constructor's or the hook's own error, without the words of
// fx about how it came there.
func rootCause(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		t := reflect.TypeOf(inner)
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if !strings.HasPrefix(t.PkgPath(), "go.uber.org/") {
			return inner
		}
	}
	return err
}

// starting is the context of what is done before the application runs: it ends
// when that takes too long, or when the process is told to stop.
type starting func() (context.Context, context.CancelFunc)

// failures collects what the running parts returned.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *failures) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

// supervisor makes hooks of what runs.
type supervisor struct {
	fx.In

	Lifecycle  fx.Lifecycle
	Shutdowner fx.Shutdowner
	Failures   *failures
	Starting   starting
}

// run adds a part that runs from start to stop. If it ends by itself, the whole
// application stops.
func (s supervisor) run(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.Lifecycle.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(done)
				err := run(ctx)
				if err != nil {
					s.Failures.add(fmt.Errorf("%s: %w", name, err))
				}
				if ctx.Err() == nil {
					_ = s.Shutdowner.Shutdown()
				}
			}()
			return nil
		},
		OnStop: func(stop context.Context) error {
			cancel()
			if deadline, ok := stop.Deadline(); ok {
				var expire context.CancelFunc
				stop, expire = context.WithDeadline(stop, deadline.Add(-stopMargin))
				defer expire()
			}
			select {
			case <-done:
				return nil
			case <-stop.Done():
				return fmt.Errorf("%s did not stop in time", name)
			}
		},
	})
}

// onStop adds what is to be closed after everything that was started later.
func (s supervisor) onStop(stop func() error) {
	s.Lifecycle.Append(fx.Hook{OnStop: func(context.Context) error { return stop() }})
}
