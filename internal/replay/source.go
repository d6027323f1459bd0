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

// recording reads one file's frames in its order. Not safe for concurrent use.
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

// next is the next frame of a stream; io.EOF after the last one.
func (r *recording) next() (frame, error) {
	for {
		line, err := r.text.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) == 0 {
			if err == nil {
				r.line++
				continue
			}
			if errors.Is(err, io.EOF) {
				return frame{}, io.EOF
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return frame{}, fmt.Errorf("%s:%d: read: %w", r.path, r.line+1, err)
		}
		r.line++
		var record struct {
			At  int64  `json:"t_ns"`
			Dir string `json:"dir"`
			Raw string `json:"raw"`
		}
		if err := json.Unmarshal(line, &record); err != nil {
			return frame{}, fmt.Errorf("%s:%d: not a record: %w", r.path, r.line, err)
		}
		if record.Dir == "" {
			return frame{}, fmt.Errorf("%s:%d: not a record: %w", r.path, r.line, domain.Invalid("dir", "", `what the message was, like "recv"`))
		}
		if record.Dir != "recv" {
			continue
		}
		if f, ok := parseFrame(record.At, record.Raw); ok {
			return f, nil
		}
	}
}

func (r *recording) close() error { return r.file.Close() }

// source merges recordings by time. Not safe for concurrent use.
type source struct {
	files []*recording
	heads []frame // the next frame of each file
	ended []bool
}

// openSource opens the files. close must be called unless there was an error.
func openSource(paths []string) (*source, error) {
	s := &source{heads: make([]frame, len(paths)), ended: make([]bool, len(paths))}
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
	f, err := s.files[i].next()
	if errors.Is(err, io.EOF) {
		s.ended[i] = true
		return nil
	}
	s.heads[i] = f
	return err
}

// next is the earliest frame; io.EOF after the last one.
func (s *source) next() (frame, error) {
	best := -1
	for i := range s.files {
		if !s.ended[i] && (best < 0 || s.heads[i].at < s.heads[best].at) {
			best = i
		}
	}
	if best < 0 {
		return frame{}, io.EOF
	}
	f := s.heads[best]
	return f, s.fill(best)
}

func (s *source) close() error {
	var errs []error
	for _, r := range s.files {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}
