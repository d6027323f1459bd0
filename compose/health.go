package compose

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/projector"
)

// parts is what a process has of the system; absent parts are nil.
type parts struct {
	fx.In

	Log        *slog.Logger
	Bus        *bus.Bus             `optional:"true"`
	Store      *cachestore.Store    `optional:"true"`
	Projector  *projector.Projector `optional:"true"`
	Feed       *ingest.Feed         `optional:"true"`
	Lease      *ingest.Lease        `optional:"true"`
	Publishers *publishers          `optional:"true"`
	Gateway    *gatewayServer       `optional:"true"`
}

// health is the body of /healthz.
type health struct {
	Status     string            `json:"status"` // "ok" or "degraded"
	Log        *serverHealth     `json:"log,omitempty"`
	Redis      *serverHealth     `json:"redis,omitempty"`
	Feeds      []feedHealth      `json:"feeds,omitempty"`
	Partitions []partitionHealth `json:"partitions,omitempty"`
	Publishing *publishingHealth `json:"publishing,omitempty"`
	Problems   []string          `json:"problems,omitempty"`
}

type serverHealth struct {
	LatencyMs float64 `json:"latency_ms"`
	Error     string  `json:"error,omitempty"`
}

type feedHealth struct {
	Exchange string `json:"exchange"`
	State    string `json:"state"`
}

type partitionHealth struct {
	Stream    string `json:"stream"`
	Owner     string `json:"owner"` // host and process id; empty: nobody says that it folds the stream
	Held      bool   `json:"held"`  // by this process
	Sequence  uint64 `json:"sequence"`
	Attached  bool   `json:"attached"`
	TroubleMs int64  `json:"trouble_ms,omitempty"`
}

type publishingHealth struct {
	Waiting int `json:"waiting"`
}

const healthTimeout = 2 * time.Second

// serveHealth answers 200 when all is well, else 503, with what is wrong.
func (p parts) serveHealth(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	h := p.health(ctx)
	code := http.StatusOK
	if h.Status != "ok" {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, h)
}

func (p parts) health(ctx context.Context) health {
	h := health{Status: "ok"}
	problem := func(text string) { h.Status, h.Problems = "degraded", append(h.Problems, text) }
	ask := func(name string, ping func(context.Context) (time.Duration, error)) *serverHealth {
		latency, err := ping(ctx)
		s := &serverHealth{LatencyMs: float64(latency.Microseconds()) / 1000}
		if err != nil {
			s.Error = err.Error()
			problem(name + " is unreachable")
		}
		return s
	}
	if p.Bus != nil {
		h.Log = ask("the log", p.Bus.Ping)
	}
	if p.Store != nil {
		h.Redis = ask("Redis", p.Store.Ping)
	}
	if p.Feed != nil {
		state := p.Feed.Stats().State.String()
		if holder, active := p.Lease.Holder(); !active && holder.ID != "" {
			state = "standby"
		}
		h.Feeds = append(h.Feeds, feedHealth{p.Feed.Exchange(), state})
		if state != domain.FeedLive.String() && state != "standby" {
			problem("the feed of " + p.Feed.Exchange() + " is " + state)
		}
	}
	if p.Projector != nil {
		for _, s := range p.Projector.Stats() {
			h.Partitions = append(h.Partitions, partitionHealth{s.Stream, s.Owner.Name(), s.Held, s.Sequence, s.Attached, s.Waiting.Milliseconds()})
			if s.Waiting > 0 {
				problem("projection of " + s.Stream + " waits for a server")
			}
			if s.RetentionUsed >= domain.RetentionAlarm {
				problem(fmt.Sprintf("projection of %s is behind by %.0f%% of what the log keeps", s.Stream, 100*s.RetentionUsed))
			}
		}
		if p.Projector.Sharing().CutOff > 0 {
			problem(cutOff)
		}
	}
	if p.Publishers != nil {
		ticks, events := p.Publishers.ticks.Stats(), p.Publishers.events.Stats()
		h.Publishing = &publishingHealth{Waiting: ticks.Waiting + events.Waiting}
	}
	return h
}
