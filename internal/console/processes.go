package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

var processColumns = []table.Column{
	{Title: "ID"}, {Title: "TYPE"}, {Title: "COMPONENT"}, {Title: "HOST"}, {Title: "PID", Align: table.Right},
	{Title: "STATUS"}, {Title: "HEALTH"}, {Title: "AGE", Align: table.Right}, {Title: "MESSAGE"},
}

func processRow(p domain.Process) []string {
	return []string{
		p.ID, string(p.Type), p.Component, p.Host, strconv.Itoa(p.PID), string(p.Status), string(p.Health), age(p.Age), oneLine(p.Message),
	}
}

// Processes prints the processes that the filter takes. The error matches
// domain.ErrNotFound when there is none.
func (c Console) Processes(ctx context.Context, filter client.ProcessFilter) error {
	processes, err := c.Client.Processes.Active(ctx, filter)
	if err != nil {
		return err
	}
	if len(processes) == 0 {
		return fmt.Errorf("such processes: %w", domain.ErrNotFound)
	}
	return list(c.Printer, processes, func(p domain.Process) any { return viewProcess(p) }, processColumns, processRow)
}

// Process prints all that is known of one process. The error matches
// domain.ErrNotFound.
func (c Console) Process(ctx context.Context, id string) error {
	p, err := c.Client.Processes.Get(ctx, id)
	if err != nil {
		return err
	}
	if c.Printer.JSON {
		return c.Printer.object(viewProcess(p))
	}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
	lines := [][2]string{
		{"id", p.ID}, {"type", string(p.Type)}, {"component", p.Component}, {"host", p.Host}, {"pid", strconv.Itoa(p.PID)},
		{"status", string(p.Status)}, {"message", oneLine(p.Message)}, {"health", string(p.Health)}, {"started", at(p.Started)},
		{"heartbeat", at(p.Heartbeat) + ", " + age(p.Age) + " ago, every " + p.Interval.String()},
	}
	for _, name := range names(p.Params) {
		lines = append(lines, [2]string{name, oneLine(p.Params[name])})
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(c.Printer.Out, strings.TrimRight(fmt.Sprintf("%-10s  %s", line[0], line[1]), " ")); err != nil {
			return err
		}
	}
	return nil
}

// ErrUnhealthy says that a server or a process is not well.
var ErrUnhealthy = errors.New("not healthy")

// Health prints how the servers answer and how the processes are. The error
// matches ErrUnhealthy, or is that of the server that does not answer.
func (c Console) Health(ctx context.Context) error {
	servers := c.Client.Health(ctx)
	if err := servers.Err(); err != nil {
		return err
	}
	h, err := c.Client.Processes.SystemHealth(ctx)
	if err != nil {
		return err
	}
	if c.Printer.JSON {
		err = c.Printer.object(viewHealth(h, servers))
	} else {
		err = c.health(h, servers)
	}
	if err == nil && !h.OK() {
		err = fmt.Errorf("%w: of the processes %d are stale, %d dead, %d failed", ErrUnhealthy, h.Stale, h.Dead, h.Failed)
	}
	return err
}

func (c Console) health(h domain.SystemHealth, servers client.Health) error {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }
	if _, err := fmt.Fprintf(c.Printer.Out, "log        answers in %s\nredis      answers in %s\nprocesses  %d fresh, %d stale, %d dead, %d failed, %d stopped\n",
		ms(servers.Log), ms(servers.Redis), h.Fresh, h.Stale, h.Dead, h.Failed, h.Stopped); err != nil {
		return err
	}
	if len(h.Problems) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(c.Printer.Out); err != nil {
		return err
	}
	return list(c.Printer, h.Problems, func(p domain.Process) any { return viewProcess(p) }, processColumns, processRow)
}

// DeleteProcess forgets a process. The error matches domain.ErrNotFound.
func (c Console) DeleteProcess(ctx context.Context, id string) error {
	if err := c.Client.Processes.Remove(ctx, id); err != nil {
		return err
	}
	return c.deleted(1, "process")
}

// DeleteDeadProcesses forgets those that have stopped or are dead.
func (c Console) DeleteDeadProcesses(ctx context.Context) error {
	n, err := c.Client.Processes.CleanUp(ctx, 0)
	if err != nil {
		return err
	}
	return c.deleted(n, "processes")
}

// Clear deletes everything that the deployment has in Redis.
func (c Console) Clear(ctx context.Context, confirm string) error {
	n, err := c.Client.Clear(ctx, confirm)
	if err != nil {
		return err
	}
	return c.deleted(n, "keys")
}

func (c Console) deleted(n int, what string) error {
	if c.Printer.JSON {
		return c.Printer.object(struct {
			Deleted int `json:"deleted"`
		}{n})
	}
	_, err := fmt.Fprintf(c.Printer.Out, "deleted %d %s\n", n, what)
	return err
}

func names(params map[string]string) []string {
	out := make([]string, 0, len(params))
	for name := range params {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// oneLine keeps what others wrote from breaking a table.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
