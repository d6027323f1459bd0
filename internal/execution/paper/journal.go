package paper

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A journal file is a line that says what it is and records: the length of the
// content and its CRC-32C, four bytes each in big endian, then the content. The
// first record is a header in JSON, each other one changes that were stored
// together, one after the other in the form of type form.
const (
	journalMagic = "fullon paper journal 2\n"
	// journalMagic1 begins a journal whose lists of changes are in JSON. It is
	// read, and written anew in the present form.
	journalMagic1 = "fullon paper journal 1\n"
	recordHead    = 8
	// maxRecord is where a list of changes goes on in another record, and as long
	// as a change may be. What reads longer than both together is garbage.
	maxRecord = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type journalHeader struct {
	Exchange string `json:"exchange"`
	Epoch    string `json:"epoch"`
}

// journal keeps an exchange's changes in a file. Not safe for concurrent use.
type journal struct {
	path    string
	sync    Sync
	compact int64
	header  journalHeader
	lock    *os.File
	file    *os.File
	size    int64
	base    int64 // the size after the last compaction
	buffer  []byte
}

// openJournal opens the journal of an exchange, or begins one with that epoch,
// hands every change in it to apply, and writes the file anew from what
// snapshot returns after that. A record that a killed process left incomplete,
// and garbage behind it, is dropped and counted in cut.
func openJournal(cfg Config, epoch string, apply func(change), snapshot func() []change) (_ *journal, cut int, err error) {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, 0, fmt.Errorf("paper journal: %w", err)
	}
	j := &journal{
		path: filepath.Join(cfg.Dir, cfg.Exchange+".paper"), sync: cfg.Sync, compact: cfg.CompactBytes,
		header: journalHeader{Exchange: cfg.Exchange, Epoch: epoch},
	}
	// Two processes that write one journal would ruin it; the system frees the
	// lock of one that was killed.
	if j.lock, err = os.OpenFile(j.path+".lock", os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, 0, fmt.Errorf("paper journal: %w", err)
	}
	defer func() {
		if err != nil {
			_ = j.close()
		}
	}()
	if err := syscall.Flock(int(j.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, 0, fmt.Errorf("paper journal %s: another process has it: %w", j.path, err)
	}
	data, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("paper journal: %w", err)
	}
	if err == nil {
		if cut, err = j.load(data, apply); err != nil {
			return nil, 0, fmt.Errorf("paper journal %s: %w", j.path, err)
		}
	}
	if err := j.rewrite(snapshot()); err != nil {
		return nil, 0, err
	}
	return j, cut, nil
}

// load reads what a file holds, up to the first record that is not whole.
func (j *journal) load(data []byte, apply func(change)) (cut int, err error) {
	read := readChanges
	rest, ok := bytes.CutPrefix(data, []byte(journalMagic))
	if !ok {
		read = readChanges1
		rest, ok = bytes.CutPrefix(data, []byte(journalMagic1))
	}
	if !ok {
		return 0, errors.New("the file is no paper journal of this version: move it away to begin anew")
	}
	content, rest, ok := nextRecord(rest)
	var header journalHeader
	if !ok || strictly(content, &header) != nil || header.Epoch == "" || header.Exchange != j.header.Exchange {
		return 0, fmt.Errorf("the file's header is not that of a journal of %s: move it away to begin anew", j.header.Exchange)
	}
	j.header = header
	for len(rest) > 0 {
		content, next, ok := nextRecord(rest)
		if !ok {
			break
		}
		changes, err := read(content)
		if err != nil {
			return 0, fmt.Errorf("a record was written by another version: %w", err)
		}
		for _, c := range changes {
			apply(c)
		}
		rest = next
	}
	// Every record was on the disk before the next was begun, so whole ones
	// behind a damaged one say that the disk lost what was told: that is not for us to
	// drop.
	if j.sync == SyncAlways && recordBehind(rest) {
		return 0, fmt.Errorf("the record at byte %d is damaged, and there are whole ones behind it: restore the file, or cut it off there",
			len(data)-len(rest))
	}
	return len(rest), nil
}

