package compose

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// privateLog is a connection to the log of an up that runs.
func (p *process) privateLog() *bus.Bus {
	p.t.Helper()
	_, line, _ := strings.Cut(p.out.String(), "nats://")
	address, _, _ := strings.Cut(line, " ")
	b, err := bus.Connect(p.t.Context(), bus.Config{URL: "nats://" + address, Log: testserver.Quiet()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(b.Close)
	return b
}

// endsRepartitioned checks that up ends with the reason, and that none of its parts
// waited for what can never be stored until it was too late to end well.
func (p *process) endsRepartitioned() {
	p.t.Helper()
	r := p.wait()
	if r.code != ExitFailed || !strings.Contains(r.stderr, "were repartitioned since this process began") || strings.Contains(r.stderr, "did not stop in time") {
		p.t.Errorf("up ended with %d:\n%s", r.code, r.stderr)
	}
}

// Its own log and Redis are there until the last kind of streams is moved, though
// the first one ends it.
func TestUpThatIsRepartitionedEndsWithTheReasonWhenItsServersAreNotNeededAnyMore(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	up := u.up("--symbols=BTC/USDT")
	b := up.privateLog()
	moves, err := b.PlanRepartition(t.Context(), 8, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Repartition(t.Context(), moves, func(context.Context, string) error { return nil }, func(step bus.RepartitionStep) {
		if step.Kind == "trades" && step.Doing == "create" {
			up.says("stay until the repartition is over")
		}
	})
	if err != nil {
		t.Error(err)
	}
	up.endsRepartitioned()
	up = u.up("--symbols=BTC/USDT")
	up.interrupt()
}

// A repartition of its own log that was given up is finished by the next up:
// without it nobody has that log.
func TestTheNextUpFinishesARepartitionOfItsOwnLog(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	up := u.up("--symbols=BTC/USDT")
	b := up.privateLog()
	moves, err := b.PlanRepartition(t.Context(), 8, []string{"ticks", "trades"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = b.Repartition(ctx, moves, func(context.Context, string) error { return nil }, func(step bus.RepartitionStep) {
		if step.Kind == "trades" && step.Doing == "switch" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	up.endsRepartitioned()
	up = u.start("fullon", "up", "--symbols=BTC/USDT")
	up.says("finishing the repartition of the trades from 4 to 8 partitions")
	up.says("sim BTC/USDT bid=6")
	b = up.privateLog()
	if err := b.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := bus.Layout{Ticks: 8, Trades: 8, Accounts: 4, Generation: bus.Generation{Ticks: 1, Trades: 1}}
	if l := b.Layout(); l != want {
		t.Errorf("%+v", l)
	}
	if _, err := b.LastTrade(t.Context(), "sim", "BTC/USDT"); err != nil && !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	up.interrupt()
}
