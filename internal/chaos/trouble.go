package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/internal/servers"
)

const (
	// mendLimit bounds how long a lane waits until what it broke is whole again.
	mendLimit = 30 * time.Second
	// stopLimit is how long a process has that is told to end.
	stopLimit = 10 * time.Second
)

// trouble does what a schedule says.
type trouble struct {
	*deployment
	load  *load
	begun time.Time

	mu    sync.Mutex
	wrong []string
}

func (x *trouble) complain(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.wrong = append(x.wrong, fmt.Sprintf(format, args...))
}

// say prints what is done, and when.
func (x *trouble) say(format string, args ...any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, _ = fmt.Fprintf(x.cfg.Out, "  %6.2fs %s\n", time.Since(x.begun).Seconds(), fmt.Sprintf(format, args...))
}

// run does all of it, each lane one thing after the other.
func (x *trouble) run(ctx context.Context, schedule []action) {
	var lanes conc.WaitGroup
	defer lanes.Wait()
	for _, d := range decks {
		lanes.Go(func() {
			for _, a := range schedule {
				if a.Lane != d.lane {
					continue
				}
				if !rest(ctx, time.Until(x.begun.Add(a.At))) || time.Since(x.begun) > x.cfg.For {
					return
				}
				x.do(ctx, a)
			}
		})
	}
}

func (x *trouble) do(ctx context.Context, a action) {
	switch a.Lane {
	case logLane:
		x.breakNode(ctx, a)
	case cacheLane:
		x.breakRedis(ctx, a)
	case processLane:
		x.breakProcess(ctx, a)
	case linkLane:
		x.breakLinks(ctx, a)
	}
}

// breakNode breaks one server of the log, and waits until it is whole again: so
// at most one is away at a time.
func (x *trouble) breakNode(ctx context.Context, a action) {
	i := a.Target % len(x.nats.Nodes)
	if a.Kind == leaderKilled {
		streams := allStreams()
		stream := streams[a.Target%len(streams)]
		if leader := x.nats.Leader(ctx, stream); leader >= 0 {
			i = leader
		}
		x.say("%s: %s of %s, for %v", a.Kind, x.nats.Nodes[i].Name, stream, a.For)
	} else {
		x.say("%s: %s, for %v", a.Kind, x.nats.Nodes[i].Name, a.For)
	}
	node := x.nats.Nodes[i]
	switch a.Kind {
	case nodeKilled, leaderKilled:
		node.Kill()
		rest(ctx, a.For)
		x.restart(node.Process)
	case nodePaused:
		node.Pause()
		rest(ctx, a.For)
		node.Resume()
	case nodeIsolated:
		for _, link := range node.Links() {
			link.Hold()
		}
		rest(ctx, a.For)
		for _, link := range node.Links() {
			link.Heal()
		}
	}
	x.whole(ctx, "the log", x.nats.Serving)
}

// whole waits until something serves again.
func (x *trouble) whole(ctx context.Context, what string, serving func(context.Context) error) {
	limited, cancel := context.WithTimeout(ctx, mendLimit)
	defer cancel()
	if err := serving(limited); err != nil && ctx.Err() == nil {
		x.complain("%s does not serve %v after it was mended: %v", what, mendLimit, err)
	}
}

func (x *trouble) restart(p *servers.Process) {
	if err := p.Start(); err != nil {
		x.complain("%v", err)
	}
}

// breakRedis breaks one node of Redis, or empties it.
func (x *trouble) breakRedis(ctx context.Context, a action) {
	shard := a.Target % redisMasters
	m, r := x.redis.Shard(ctx, shard)
	if m < 0 || r < 0 {
		x.say("%s: not done, shard %d is not whole", a.Kind, shard)
		x.whole(ctx, "Redis", x.redis.Serving)
		return
	}
	master, replica := x.redis.Nodes[m], x.redis.Nodes[r]
	x.say("%s: %s of shard %d, for %v", a.Kind, master.Name, shard, a.For)
	switch a.Kind {
	case masterKilled, replicaKilled:
		node := master
		if a.Kind == replicaKilled {
			node = replica
		}
		node.Kill()
		rest(ctx, a.For)
		x.restart(node.Process)
	case masterRestarted:
		master.Kill()
		x.restart(master.Process)
	case masterPaused:
		master.Pause()
		rest(ctx, a.For)
		master.Resume()
	case masterIsolated:
		x.redis.Isolate(m)
		rest(ctx, a.For)
		x.redis.Heal()
	case masterHeld:
		master.Clients().Hold()
		rest(ctx, a.For)
		master.Clients().Heal()
	case masterReplaced:
		if err := replica.FailOver(ctx); err != nil {
			x.say("%s: refused: %v", a.Kind, err)
		}
	case shardWiped:
		x.wipe(ctx, master)
	case allWiped:
		for shard := range redisMasters {
			if m, _ := x.redis.Shard(ctx, shard); m >= 0 {
				x.wipe(ctx, x.redis.Nodes[m])
			}
		}
	}
	x.whole(ctx, "Redis", x.redis.Serving)
}

