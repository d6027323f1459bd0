package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

var (
	//go:embed scripts/processes_register.lua
	registerSource string
	//go:embed scripts/processes_update.lua
	updateSource string
	//go:embed scripts/processes_remove.lua
	removeSource string

	registerScript = newScript(registerSource)
	updateScript   = newScript(updateSource)
	removeScript   = newScript(removeSource)
)

// Processes is what Redis holds of the deployment's processes. Its methods are
// safe for concurrent use. Their errors match domain.ErrUnreachable, or
// domain.ErrUnknown for what is stored and cannot be read.
type Processes struct {
	store  *Store
	tag    string
	atOnce *gatherer
	clock  func() time.Time // nil: Redis's own
}

// Processes names the deployment's processes. It does no input or output.
func (s *Store) Processes() *Processes {
	return &Processes{store: s, tag: s.tag(processesTag), atOnce: s.gathererOf(true)}
}

// WithClock is the same processes by another clock than Redis's, which is for
// tests and for simulated time: all users of a deployment must agree on one.
func (p *Processes) WithClock(clock func() time.Time) *Processes {
	return &Processes{store: p.store, tag: p.tag, atOnce: p.atOnce, clock: clock}
}

// now is what scripts take for the present; nothing says that they ask Redis.
func (p *Processes) now() string {
	if p.clock == nil {
		return ""
	}
	return strconv.FormatInt(p.clock().UnixMicro(), 10)
}

// keys are the hashes that have a field for each process.
func (p *Processes) keys(more ...string) []string {
	return append([]string{p.key("about"), p.key("registered"), p.key("beats"), p.key("status"), p.key("message")}, more...)
}

// Register adds a process, which must be valid. To do it again with the same id
// changes nothing, so it may be repeated until it is acknowledged.
func (p *Processes) Register(ctx context.Context, process domain.Process) error {
	args := []any{process.ID, p.now(), wire.EncodeProcess(process), string(process.Status), process.Message}
	for name, value := range process.Params {
		if value != "" {
			args = append(args, name, value)
		}
	}
	keys := p.keys(p.key("registrations"), p.paramsKey(process.ID))
	if err := registerScript.Run(ctx, p.store.rdb, keys, args...).Err(); err != nil {
		return p.store.failed(ctx, "register process "+process.ID, err)
	}
	return nil
}

// Update changes what a valid change names and nothing else, and counts as a
// heartbeat; the zero change is one. The error matches domain.ErrNotFound for an
// id that is not there, and domain.ErrInvalid for a process that has stopped,
// which stays as it is, or one that would have too many parameters.
func (p *Processes) Update(ctx context.Context, id string, change domain.ProcessChange) error {
	setMessage := "0"
	if change.SetsMessage() {
		setMessage = "1"
	}
	args := []any{id, p.now(), string(change.Status), setMessage, change.Message, domain.MaxProcessParams}
	for name, value := range change.Params {
		args = append(args, name, value)
	}
	keys := []string{p.key("about"), p.key("beats"), p.key("status"), p.key("message"), p.paramsKey(id)}
	outcome, err := updateScript.Run(ctx, p.store.rdb, keys, args...).Text()
	if err != nil {
		return p.store.failed(ctx, "update process "+id, err)
	}
	switch outcome {
	case "ok":
		return nil
	case "absent":
		return fmt.Errorf("process %s: %w", id, domain.ErrNotFound)
	case "stopped":
		return domain.Invalid("process", id, "one that has not stopped")
	}
	return domain.Invalid("params", id, fmt.Sprintf("at most %d parameters", domain.MaxProcessParams))
}

// Get reads one process. The error matches domain.ErrNotFound for an id that is
// not there.
func (p *Processes) Get(ctx context.Context, id string) (domain.Process, error) {
	commands := make([]command, 0, 6)
	for _, key := range p.keys() {
		commands = append(commands, command{"hget", key, id})
	}
	r, now, err := p.read(ctx, "read process "+id, append(commands, command{"hgetall", p.paramsKey(id)})...)
	if err != nil {
		return domain.Process{}, err
	}
	defer r.release()
	record := processRecord{id: id}
	for _, into := range record.fields() {
		*into, _ = r.bytes()
	}
	params := r.pairs()
	if r.err != nil {
		return domain.Process{}, p.store.failed(ctx, "read process "+id, r.err)
	}
	if record.about == nil {
		return domain.Process{}, fmt.Errorf("process %s: %w", id, domain.ErrNotFound)
	}
	process, _, err := record.read(now)
	process.Params = params
	return process, err
}

// read carries out commands in one step, and gives the moment that it was. The
// caller releases the answer.
func (p *Processes) read(ctx context.Context, what string, commands ...command) (reply, time.Time, error) {
	var clock []command
	if p.clock == nil {
		clock = []command{{"time"}}
	}
	r, err := p.atOnce.read(ctx, clock, commands...)
	if err != nil {
		return r, time.Time{}, p.store.failed(ctx, what, err)
	}
	if p.clock != nil {
		return r, p.clock().UTC().Truncate(time.Microsecond), nil
	}
	now := r.moment()
	if r.err != nil {
		err = p.store.failed(ctx, what, r.err)
		r.release()
	}
	return r, now, err
}

