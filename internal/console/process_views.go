package console

import (
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

type processView struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"`
	Component  string            `json:"component"`
	Host       string            `json:"host"`
	PID        int               `json:"pid"`
	Status     string            `json:"status"`
	Message    string            `json:"message"`
	Health     string            `json:"health"`
	Started    *time.Time        `json:"started"`
	Heartbeat  *time.Time        `json:"heartbeat"`
	AgeMs      int64             `json:"age_ms"`
	IntervalMs int64             `json:"interval_ms"`
	Params     map[string]string `json:"params"`
}

func viewProcess(p domain.Process) processView {
	return processView{
		ID: p.ID, Type: string(p.Type), Component: p.Component, Host: p.Host, PID: p.PID, Status: string(p.Status), Message: p.Message,
		Health: string(p.Health), Started: moment(p.Started), Heartbeat: moment(p.Heartbeat), AgeMs: p.Age.Milliseconds(),
		IntervalMs: p.Interval.Milliseconds(), Params: object(p.Params),
	}
}

// object shows no names as an empty object, not as null.
func object(params map[string]string) map[string]string {
	if params == nil {
		return map[string]string{}
	}
	return params
}

type healthView struct {
	OK             bool          `json:"ok"`
	Time           *time.Time    `json:"time"`
	LogLatencyMs   float64       `json:"log_latency_ms"`
	RedisLatencyMs float64       `json:"redis_latency_ms"`
	Fresh          int           `json:"fresh"`
	Stale          int           `json:"stale"`
	Dead           int           `json:"dead"`
	Failed         int           `json:"failed"`
	Stopped        int           `json:"stopped"`
	Problems       []processView `json:"problems"`
}

func viewHealth(h domain.SystemHealth, servers client.Health) healthView {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	v := healthView{
		OK: h.OK(), Time: moment(h.Time), LogLatencyMs: ms(servers.Log), RedisLatencyMs: ms(servers.Redis),
		Fresh: h.Fresh, Stale: h.Stale, Dead: h.Dead, Failed: h.Failed, Stopped: h.Stopped, Problems: []processView{},
	}
	for _, p := range h.Problems {
		v.Problems = append(v.Problems, viewProcess(p))
	}
	return v
}

type broadcastView struct {
	ID   string            `json:"id"`
	Type string            `json:"type"`
	From string            `json:"from"`
	Text string            `json:"text"`
	Data map[string]string `json:"data"`
	Time *time.Time        `json:"time"`
}

func viewBroadcast(b domain.Broadcast) broadcastView {
	return broadcastView{ID: b.ID, Type: string(b.Type), From: b.From, Text: b.Text, Data: object(b.Data), Time: moment(b.Time)}
}

type venueErrorView struct {
	Exchange string     `json:"exchange"`
	Text     string     `json:"text"`
	Time     *time.Time `json:"time"`
}

func viewVenueError(e domain.VenueError) venueErrorView {
	return venueErrorView{Exchange: e.Exchange, Text: e.Text, Time: moment(e.Time)}
}
