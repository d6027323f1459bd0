package compose

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const (
	// presenceInterval is how often a part says that it is alive, and looks
	// whether it is well.
	presenceInterval = 2 * time.Second
	// presenceTimeout bounds a request, and with it what Redis can delay the end.
	presenceTimeout = 500 * time.Millisecond
	// reportBuffer is how many errors of venues wait; further ones are dropped.
	reportBuffer = 100
)

// presence makes the parts of this process known to the deployment: each is
// registered, beats, says how it is doing and when it stops. All of it is best
// effort, over a connection of its own: nothing waits for it, and a process
// starts, works and stops the same while Redis is away.
type presence struct {
	log      *slog.Logger
	command  string
	store    *cachestore.Store
	failures *failures
	members  []*member
	params   map[string]string
	leaving  chan struct{}
	reports  chan domain.VenueError
	outage   outage
}

// member is a part that is registered as a process of its own.
type member struct {
	process domain.Process
	// look tells how the part is doing. It is called again and again.
	look func() (status domain.ProcessStatus, message string)
}

// withPresence wraps the modules of a process. The presence begins before them
// and ends after them, so that it shows how they start and stop.
func withPresence(cfg cachestore.Config, command string, modules ...fx.Option) fx.Option {
	cfg.Timeout, cfg.MaxConnections = presenceTimeout, 4
	return fx.Options(
		fx.Provide(func(s supervisor, log *slog.Logger) *presence {
			p := &presence{
				log: log, command: command, store: cachestore.Open(cfg), failures: s.Failures, params: map[string]string{"command": command},
				leaving: make(chan struct{}), reports: make(chan domain.VenueError, reportBuffer), outage: outage{log: log},
			}
			s.onStop(p.store.Close)
			s.run("presence", p.run)
			return p
		}),
		fx.Invoke(func(*presence) {}),
		fx.Options(modules...),
		fx.Invoke(func(s supervisor, p *presence, h *httpServer) {
			if addr := h.Addr(); addr != "" {
				p.params["http"] = addr
			}
			s.onStop(func() error { close(p.leaving); return nil })
		}),
	)
}

// add registers a part when the process starts.
func (p *presence) add(t domain.ProcessType, component string, params map[string]string, look func() (domain.ProcessStatus, string)) {
	p.addAs(client.NewProcessID(), t, component, params, look)
}

// addAs is add of a part that has its id already.
func (p *presence) addAs(id string, t domain.ProcessType, component string, params map[string]string, look func() (domain.ProcessStatus, string)) {
	p.members = append(p.members, &member{
		process: domain.Process{ID: id, Type: t, Component: component, Interval: presenceInterval, Params: params},
		look:    look,
	})
}

// report keeps an error of a venue for people. It does not block.
func (p *presence) report(exchange, text string) {
	select {
	case p.reports <- domain.VenueError{Exchange: exchange, Text: text}:
	default:
	}
}

// run is the presence of all parts until ctx ends, and the word that they have
// stopped.
func (p *presence) run(ctx context.Context) error {
	processes, venueErrors := client.NewProcesses(p.store), client.NewVenueErrors(p.store)
	var group sync.WaitGroup
	for _, m := range p.members {
		for name, value := range p.params {
			m.process.Params[name] = value
		}
		group.Go(func() { p.show(ctx, processes, m) })
	}
	group.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-p.reports:
				p.outage.note(venueErrors.Push(ctx, r.Exchange, r.Text))
			}
		}
	})
	group.Wait()
	return nil
}

// show is the presence of one part.
func (p *presence) show(ctx context.Context, processes *client.Processes, m *member) {
	ticker := time.NewTicker(presenceInterval)
	defer ticker.Stop()
	var registration *client.Registration
	for registration == nil {
		r, err := processes.Register(ctx, m.process)
		p.outage.note(err)
		if err == nil {
			registration = r
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		if err := registration.Run(ctx, p.outage.note); err != nil {
			p.log.Warn("somebody declared this process stopped; it goes on without being seen", "id", registration.ID(), "error", err)
		}
	}()
	p.follow(ctx, registration, m, ticker.C)
	<-beating
	p.stop(registration)
}

// follow says how the part is doing whenever that changes.
func (p *presence) follow(ctx context.Context, registration *client.Registration, m *member, again <-chan time.Time) {
	var said domain.ProcessChange
	leaving := p.leaving
	for {
		var now domain.ProcessChange
		if leaving == nil {
			now.Status = domain.ProcessStopping
		} else {
			now.Status, now.Message = m.look()
		}
		if now.Status != said.Status || now.Message != said.Message {
			err := registration.Update(ctx, now)
			p.outage.note(err)
			if err == nil {
				said = now
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-leaving:
			leaving = nil
		case <-again:
		}
	}
}

// stop says that the part has stopped, and why if it did not mean to.
func (p *presence) stop(registration *client.Registration) {
	message := ""
	if err := p.failures.err(); err != nil {
		message = oneLine(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), presenceTimeout)
	defer cancel()
	if err := registration.Stop(ctx, message); err != nil {
		p.log.Debug("nobody is told that this process has stopped", "error", err)
	}
}

// outage tells once when Redis goes away and once when it is back.
type outage struct {
	log *slog.Logger

	mu   sync.Mutex
	away bool
}

func (o *outage) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if away := errors.Is(err, domain.ErrUnreachable); away != o.away {
		o.away = away
		if away {
			o.log.Warn("Redis is away: others cannot see this process until it is back", "error", err)
		} else {
			o.log.Info("Redis is back: others see this process")
		}
	} else if err != nil && !away {
		o.log.Warn("others are not told how this process is doing", "error", err)
	}
}
