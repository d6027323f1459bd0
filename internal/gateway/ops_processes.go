package gateway

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

func processOperations() []operation {
	return []operation{
		define(operation{name: "get_system_health", topic: topicProcesses, area: processes, about: "how the processes of the deployment are"}, getSystemHealth),
		define(operation{name: "get_active_processes", topic: topicProcesses, area: processes, about: "the processes that have not stopped"}, getProcesses),
		define(operation{name: "get_partitions", area: processes, about: "what the log holds of each partition, and how far Redis reflects it"}, getPartitions),
		define(operation{name: "register_process", area: processes, kind: writes, about: "makes a process known; then it beats"}, registerProcess),
		define(operation{name: "process_heartbeat", aliases: []string{"heartbeat"}, area: processes, kind: writes, about: "says that a process is alive"}, heartbeat),
		define(operation{name: "stop_process", area: processes, kind: writes, about: "says that a process has stopped"}, stopProcess),
		define(operation{name: "wait", area: processes, about: "waits until readers see what a write stored; TIMEOUT: not yet, ask again"}, wait),
		defineStream(operation{name: "stream_process_health", topic: topicProcesses, area: processes,
			about: "the processes and their health, looked at every second"}, []message{sent[ProcessesUpdate](processUpdate)}, streamProcesses),
	}
}

const processUpdate = "process_health_update"

// SystemHealth is how the processes of the deployment are.
type SystemHealth struct {
	Healthy        bool                       `json:"healthy"`
	TotalProcesses int                        `json:"total_processes"` // without those that stopped
	ByType         map[domain.ProcessType]int `json:"by_type"`
	ByStatus       map[string]int             `json:"by_status"`
	StaleProcesses []string                   `json:"stale_processes"` // dead ones too
	ErrorProcesses []string                   `json:"error_processes"`
}

func getSystemHealth(ctx context.Context, r *request, _ *noParams) (SystemHealth, error) {
	all, err := r.client().Processes.Active(ctx, client.ProcessFilter{})
	out := SystemHealth{
		Healthy: true, TotalProcesses: len(all), ByType: make(map[domain.ProcessType]int), ByStatus: make(map[string]int), StaleProcesses: []string{}, ErrorProcesses: []string{},
	}
	for _, p := range all {
		out.ByType[p.Type]++
		out.ByStatus[string(p.Status)]++
		if p.Health != domain.ProcessFresh {
			out.StaleProcesses = append(out.StaleProcesses, p.ID)
		}
		if p.Status == domain.ProcessFailed {
			out.ErrorProcesses = append(out.ErrorProcesses, p.ID)
		}
	}
	out.Healthy = len(out.StaleProcesses)+len(out.ErrorProcesses) == 0
	return out, err
}

type processesParams struct {
	ProcessType  string  `json:"process_type"`
	Component    string  `json:"component"`
	SinceMinutes float64 `json:"since_minutes"`
}

// Process is a process of the deployment.
type Process struct {
	ProcessID string            `json:"process_id"`
	Type      string            `json:"process_type"`
	Name      string            `json:"name"`
	Host      string            `json:"host"`
	PID       int               `json:"pid"`
	Status    string            `json:"status"`
	Health    string            `json:"health"` // fresh, stale or dead
	Message   string            `json:"message"`
	Started   Time              `json:"started"`
	LastSeen  Time              `json:"last_seen"`
	Params    map[string]string `json:"params"`
	Interval  float64           `json:"interval"` // seconds between heartbeats
}

func viewProcess(p domain.Process) Process {
	return Process{p.ID, string(p.Type), p.Component, p.Host, p.PID, string(p.Status), string(p.Health), p.Message, Time{p.Started}, Time{p.Heartbeat}, p.Params, p.Interval.Seconds()}
}

// Processes are processes of the deployment.
type Processes struct {
	Processes []Process `json:"processes"`
}

func getProcesses(ctx context.Context, r *request, p *processesParams) (Processes, error) {
	filter := client.ProcessFilter{Component: p.Component, Since: time.Duration(p.SinceMinutes * float64(time.Minute))}
	if p.ProcessType != "" {
		t, err := domain.ParseProcessType(p.ProcessType)
		if err != nil {
			return Processes{}, err
		}
		filter.Type = t
	}
	all, err := r.client().Processes.Active(ctx, filter)
	return viewProcesses(all), err
}

func viewProcesses(all []domain.Process) Processes {
	out := Processes{make([]Process, 0, len(all))}
	for _, p := range all {
		out.Processes = append(out.Processes, viewProcess(p))
	}
	slices.SortFunc(out.Processes, func(a, b Process) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ProcessID, b.ProcessID))
	})
	return out
}

// Partitions are the partitions of the log.
type Partitions struct {
	Partitions []Partition `json:"partitions"`
}

