package domain

import "time"

// ProcessHealth is what others make of a process's heartbeats.
type ProcessHealth string

// The healths. They say nothing about the work: see ProcessStatus.
const (
	ProcessFresh ProcessHealth = "fresh" // it beats
	ProcessStale ProcessHealth = "stale" // heartbeats are missing
	ProcessDead  ProcessHealth = "dead"  // it stopped, or so many are missing that it must be taken for dead
)

// A process is fresh for FreshIntervals of its own intervals after a heartbeat
// (one may be late), stale for StaleIntervals, then dead.
const (
	FreshIntervals = 2
	StaleIntervals = 5
)

// HealthAt judges the process by its own interval. A heartbeat from the future,
// which a clock that was set back leaves, is fresh.
func (p Process) HealthAt(now time.Time) ProcessHealth {
	age := now.Sub(p.Heartbeat)
	switch {
	case p.Status == ProcessStopped, age > StaleIntervals*p.Interval:
		return ProcessDead
	case age > FreshIntervals*p.Interval:
		return ProcessStale
	}
	return ProcessFresh
}

// SystemHealth sums up the processes of a deployment.
type SystemHealth struct {
	Time    time.Time // when it was so
	Fresh   int
	Stale   int
	Dead    int // dead without having stopped
	Stopped int // not counted in Dead
	Failed  int // of the fresh and the stale ones: cannot do their work
	// Problems are the processes that are stale, dead without having stopped, or
	// failed, in the order given.
	Problems []Process
}

// OK tells whether nothing is wrong with any process. It is true when there is
// none.
func (h SystemHealth) OK() bool { return len(h.Problems) == 0 }

// SumUp judges all processes at now.
func SumUp(processes []Process, now time.Time) SystemHealth {
	h := SystemHealth{Time: now}
	for _, p := range processes {
		if p.Status == ProcessStopped {
			h.Stopped++
			continue
		}
		failed := false
		health := p.HealthAt(now)
		switch health {
		case ProcessFresh:
			h.Fresh++
		case ProcessStale:
			h.Stale++
		case ProcessDead:
			h.Dead++
		}
		if p.Status == ProcessFailed && health != ProcessDead {
			failed = true
			h.Failed++
		}
		if failed || health != ProcessFresh {
			h.Problems = append(h.Problems, p)
		}
	}
	return h
}

// ProcessMetrics counts the processes that are kept.
type ProcessMetrics struct {
	Registered uint64 // registrations since Redis was last empty
	Kept       int    // processes that are kept, those that ended too
	ByType     map[ProcessType]int
	ByStatus   map[ProcessStatus]int
	ByHealth   map[ProcessHealth]int
	Broadcasts map[ProcessType]int // messages that are kept
}
