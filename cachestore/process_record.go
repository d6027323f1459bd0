package cachestore

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// processRecord is one process as it is stored, a field in each of five hashes.
type processRecord struct {
	id                                       string
	about, registered, beat, status, message []byte // of the reply
}

// fields are in the order of Processes.keys.
func (r *processRecord) fields() [5]*[]byte {
	return [5]*[]byte{&r.about, &r.registered, &r.beat, &r.status, &r.message}
}

// read decodes the record, judges it at now and gives the number of its
// registration. The error matches domain.ErrUnknown.
func (r *processRecord) read(now time.Time) (domain.Process, uint64, error) {
	process, err := wire.DecodeProcess(r.id, r.about)
	if err != nil {
		return process, 0, r.unknown(err)
	}
	numberText, startedText, _ := strings.Cut(string(r.registered), " ")
	number, err := strconv.ParseUint(numberText, 10, 64)
	if err != nil {
		return process, 0, r.unknown(err)
	}
	if process.Started, err = parseMicro(startedText); err != nil {
		return process, 0, r.unknown(err)
	}
	if process.Heartbeat, err = parseMicro(string(r.beat)); err != nil {
		return process, 0, r.unknown(err)
	}
	if process.Status, err = domain.ParseProcessStatus(string(r.status)); err != nil {
		return process, 0, r.unknown(err)
	}
	process.Message = string(r.message)
	process.Age = max(0, now.Sub(process.Heartbeat))
	process.Health = process.HealthAt(now)
	return process, number, nil
}

func (r *processRecord) unknown(err error) error {
	return fmt.Errorf("process %s: %w: %w", r.id, domain.ErrUnknown, err)
}

func byNumber(a, b listedProcess) int { return cmp.Compare(a.number, b.number) }

func parseMicro(text string) (time.Time, error) {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMicro(us).UTC(), nil
}

// processes reads the five hashes of all processes.
func (r *reply) processes() []processRecord {
	records := make([]processRecord, r.list()/2)
	for i := range records {
		records[i].id = r.text()
		records[i].about, _ = r.bytes()
	}
	for field := 1; field < 5; field++ {
		next := 0 // mostly, the hashes have the same order
		for range r.list() / 2 {
			id, _ := r.bytes()
			value, _ := r.bytes()
			for range records {
				i := next
				if next++; next == len(records) {
					next = 0
				}
				if records[i].id == string(id) {
					*records[i].fields()[field] = value
					break
				}
			}
		}
	}
	return records
}

// pairs makes a map of the alternating names and values that a script returns;
// nil when there are none.
func pairs(value any) map[string]string {
	list, _ := value.([]any)
	if len(list) < 2 {
		return nil
	}
	out := make(map[string]string, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		out[name], _ = list[i+1].(string)
	}
	return out
}
