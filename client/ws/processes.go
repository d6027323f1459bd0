package ws

import (
	"context"
	"iter"
	"time"

	"github.com/fullon/fullon/domain"
)

// Processes is who runs in the deployment. Errors are as in package client.
type Processes struct{ client *Client }

// processView is a process as the protocol has it.
type processView struct {
	ID        string            `json:"process_id"`
	Type      string            `json:"process_type"`
	Component string            `json:"name"`
	Host      string            `json:"host"`
	PID       int               `json:"pid"`
	Status    string            `json:"status"`
	Health    string            `json:"health"`
	Message   string            `json:"message"`
	Started   seconds           `json:"started"`
	Heartbeat seconds           `json:"last_seen"`
	Params    map[string]string `json:"params"`
	Interval  float64           `json:"interval"`
}

func processes(views []processView, at time.Time) []domain.Process {
	out := make([]domain.Process, len(views))
	for i, v := range views {
		out[i] = domain.Process{
			ID: v.ID, Type: domain.ProcessType(v.Type), Component: v.Component, Host: v.Host, PID: v.PID, Interval: duration(v.Interval),
			Status: domain.ProcessStatus(v.Status), Message: v.Message, Params: v.Params, Started: v.Started.Time, Heartbeat: v.Heartbeat.Time,
			Age: max(0, at.Sub(v.Heartbeat.Time)), Health: domain.ProcessHealth(v.Health),
		}
	}
	return out
}

// Register makes a process known, as running, and returns it with the ID that the
// server gave it and the Interval in which it has to call Heartbeat.
func (p *Processes) Register(ctx context.Context, process domain.Process) (domain.Process, error) {
	v, err := get[struct {
		ID       string `json:"process_id"`
		Interval float64
	}](ctx, p.client, "register_process", map[string]any{
		"process_type": process.Type, "component": process.Component, "host": process.Host, "pid": process.PID,
		"interval": span(process.Interval), "message": process.Message, "params": process.Params,
	})
	process.ID, process.Interval, process.Status = v.ID, duration(v.Interval), domain.ProcessRunning
	return process, err
}

// Heartbeat says that a process is alive. The error matches domain.ErrNotFound for
// one that is not known any more: register it again.
func (p *Processes) Heartbeat(ctx context.Context, id string) error {
	return p.client.Call(ctx, "process_heartbeat", map[string]any{"process_id": id}, nil)
}

// Say is Heartbeat with a message for people.
func (p *Processes) Say(ctx context.Context, id, message string) error {
	return p.client.Call(ctx, "process_heartbeat", map[string]any{"process_id": id, "message": message}, nil)
}

// Stop says that a process has stopped.
func (p *Processes) Stop(ctx context.Context, id, message string) error {
	return p.client.Call(ctx, "stop_process", map[string]any{"process_id": id, "message": message}, nil)
}

// ProcessFilter chooses processes; the zero value takes all that have not stopped.
type ProcessFilter struct {
	Type      domain.ProcessType // empty: all
	Component string             // empty: all
	Since     time.Duration      // only those with a heartbeat within it; zero: all
}

// Active reads the processes that the filter takes. Age is by this machine's
// clock, Health by the server's.
func (p *Processes) Active(ctx context.Context, filter ProcessFilter) ([]domain.Process, error) {
	v, err := get[struct{ Processes []processView }](ctx, p.client, "get_active_processes", map[string]any{
		"process_type": filter.Type, "component": filter.Component, "since_minutes": filter.Since.Minutes(),
	})
	return processes(v.Processes, time.Now()), err
}

// SystemHealth sums up the processes that have not stopped.
func (p *Processes) SystemHealth(ctx context.Context) (domain.SystemHealth, error) {
	all, err := p.Active(ctx, ProcessFilter{})
	if err != nil {
		return domain.SystemHealth{}, err
	}
	return domain.SumUp(all, time.Now()), nil
}

// Watch yields the processes that have not stopped, all of them, and again
// whenever one comes, goes, or changes its status, health or message.
func (p *Processes) Watch(ctx context.Context) iter.Seq2[[]domain.Process, error] {
	return watch(ctx, p.client, watched[[]domain.Process]{
		operation: "stream_process_health",
		params:    func(uint64) map[string]any { return map[string]any{} },
		decode: func(_ *message, data []byte) ([]domain.Process, string, error) {
			var v struct {
				Processes []processView
				Timestamp seconds
			}
			err := decodeInto(data, &v)
			return processes(v.Processes, v.Timestamp.Time), "all", err
		},
	})
}
