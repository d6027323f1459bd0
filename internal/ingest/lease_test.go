package ingest_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
)

// desk is where leases are written, in a bubble where time passes only when
// everything waits.
type desk struct {
	mu       sync.Mutex
	holder   domain.Holder
	said     time.Time
	revision uint64
}

func (d *desk) Holder(_ context.Context, exchange string) (domain.Holder, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holder.ID == "" || exchange != "test" {
		return domain.Holder{}, domain.ErrNotFound
	}
	h := d.holder
	h.Revision, h.Age = d.revision, time.Since(d.said)
	return h, nil
}

func (d *desk) change(to domain.Holder, revision uint64) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := d.revision; revision != last && !(revision == 0 && d.holder.ID == "") {
		return 0, domain.ErrConflict
	}
	d.revision++
	d.holder, d.said = to, time.Now()
	return d.revision, nil
}

// at is the desk as one process sees it.
type at struct {
	*desk
	mu   sync.Mutex
	away bool // from the log
}

func (a *at) reach() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return fmt.Errorf("test: %w", domain.ErrUnreachable)
	}
	return nil
}

func (a *at) set(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

func (a *at) Holder(ctx context.Context, exchange string) (domain.Holder, error) {
	if err := a.reach(); err != nil {
		return domain.Holder{}, err
	}
	return a.desk.Holder(ctx, exchange)
}

func (a *at) Hold(_ context.Context, _ string, self domain.Holder, revision uint64) (uint64, error) {
	if err := a.reach(); err != nil {
		return 0, err
	}
	return a.change(self, revision)
}

func (a *at) Release(_ context.Context, _ string, revision uint64) error {
	if err := a.reach(); err != nil {
		return err
	}
	_, err := a.change(domain.Holder{}, revision)
	return err
}

// contender is a process that would follow the venue.
type contender struct {
	*ingest.Lease
	desk *at
	stop func()
}

func (d *desk) contender(id string) *contender {
	c := &contender{desk: &at{desk: d}}
	c.Lease = ingest.NewLease(ingest.LeaseConfig{Log: slog.New(slog.DiscardHandler)}, "test", domain.Holder{ID: id, Host: id, PID: 1}, c.desk)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	c.stop = func() { cancel(); <-done }
	return c
}

func active(contenders ...*contender) (names string) {
	for _, c := range contenders {
		if holder, is := c.Holder(); is {
			names += holder.ID
		}
	}
	return names
}

// most is how long it may take until another process follows the venue.
const most = 5 * time.Second

func TestOneHoldsTheLeaseAndAnotherTakesOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(a *contender)
		within time.Duration
	}{
		"stopped":              {func(a *contender) { a.stop() }, 300 * time.Millisecond},
		"cut off from the log": {func(a *contender) { a.desk.set(true) }, most},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &desk{}
				a := d.contender("a")
				synctest.Wait()
				b, third := d.contender("b"), d.contender("c")
				defer b.stop()
				defer third.stop()
				time.Sleep(time.Hour)
				if got := active(a, b, third); got != "a" {
					t.Fatalf("active: %q", got)
				}
				if holder, _ := b.Holder(); holder.ID != "a" {
					t.Fatalf("b stands by for %+v", holder)
				}
				tenure, err := a.Await(t.Context())
				if err != nil || tenure.Err() != nil {
					t.Fatal(err, tenure.Err())
				}
				c.end(a)
				time.Sleep(c.within)
				synctest.Wait()
				if got := active(b, third); len(got) != 1 {
					t.Fatalf("active after %v: %q", c.within, got)
				}
				a.desk.set(false)
				time.Sleep(time.Second)
				synctest.Wait()
				if tenure.Err() == nil || active(a) != "" {
					t.Fatal("the old holder goes on")
				}
				a.stop()
			})
		})
	}
}

// While nobody reaches the log nobody can have taken over.
func TestAnOutageOfTheLogChangesNoHands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		a := d.contender("a")
		synctest.Wait()
		b := d.contender("b")
		defer a.stop()
		defer b.stop()
		for range 20 {
			time.Sleep(time.Minute)
			a.desk.set(true)
			b.desk.set(true)
			time.Sleep(10 * time.Minute)
			b.desk.set(false) // the one that stands by is back first
			time.Sleep(time.Second)
			a.desk.set(false)
		}
		time.Sleep(time.Minute)
		if got := active(a, b); got != "a" {
			t.Fatalf("active: %q", got)
		}
	})
}

// The first look goes by the log's clock: nobody waits for one that is long gone.
func TestWhoStartsLongAfterACrashTakesOverAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		if _, err := d.change(domain.Holder{ID: "gone"}, 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		a := d.contender("a")
		defer a.stop()
		synctest.Wait()
		if active(a) != "a" {
			t.Fatal("it waits")
		}
	})
}

func TestAwaitingALeaseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := ingest.NewLease(ingest.LeaseConfig{}, "test", domain.Holder{ID: "a"}, &at{desk: &desk{}})
	if _, err := l.Await(ctx); err == nil {
		t.Fatal("no error")
	}
}