func (x *trouble) wipe(ctx context.Context, node *servers.RedisNode) {
	if err := node.Wipe(ctx); err != nil && ctx.Err() == nil {
		x.say("%s was not wiped: %v", node.Name, err)
	}
}

// wipeResting takes the partitions away that nothing is published to.
func (x *trouble) wipeResting(ctx context.Context) error {
	x.say("%s", restingWiped)
	for _, stream := range [...]string{bus.TickStream(0), bus.TradeStream(0), bus.AccountStream(0)} {
		if err := x.redis.DeleteTag(ctx, stream); err != nil {
			return err
		}
	}
	return nil
}

// breakProcess breaks one of our own processes.
func (x *trouble) breakProcess(ctx context.Context, a action) {
	p := x.projectors[a.Target%projectors]
	switch a.Kind {
	case workerKilled, workerPaused:
		p = x.workers[a.Target%workers]
	}
	x.say("%s: %s, for %v", a.Kind, p.Name, a.For)
	switch a.Kind {
	case projectorKilled, workerKilled:
		p.kill()
		rest(ctx, a.For/4)
		x.raise(p)
	case projectorPaused, workerPaused:
		p.Pause()
		rest(ctx, a.For)
		p.Resume()
	case projectorStopped:
		p.down.Store(true)
		x.end(p)
		x.raise(p)
	case projectorsKilled, streamReplaced:
		for _, p := range x.projectors {
			p.kill()
		}
		if a.Kind == streamReplaced {
			x.replaceStream(ctx)
		} else {
			rest(ctx, a.For)
		}
		for _, p := range x.projectors {
			x.raise(p)
		}
	case venueCut:
		x.venue.Cut()
	}
}

// end tells a program to end, which it must do in time.
func (x *trouble) end(p *program) {
	code, err := p.Terminate(stopLimit)
	if err != nil || !slices.Contains([]int{exitOK, exitSignal, exitUnreachable, exitNotFound}, code) {
		x.complain("%s was told to end: exit code %d (%v)", p.Name, code, err)
	}
}

// replaceStream takes a stream away and lets another with the same name take its
// place, that has more than the one before: what a backup does that is
// restored while the projectors are away.
func (x *trouble) replaceStream(ctx context.Context) {
	// Longer than anything else is broken.
	limited, cancel := context.WithTimeout(ctx, x.cfg.For+settleLimit)
	defer cancel()
	series := x.load.replaced
	series.halt()
	defer series.resume()
	begun := time.Now()
	err := x.nats.DeleteStream(limited, replacedStream)
	deleted := time.Since(begun)
	if err == nil {
		series.forget()
		err = x.provision(limited)
	}
	provisioned := time.Since(begun)
	if err == nil {
		err = x.load.refill(limited, series)
	}
	x.say("%s was deleted after %v, there again after %v, and filled after %v", replacedStream, deleted.Round(time.Millisecond),
		provisioned.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
	if err != nil && ctx.Err() == nil {
		x.complain("%s was not created anew: %v", replacedStream, err)
	}
}

// breakLinks cuts one of those who use the log off from it.
func (x *trouble) breakLinks(ctx context.Context, a action) {
	user := a.Target % linkUsers
	x.say("%s: user %d, for %v", a.Kind, user, a.For)
	for _, way := range x.links[user] {
		if a.Kind == linkCut {
			way.Cut()
		} else {
			way.Hold()
		}
	}
	rest(ctx, a.For)
	for _, way := range x.links[user] {
		way.Heal()
	}
}

// heal makes everything whole again.
func (x *trouble) heal(ctx context.Context) error {
	x.venue.Faulty(0)
	for _, ways := range x.links {
		for _, way := range ways {
			way.Heal()
		}
	}
	x.redis.Heal()
	var all []*servers.Process
	for _, p := range x.programs() {
		all = append(all, p.Process)
	}
	for _, node := range x.nats.Nodes {
		for _, link := range node.Links() {
			link.Heal()
		}
		all = append(all, node.Process)
	}
	for _, node := range x.redis.Nodes {
		all = append(all, node.Process)
	}
	for _, p := range all {
		p.Resume()
		x.restart(p)
	}
	if err := x.nats.Serving(ctx); err != nil {
		return err
	}
	return x.redis.Serving(ctx)
}