// Partition is what the log holds and how far Redis reflects it.
type Partition struct {
	Stream     string `json:"stream"`
	First      uint64 `json:"first"`
	Last       uint64 `json:"last"`
	Bytes      uint64 `json:"bytes"`
	Checkpoint uint64 `json:"checkpoint"`
	Lag        uint64 `json:"lag"` // messages
	Epoch      uint64 `json:"epoch"`
}

func getPartitions(ctx context.Context, r *request, _ *noParams) (Partitions, error) {
	all, err := r.client().Status(ctx)
	out := Partitions{make([]Partition, 0, len(all))}
	for _, s := range all {
		out.Partitions = append(out.Partitions, Partition{s.Stream, s.First, s.Last, s.Bytes, s.Checkpoint, s.Lag, s.Epoch})
	}
	return out, err
}

type waitParams struct {
	Stream   string `json:"stream" need:"yes"`
	Sequence uint64 `json:"sequence" need:"yes"`
}

func wait(ctx context.Context, r *request, p *waitParams) (Done, error) {
	err := r.client().Wait(ctx, domain.LogPosition{Stream: p.Stream, Seq: p.Sequence})
	return Done{err == nil}, err
}

type registerParams struct {
	ProcessType string            `json:"process_type"` // default bot
	Component   string            `json:"component" need:"yes"`
	Host        string            `json:"host"`
	PID         int               `json:"pid"`
	Interval    float64           `json:"interval"` // seconds between heartbeats; default 10
	Message     string            `json:"message"`
	Params      map[string]string `json:"params"`
}

// Registered is a process that was made known.
type Registered struct {
	ProcessID string  `json:"process_id"`
	Interval  float64 `json:"interval"` // seconds
}

func registerProcess(ctx context.Context, r *request, p *registerParams) (Registered, error) {
	if p.ProcessType == "" {
		p.ProcessType = string(domain.ProcessBot)
	}
	if p.Interval == 0 {
		p.Interval = 10
	}
	t, err := domain.ParseProcessType(p.ProcessType)
	if err != nil {
		return Registered{}, err
	}
	process := domain.Process{
		ID: client.NewProcessID(), Type: t, Component: p.Component, Host: p.Host, PID: p.PID, Interval: time.Duration(p.Interval * float64(time.Second)),
		Status: domain.ProcessRunning, Message: p.Message, Params: p.Params,
	}
	registration, err := r.client().Processes.Register(ctx, process)
	if err != nil {
		return Registered{}, err
	}
	return Registered{registration.ID(), registration.Interval().Seconds()}, nil
}

type processParams struct {
	ProcessID string `json:"process_id" need:"yes"`
	Message   string `json:"message"`
}

func heartbeat(ctx context.Context, r *request, p *processParams) (Done, error) {
	err := r.client().Processes.Heartbeat(ctx, p.ProcessID)
	if err == nil && p.Message != "" {
		err = r.client().Processes.Update(ctx, p.ProcessID, domain.ProcessChange{Message: p.Message})
	}
	return Done{err == nil}, notFound(err, "PROCESS_NOT_FOUND")
}

func stopProcess(ctx context.Context, r *request, p *processParams) (Done, error) {
	err := r.client().Processes.Stop(ctx, p.ProcessID, p.Message)
	return Done{err == nil}, notFound(err, "PROCESS_NOT_FOUND")
}

// ProcessesUpdate are the processes that have not stopped.
type ProcessesUpdate struct {
	ActiveProcesses int       `json:"active_processes"`
	Processes       []Process `json:"processes"`
	Timestamp       Time      `json:"timestamp"`
}

// processCheck is how often processes are looked at: their heartbeats are not in
// the log, so nobody tells of them.
const processCheck = time.Second

func streamProcesses(_ context.Context, r *request, _ *noParams) (*opening, error) {
	c := r.client()
	return &opening{sources: []source{{
		key: "processes", conflated: true, again: processCheck,
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			all, err := c.Processes.Active(ctx, client.ProcessFilter{})
			view := viewProcesses(all)
			return updatesOf([]Processes{view}, known,
				func(p *Processes) (string, uint64, any) { return "all", 0, healthMark(p.Processes) },
				func(p Processes) *update {
					return &update{name: processUpdate, view: ProcessesUpdate{len(p.Processes), p.Processes, Time{time.Now()}}}
				}), err
		},
	}}}, nil
}

// healthMark is what subscribers want to know of: not that time passes.
func healthMark(all []Process) any {
	type mark struct{ ID, Status, Health, Message string }
	marks := make([]mark, len(all))
	for i, p := range all {
		marks[i] = mark{p.ProcessID, p.Status, p.Health, p.Message}
	}
	return textMark(marks)
}
