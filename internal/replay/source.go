package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fullon/fullon/domain"
)

// What a record is.
const (
	received = "recv"
	opened   = "open"
	fetched  = "rest"
)

// record is one line of a recording.
type record struct {
	file int // which one of the files

	At  int64  `json:"t_ns"`
	Dir string `json:"dir"`
	URL string `json:"url"`
	Raw string `json:"raw"`
}

// recording reads one file's records in its order. Not safe for concurrent use.
type recording struct {
	path string
	line int
	file *os.File
	text *bufio.Reader
}

func openRecording(path string) (*recording, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	r := &recording{path: path, file: file, text: bufio.NewReaderSize(file, 1<<16)}
	if magic, _ := r.text.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // a file too short to tell is plain
		unzipped, err := gzip.NewReader(r.text)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open recording %s: %w", path, err), file.Close())
		}
		r.text = bufio.NewReaderSize(unzipped, 1<<16)
	}
	return r, nil
}

// next is the next record; io.EOF after the last one.
func (r *recording) next() (rec record, err error) {
	for {
		line, err := r.text.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 {
			if err == nil {
				r.line++
				continue
			}
			if errors.Is(err, io.EOF) {
				return rec, io.EOF
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return rec, fmt.Errorf("%s:%d: read: %w", r.path, r.line+1, err)
		}
		r.line++
		if err := json.Unmarshal(line, &rec); err != nil {
			return rec, fmt.Errorf("%s:%d: not a record: %w", r.path, r.line, err)
		}
		if rec.Dir == "" {
			return rec, fmt.Errorf("%s:%d: not a record: %w", r.path, r.line, domain.Invalid("dir", "", `t_ns, dir ("recv" for what was received) and raw on every line; single messages without them cannot be played`))
		}
		return rec, nil
	}
}

func (r *recording) close() error { return r.file.Close() }

// source merges recordings by time. Not safe for concurrent use.
type source struct {
	files []*recording
	heads []record // the next record of each file
	ended []bool
}

// openSource opens the files. close must be called unless there was an error.
func openSource(paths []string) (*source, error) {
	s := &source{heads: make([]record, len(paths)), ended: make([]bool, len(paths))}
	for i, path := range paths {
		r, err := openRecording(path)
		if err == nil {
			s.files = append(s.files, r)
			err = s.fill(i)
		}
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *source) fill(i int) error {
	r, err := s.files[i].next()
	if errors.Is(err, io.EOF) {
		s.ended[i] = true
		return nil
	}
	r.file = i
	s.heads[i] = r
	return err
}

// next is the earliest record; io.EOF after the last one.
func (s *source) next() (record, error) {
	best := -1
	for i := range s.files {
		if !s.ended[i] && (best < 0 || s.heads[i].At < s.heads[best].At) {
			best = i
		}
	}
	if best < 0 {
		return record{}, io.EOF
	}
	r := s.heads[best]
	return r, s.fill(best)
}

func (s *source) close() error {
	var errs []error
	for _, r := range s.files {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}

// eachFrame hands over the frames of the files in the order of their time, until
// take fails or asks for no more. rest takes what was fetched; nil: nobody.
func eachFrame(paths []string, d dialect, rest func(record), take func(frame) (more bool, err error)) (err error) {
	src, err := openSource(paths)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	reader := d.reader()
	for {
		r, err := src.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Dir == fetched && rest != nil {
			rest(r)
		}
		for _, f := range reader.read(r) {
			if more, err := take(f); err != nil || !more {
				return err
			}
		}
	}
}
