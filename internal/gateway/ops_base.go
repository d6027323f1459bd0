package gateway

import (
	"context"
	"time"
)

func baseOperations() []operation {
	return []operation{
		define(operation{name: "ping", about: "answers"}, ping),
		define(operation{name: "health_check", area: processes, about: "asks the log and Redis for a sign of life"}, healthCheck),
		define(operation{name: "list_operations", about: "lists the operations"}, listOperations),
		define(operation{name: "authenticate", kind: writes, about: "gives the connection the rights of a token"}, authenticate),
		define(operation{name: "unsubscribe", kind: writes, about: "ends a stream of this connection"}, unsubscribe),
	}
}

// Pong is the answer to ping.
type Pong struct {
	Status string `json:"status"`
}

func ping(context.Context, *request, *noParams) (Pong, error) { return Pong{"ok"}, nil }

// ServerHealth is how the servers answer.
type ServerHealth struct {
	WebSocket PartHealth `json:"websocket"`
	Cache     PartHealth `json:"cache"`
	Log       PartHealth `json:"log"`
}

// PartHealth is how one of them does.
type PartHealth struct {
	Status      string   `json:"status"` // healthy or unreachable
	LatencyMs   *float64 `json:"latency_ms,omitempty"`
	Error       string   `json:"error,omitempty"`
	Timestamp   Time     `json:"timestamp"`
	Connections int      `json:"connections,omitempty"`
	Streams     int      `json:"streams,omitempty"`
}

func healthCheck(ctx context.Context, r *request, _ *noParams) (ServerHealth, error) {
	h, stats := r.client().Health(ctx), r.conn.server.Stats()
	now := Time{time.Now()}
	asked := func(latency time.Duration, err error) PartHealth {
		if err != nil {
			return PartHealth{Status: "unreachable", Error: textOf(err), Timestamp: now}
		}
		ms := float64(latency.Microseconds()) / 1000
		return PartHealth{Status: "healthy", LatencyMs: &ms, Timestamp: now}
	}
	return ServerHealth{
		WebSocket: PartHealth{Status: "healthy", Connections: stats.Connections, Streams: stats.Streams, Timestamp: now},
		Cache:     asked(h.Redis, h.RedisErr), Log: asked(h.Log, h.LogErr),
	}, nil
}

// Operations lists the operations.
type Operations struct {
	Operations []OperationInfo `json:"operations"`
}

// OperationInfo tells what an operation is.
type OperationInfo struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
	About   string   `json:"about"`
	Scope   string   `json:"scope"` // that it asks for; empty: none
	Allowed bool     `json:"allowed"`
	Stream  bool     `json:"stream"`
}

func listOperations(_ context.Context, r *request, _ *noParams) (Operations, error) {
	var out Operations
	for _, op := range r.conn.server.table.all {
		info := OperationInfo{Name: op.name, Aliases: append([]string{}, op.aliases...), About: op.about, Allowed: true, Stream: op.kind == stream}
		if op.area != anything {
			info.Scope, info.Allowed = op.scope(), r.rights.allow(op.scope(), r.received) == nil
		}
		out.Operations = append(out.Operations, info)
	}
	return out, nil
}

type tokenParams struct {
	Token string `json:"token" need:"yes"`
}

// Authenticated tells what a token is for.
type Authenticated struct {
	Name     string   `json:"name"`
	Scopes   []string `json:"scopes"`
	Accounts []string `json:"accounts"`
	Bots     []string `json:"bots"`
	Expires  Time     `json:"expires"`
}

func authenticate(_ context.Context, r *request, p *tokenParams) (Authenticated, error) {
	held, err := r.conn.server.gate.rightsOf(p.Token)
	if err != nil {
		return Authenticated{}, err
	}
	r.conn.rights.Store(held)
	return Authenticated{held.name, held.scopes, append([]string{}, held.accounts...), append([]string{}, held.bots...), Time{held.expires}}, nil
}

type streamParams struct {
	StreamKey string `json:"stream_key"`
	RequestID ID     `json:"request_id"`
}

// Unsubscribed is the answer to unsubscribe.
type Unsubscribed struct {
	StreamKey string `json:"stream_key"`
}

func unsubscribe(_ context.Context, r *request, p *streamParams) (Unsubscribed, error) {
	key := p.StreamKey
	if d, ok := r.dialect.(byTopic); ok && key == "" {
		key = d.connection + ":" + string(p.RequestID)
	} else if key == "" {
		key = string(p.RequestID)
	}
	return Unsubscribed{key}, notFound(r.conn.unsubscribe(key), "STREAM_NOT_FOUND")
}
