package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
)

// run runs one seed and returns what was wrong. The error is of what kept it from
// coming to an end.
func run(ctx context.Context, cfg config) (wrong []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit+cfg.For+checkLimit, errors.New("the run does not come to its end"))
	defer cancel()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(cfg.Out, format+"\n", args...) }
	schedule := scheduleOf(cfg.Seed, cfg.For)
	say("seed %d, %v:", cfg.Seed, cfg.For)
	for _, a := range schedule {
		say("  %v", a)
	}
	begun := time.Now()
	d, err := deploy(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	u, err := d.users(ctx)
	if err != nil {
		return nil, err
	}
	l, r := newLoad(cfg.Seed, u.loadLog, u.loader), &readers{client: u.reader}
	r.load = l
	if err := l.fill(ctx); err != nil {
		return nil, fmt.Errorf("the first events: %w", err)
	}
	say("started after %v; done is:", time.Since(begun).Round(time.Millisecond))

	publishing, stopPublishing := context.WithCancel(ctx)
	defer stopPublishing()
	working, stopWorking := context.WithCancel(ctx)
	defer stopWorking()
	var publishers, others conc.WaitGroup
	var publishErr error
	publishers.Go(func() { publishErr = l.run(publishing, mendLimit) })
	others.Go(func() { l.orders.cancel(working) })
	others.Go(func() { r.run(working) })
	x := &trouble{deployment: d, load: l, begun: time.Now()}
	supervising, stopSupervising := context.WithCancel(ctx)
	defer stopSupervising()
	var supervisor conc.WaitGroup
	supervisor.Go(func() { x.supervise(supervising) })
	x.run(ctx, schedule)
	rest(ctx, time.Until(x.begun.Add(cfg.For)))

	healing := time.Now()
	err = x.heal(ctx)
	stopPublishing()
	publishers.Wait()
	c := &checker{deployment: d, load: l, client: u.reader, log: u.loadLog}
	if err == nil {
		err = errors.Join(publishErr, c.await(ctx))
	}
	if err == nil && rest(ctx, calm) {
		err = x.wipeResting(ctx)
	}
	if err == nil {
		err = c.await(ctx)
	}
	say("healed after %v", time.Since(healing).Round(time.Millisecond))
	stopWorking()
	others.Wait()
	stopSupervising()
	supervisor.Wait()
	c.wrong = append(c.wrong, x.wrong...)
	if err == nil {
		err = c.check(ctx)
	}
	close(l.orders.wrong)
	for text := range l.orders.wrong {
		c.complain("%s", text)
	}
	c.wrong = append(c.wrong, r.wrong...)
	say("%s", l.figures())
	say("%s", r.figures())
	for _, text := range c.figures {
		say("%s", text)
	}
	say("took %v", time.Since(begun).Round(time.Millisecond))
	return c.wrong, err
}

// calm is how long projectors have, once all is whole, to share the partitions
// again: whoever takes one over looks at its checkpoint, and only a probe is to
// notice what is done then.
const calm = 4 * time.Second

// users are the connections of this process, closed with the deployment.
type users struct {
	loadLog *bus.Bus
	loader  *client.Client
	reader  *client.Client
}

func (d *deployment) users(ctx context.Context) (u users, err error) {
	connect := func(links int) (*bus.Bus, *client.Client, error) {
		b, err := d.connect(ctx, urlOf(d.links[links]))
		if err != nil {
			return nil, nil, err
		}
		store := d.store()
		c := client.New(b, store)
		d.extra = append(d.extra, func() {
			c.Close()
			_ = store.Close()
			b.Close()
		})
		return b, c, nil
	}
	if u.loadLog, u.loader, err = connect(loadLinks); err == nil {
		_, u.reader, err = connect(readerLinks)
	}
	return u, err
}
