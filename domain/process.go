package domain

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProcessType is what kind of work a process does.
type ProcessType string

// The types. The zero value is not a type.
const (
	ProcessIngest      ProcessType = "ingest"
	ProcessProjector   ProcessType = "projector"
	ProcessOrderWorker ProcessType = "orderworker"
	ProcessGateway     ProcessType = "gateway"
	ProcessBot         ProcessType = "bot"
	ProcessOther       ProcessType = "other"
)

// ProcessTypes lists all types.
func ProcessTypes() []ProcessType {
	return []ProcessType{ProcessIngest, ProcessProjector, ProcessOrderWorker, ProcessGateway, ProcessBot, ProcessOther}
}

// ParseProcessType reads the name of a type. The error is a *FieldError.
func ParseProcessType(text string) (ProcessType, error) {
	if t := ProcessType(text); slices.Contains(ProcessTypes(), t) {
		return t, nil
	}
	return "", Invalid("type", text, "ingest, projector, orderworker, gateway, bot or other")
}

// ProcessStatus is what a process says about itself.
type ProcessStatus string

// The statuses. A process may go from any of them to any other, but from
// stopped nowhere. Failed is a process that lives and cannot do its work at
// the moment; its message says why.
const (
	ProcessStarting ProcessStatus = "starting"
	ProcessRunning  ProcessStatus = "running"
	ProcessFailed   ProcessStatus = "failed"
	ProcessStopping ProcessStatus = "stopping"
	ProcessStopped  ProcessStatus = "stopped"
)

// ParseProcessStatus reads the name of a status. The error is a *FieldError.
func ParseProcessStatus(text string) (ProcessStatus, error) {
	switch s := ProcessStatus(text); s {
	case ProcessStarting, ProcessRunning, ProcessFailed, ProcessStopping, ProcessStopped:
		return s, nil
	}
	return "", Invalid("status", text, "starting, running, failed, stopping or stopped")
}

// Bounds of what is kept of a process.
const (
	MaxProcessMessageBytes = 512
	MaxProcessParams       = 128
	MaxProcessParamBytes   = 256
	// DefaultProcessInterval is how often a process beats that does not say.
	DefaultProcessInterval = 5 * time.Second
)

// Process is a running program, or a part of one, that tells others that it is
// alive.
type Process struct {
	ID        string // random; see NewProcessID of package client
	Type      ProcessType
	Component string        // free name of the work: "binance"; several processes may share it
	Host      string        // where it runs
	PID       int           // its process id there; zero: not known
	Interval  time.Duration // how often it beats, 1ms to 1h
	Status    ProcessStatus
	Message   string            // for people; belongs to the status
	Params    map[string]string // how it is set up; never credentials

	// Set by readers, from one clock: see package cachestore.
	Started   time.Time // when it was registered
	Heartbeat time.Time // when it last gave a sign of life
	Age       time.Duration
	Health    ProcessHealth
}

// Validate tells what is wrong with what a process says about itself. The error
// is a *FieldError, and never shows the value of a parameter.
func (p Process) Validate() error {
	if err := CheckProcessID(p.ID); err != nil {
		return err
	}
	if _, err := ParseProcessType(string(p.Type)); err != nil {
		return err
	}
	if err := checkName("component", p.Component); err != nil {
		return err
	}
	if p.Host != "" {
		if err := checkLine("host", p.Host, 255); err != nil {
			return err
		}
	}
	if p.PID < 0 {
		return Invalid("pid", "", "zero or more")
	}
	if p.Interval < time.Millisecond || p.Interval > time.Hour {
		return Invalid("interval", p.Interval.String(), "1ms to 1h")
	}
	if _, err := ParseProcessStatus(string(p.Status)); err != nil {
		return err
	}
	return ProcessChange{Message: p.Message, Params: p.Params}.Validate()
}

// ProcessChange is a change to a process; what it leaves out stays as it is.
type ProcessChange struct {
	// Status, or empty to keep it.
	Status ProcessStatus
	// Message replaces the present one if it is not empty, or if Status is not:
	// a new status without a message clears the old status's.
	Message string
	// Params to set; an empty value removes the parameter. Others stay.
	Params map[string]string
}

// SetsMessage tells whether the change replaces the message.
func (c ProcessChange) SetsMessage() bool { return c.Status != "" || c.Message != "" }

// Validate tells what is wrong with the change. The error is a *FieldError, and
// never shows the value of a parameter.
func (c ProcessChange) Validate() error {
	if c.Status != "" {
		if _, err := ParseProcessStatus(string(c.Status)); err != nil {
			return err
		}
	}
	if len(c.Message) > MaxProcessMessageBytes {
		return Invalid("message", c.Message, "at most 512 bytes")
	}
	return checkParams("params", c.Params)
}

// checkParams bounds named values that others can read.
func checkParams(field string, params map[string]string) error {
	if len(params) > MaxProcessParams {
		return Invalid(field, strconv.Itoa(len(params))+" names", "at most 128")
	}
	for name, value := range params {
		if err := checkName(field, name); err != nil {
			return err
		}
		if IsSecretName(name) {
			return Invalid(field, name, "no names of passwords, keys and secrets: what is stored here can be read by all")
		}
		if len(value) > MaxProcessParamBytes {
			return Invalid(field, name, "a value of at most 256 bytes")
		}
	}
	return nil
}

// CheckProcessID tells what is wrong with the id of a process. The error is a
// *FieldError.
func CheckProcessID(id string) error {
	ok := id != "" && len(id) <= MaxNameBytes
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = 'a' <= c && c <= 'z' || isDigit(c) || c == '-'
	}
	if !ok {
		return Invalid("id", id, "1 to 64 lower-case letters, digits and -")
	}
	return nil
}

// checkLine takes one line of text that is not empty.
func checkLine(field, value string, most int) error {
	if value == "" || len(value) > most || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Invalid(field, value, "one line of text that is not empty and not too long")
	}
	return nil
}