// List reads all processes, also those that have stopped, in the order of their
// registration, and the moment that they are judged at.
func (p *Processes) List(ctx context.Context) ([]domain.Process, time.Time, error) {
	listed, now, err := p.list(ctx)
	if err != nil || len(listed) == 0 {
		return nil, now, err
	}
	commands := make([]command, len(listed))
	for i, l := range listed {
		commands[i] = command{"hgetall", p.paramsKey(l.process.ID)}
	}
	r, err := p.atOnce.read(ctx, nil, commands...)
	if err != nil {
		return nil, now, p.store.failed(ctx, "read the processes", err)
	}
	defer r.release()
	out := make([]domain.Process, len(listed))
	for i, l := range listed {
		out[i] = l.process
		out[i].Params = r.pairs()
	}
	if r.err != nil {
		return nil, now, p.store.failed(ctx, "read the processes", r.err)
	}
	return out, now, nil
}

// listedProcess is a process with what it is compared by.
type listedProcess struct {
	process domain.Process // without its parameters
	number  uint64         // of its registration
}

func (p *Processes) list(ctx context.Context) ([]listedProcess, time.Time, error) {
	commands := make([]command, 0, 5)
	for _, key := range p.keys() {
		commands = append(commands, command{"hgetall", key})
	}
	r, now, err := p.read(ctx, "read the processes", commands...)
	if err != nil {
		return nil, now, err
	}
	defer r.release()
	records := r.processes()
	if r.err != nil {
		return nil, now, p.store.failed(ctx, "read the processes", r.err)
	}
	out := make([]listedProcess, len(records))
	for i := range records {
		if out[i].process, out[i].number, err = records[i].read(now); err != nil {
			return nil, now, err
		}
	}
	slices.SortFunc(out, byNumber)
	return out, now, nil
}

// removeAtOnce bounds what one script removes.
const removeAtOnce = 500

// CleanUp removes the processes that are dead, be it that they stopped, and
// whose last heartbeat is at least age ago; it returns how many. One that beats
// meanwhile stays.
func (p *Processes) CleanUp(ctx context.Context, age time.Duration) (int, error) {
	dead, err := p.dead(ctx, age)
	if err != nil {
		return 0, err
	}
	return p.removeSeen(ctx, dead)
}

func (p *Processes) dead(ctx context.Context, age time.Duration) ([]listedProcess, error) {
	listed, _, err := p.list(ctx)
	return slices.DeleteFunc(listed, func(l listedProcess) bool {
		return l.process.Health != domain.ProcessDead || l.process.Age < age
	}), err
}

// removeSeen removes what has not beaten since it was looked at.
func (p *Processes) removeSeen(ctx context.Context, seen []listedProcess) (int, error) {
	removed := 0
	for chunk := range slices.Chunk(seen, removeAtOnce) {
		keys, args := p.keys(), make([]any, 0, 2*len(chunk))
		for _, l := range chunk {
			keys = append(keys, p.paramsKey(l.process.ID))
			args = append(args, l.process.ID, strconv.FormatInt(l.process.Heartbeat.UnixMicro(), 10))
		}
		n, err := removeScript.Run(ctx, p.store.rdb, keys, args...).Int()
		if err != nil {
			return removed, p.store.failed(ctx, "clean up processes", err)
		}
		removed += n
	}
	return removed, nil
}

// Remove removes a process, whatever it does. One that still runs registers
// itself again. The error matches domain.ErrNotFound for an id that is not
// there.
func (p *Processes) Remove(ctx context.Context, id string) error {
	n, err := removeScript.Run(ctx, p.store.rdb, p.keys(p.paramsKey(id)), id, "").Int()
	if err != nil {
		return p.store.failed(ctx, "remove process "+id, err)
	}
	if n == 0 {
		return fmt.Errorf("process %s: %w", id, domain.ErrNotFound)
	}
	return nil
}

// Metrics counts the processes that are kept.
func (p *Processes) Metrics(ctx context.Context) (domain.ProcessMetrics, error) {
	m := domain.ProcessMetrics{
		ByType: make(map[domain.ProcessType]int), ByStatus: make(map[domain.ProcessStatus]int),
		ByHealth: make(map[domain.ProcessHealth]int), Broadcasts: make(map[domain.ProcessType]int),
	}
	listed, _, err := p.list(ctx)
	if err != nil {
		return m, err
	}
	for _, l := range listed {
		m.Kept++
		m.ByType[l.process.Type]++
		m.ByStatus[l.process.Status]++
		m.ByHealth[l.process.Health]++
	}
	pipe := p.store.rdb.Pipeline()
	registrations := pipe.Get(ctx, p.key("registrations"))
	lengths := make(map[domain.ProcessType]*redis.IntCmd)
	for _, t := range domain.ProcessTypes() {
		lengths[t] = pipe.XLen(ctx, p.broadcastsKey(t))
	}
	_, _ = pipe.Exec(ctx) // gives the first error, which may only say that nobody registered yet
	if m.Registered, err = registrations.Uint64(); err != nil && err != redis.Nil {
		return m, p.store.failed(ctx, "count registrations", err)
	}
	for t, length := range lengths {
		n, err := length.Result()
		if err != nil {
			return m, p.store.failed(ctx, "count broadcasts", err)
		}
		m.Broadcasts[t] = int(n)
	}
	return m, nil
}