// nextRecord cuts a record off.
func nextRecord(data []byte) (content, rest []byte, ok bool) {
	if len(data) < recordHead {
		return nil, nil, false
	}
	n := int64(binary.BigEndian.Uint32(data))
	if n == 0 || n > 2*maxRecord || n > int64(len(data)-recordHead) {
		return nil, nil, false
	}
	content, rest = data[recordHead:recordHead+n], data[recordHead+n:]
	return content, rest, crc32.Checksum(content, castagnoli) == binary.BigEndian.Uint32(data[4:])
}

// recordBehind tells whether a whole record begins anywhere in the data.
func recordBehind(data []byte) bool {
	for i := 1; i < len(data); i++ {
		if _, _, ok := nextRecord(data[i:]); ok {
			return true
		}
	}
	return false
}

// readChanges1 is readChanges for version 1.
func readChanges1(content []byte) (changes []change, err error) {
	err = strictly(content, &changes)
	return changes, err
}

// strictly decodes JSON, and refuses what it does not know rather than lose it.
func strictly(content []byte, into any) error {
	return strictlyFrom(json.NewDecoder(bytes.NewReader(content)), into)
}

func strictlyFrom(decoder *json.Decoder, into any) error {
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// beginRecord leaves room for the head of a record.
func beginRecord(data []byte) []byte { return append(data, make([]byte, recordHead)...) }

// endRecord writes the head of the record that fills the data from start on.
func endRecord(data []byte, start int) []byte {
	content := data[start+recordHead:]
	binary.BigEndian.PutUint32(data[start:], uint32(len(content)))
	binary.BigEndian.PutUint32(data[start+4:], crc32.Checksum(content, castagnoli))
	return data
}

func appendRecord(data []byte, value any) ([]byte, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return endRecord(append(beginRecord(data), content...), len(data)), nil
}

// records makes records of changes, none much longer than maxRecord, in a buffer
// that the next ones will be in.
func (j *journal) records(changes []change, each func([]byte) error) error {
	var f form
	record := j.buffer[:0]
	for i := range changes {
		if len(record) == 0 {
			record = beginRecord(record)
		}
		before := len(record)
		record = f.appendChange(record, &changes[i])
		if len(record)-before > maxRecord {
			return errors.New("a change is longer than a record may be")
		}
		if i+1 < len(changes) && len(record) < maxRecord {
			continue
		}
		if err := each(endRecord(record, 0)); err != nil {
			return err
		}
		record = record[:0]
	}
	j.buffer = record
	return nil
}

// append stores changes as the policy wants it. After an error nothing is known
// of the file's end, and it must not be written to again.
func (j *journal) append(changes []change) error {
	err := j.records(changes, func(record []byte) error {
		n, err := j.file.Write(record)
		j.size += int64(n)
		if err != nil {
			return err
		}
		if j.sync == SyncAlways {
			return j.file.Sync()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("paper journal: %w", err)
	}
	return nil
}

// grown tells whether it is time to rewrite: not before it has doubled, or a
// venue that knows much would do nothing else.
func (j *journal) grown() bool { return j.size-j.base > max(j.compact, j.base) }

// rewrite replaces the file in one step.
func (j *journal) rewrite(changes []change) (err error) {
	temporary := j.path + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("paper journal: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // the old file stays
			err = fmt.Errorf("paper journal: %w", err)
		}
	}()
	head, err := appendRecord([]byte(journalMagic), j.header)
	if err != nil {
		return err
	}
	size := int64(0)
	write := func(record []byte) error {
		n, err := f.Write(record)
		size += int64(n)
		return err
	}
	if err := write(head); err != nil {
		return err
	}
	if err := j.records(changes, write); err != nil {
		return err
	}
	if j.sync == SyncAlways {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := os.Rename(temporary, j.path); err != nil {
		return err
	}
	if j.sync == SyncAlways {
		if err := syncDir(filepath.Dir(j.path)); err != nil {
			return err
		}
	}
	if j.file != nil {
		_ = j.file.Close() // of the file that was replaced: nothing in it is needed
	}
	j.file, j.size, j.base = f, size, size
	return nil
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

func (j *journal) close() error {
	var err error
	if j.file != nil {
		err = j.file.Close()
	}
	// Closing alone would leave the lock to a process that is being started by
	// this one at the moment, and has all its files until it is another program.
	return errors.Join(err, syscall.Flock(int(j.lock.Fd()), syscall.LOCK_UN), j.lock.Close())
}
