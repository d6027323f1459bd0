package cachestore

import "github.com/fullon/fullon/domain"

// The hash tags of what is written to Redis directly, not folded. Streams of
// the log never have these names.
const (
	processesTag   = "PROCESSES"
	venueErrorsTag = "VENUE_ERRORS"
	ratesTag       = "RATES"
)

// tag is the prefix and the hash tag of keys that share a slot.
func (s *Store) tag(name string) string { return s.cfg.Prefix + "{" + name + "}:" }

func (s *Store) identityKey() string { return s.tag(processesTag) + "identity" }

func (p *Processes) key(suffix string) string { return p.tag + suffix }

func (p *Processes) paramsKey(id string) string { return p.key("params:" + id) }

func (p *Processes) broadcastsKey(t domain.ProcessType) string {
	return p.key("broadcasts:" + string(t))
}

func (v *VenueErrors) key(exchange string) string { return v.tag + exchange }
