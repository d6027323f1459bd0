package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A journal file is a header of 24 bytes and records of 40 bytes, all in big
// endian: magic, tick and lot size (units of 0.00000001); then per trade its
// id, time (unix ms), price (ticks), size (lots), and twice its aggregate's id,
// plus one when the buyer was the maker.
const (
	journalMagic  = "fsimtrd1"
	journalHeader = 24
	journalRecord = 40
)

// journal keeps a symbol's newest trades in a file. A record that a killed
// process left incomplete is cut off when it is opened. Not safe for
// concurrent use.
type journal struct {
	path      string
	file      *os.File
	tick, lot fixed
	keep      int
	trades    []trade // what the file held when it was opened, until load
	records   int
}

func openJournal(dir string, l *listing, keep int) (*journal, error) {
	j := &journal{path: filepath.Join(dir, l.venue+".trades"), tick: l.tick, lot: l.lot, keep: keep}
	data, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read trades: %w", err)
	}
	if len(data) >= journalHeader {
		if !bytes.Equal(data[:journalHeader], j.header()) {
			return nil, fmt.Errorf("%s was written for another tick or lot size: restore them, or move the file away", j.path)
		}
		j.trades = decodeTrades(data[journalHeader:])
		j.trades = j.trades[max(0, len(j.trades)-keep):]
	}
	// Written anew, so that what was cut off or forgotten is gone from the file.
	return j, j.rewrite(j.trades)
}

// load hands out the trades of before, oldest first, once.
func (j *journal) load() []trade {
	trades := j.trades
	j.trades = nil
	return trades
}

// append writes trades through to the operating system.
func (j *journal) append(trades []trade) error {
	if j.records+len(trades) > 4*j.keep {
		if err := j.shorten(); err != nil {
			return err
		}
	}
	if _, err := j.file.Write(encodeTrades(nil, trades)); err != nil {
		return fmt.Errorf("write trades: %w", err)
	}
	j.records += len(trades)
	return nil
}

func (j *journal) shorten() error {
	keep := min(j.keep, j.records)
	data := make([]byte, keep*journalRecord)
	f, err := os.Open(j.path)
	if err != nil {
		return fmt.Errorf("shorten trades: %w", err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.ReadAt(data, journalHeader+int64(j.records-keep)*journalRecord); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("shorten trades: %w", err)
	}
	return j.rewrite(decodeTrades(data))
}

// rewrite replaces the file in one step.
func (j *journal) rewrite(trades []trade) error {
	temporary := j.path + ".new"
	if err := os.WriteFile(temporary, encodeTrades(j.header(), trades), 0o644); err != nil {
		return fmt.Errorf("write trades: %w", err)
	}
	if err := os.Rename(temporary, j.path); err != nil {
		return fmt.Errorf("write trades: %w", err)
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("write trades: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close() // of the file that was replaced: nothing in it is needed
	}
	j.file, j.records = f, len(trades)
	return nil
}

func (j *journal) close() error {
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close trades: %w", err)
	}
	return nil
}

func (j *journal) header() []byte {
	b := append(make([]byte, 0, journalHeader), journalMagic...)
	b = binary.BigEndian.AppendUint64(b, uint64(j.tick))
	return binary.BigEndian.AppendUint64(b, uint64(j.lot))
}

func encodeTrades(b []byte, trades []trade) []byte {
	for _, tr := range trades {
		agg := tr.agg << 1
		if tr.maker {
			agg |= 1
		}
		for _, n := range [...]int64{tr.id, tr.ms, tr.ticks, tr.lots, agg} {
			b = binary.BigEndian.AppendUint64(b, uint64(n))
		}
	}
	return b
}

// decodeTrades reads up to the first record that is incomplete or does not
// continue the ids.
func decodeTrades(b []byte) []trade {
	var trades []trade
	for ; len(b) >= journalRecord; b = b[journalRecord:] {
		var n [5]int64
		for i := range n {
			n[i] = int64(binary.BigEndian.Uint64(b[8*i:]))
		}
		tr := trade{id: n[0], ms: n[1], ticks: n[2], lots: n[3], agg: n[4] >> 1, maker: n[4]&1 == 1}
		if tr.ticks <= 0 || tr.lots <= 0 || len(trades) > 0 && tr.id != trades[len(trades)-1].id+1 {
			break
		}
		trades = append(trades, tr)
	}
	return trades
}
