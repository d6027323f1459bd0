package cachestore

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// answering is a connection whose other end answers everything with text, in
// pieces.
func answering(t *testing.T, text string, piece int) *ownConn {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		if _, err := theirs.Read(make([]byte, 1<<16)); err != nil {
			return
		}
		for left := text; left != ""; {
			n := min(piece, len(left))
			if _, err := theirs.Write([]byte(left[:n])); err != nil {
				return
			}
			left = left[n:]
		}
	}()
	t.Cleanup(func() { _ = ours.Close(); <-done })
	return &ownConn{Conn: ours}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestRepliesThatComeInPiecesAreTakenApart(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x\r\n", 9000)
	replies := []string{":7\r\n", "$-1\r\n", "*2\r\n$2\r\n\r\n\r\n*2\r\n$-1\r\n:3\r\n", "*-1\r\n", "$0\r\n\r\n", "-WRONGTYPE no\r\n", "$27000\r\n" + text + "\r\n", "*0\r\n"}
	commands := make([]command, len(replies))
	for i := range commands {
		commands[i] = command{"get", "key", i}
	}
	all := strings.Join(replies, "")
	queued := "+OK\r\n" + strings.Repeat("+QUEUED\r\n", len(replies)) + "*8\r\n"
	for _, piece := range []int{1, 2, 3, 7, 1000, 1 << 20} {
		for atOnce, answer := range map[bool]string{false: all, true: queued + all} {
			f := flight{commands: commands}
			if err := answering(t, answer, piece).fetch(soon(t), &f, atOnce); err != nil {
				t.Fatalf("pieces of %d, at once %v: %v", piece, atOnce, err)
			}
			for i, want := range replies {
				if got := string(f.part(i, i+1)); got != want {
					t.Fatalf("pieces of %d, at once %v: reply %d is %.40q, want %.40q", piece, atOnce, i, got, want)
				}
			}
		}
	}
}

// What is not the answer to the request must not be taken for one: the next
// request on the connection would get the rest.
func TestAnAnswerOfAnotherShapeIsAnError(t *testing.T) {
	t.Parallel()
	two := []command{{"get", "a"}, {"get", "b"}}
	for _, c := range []struct {
		answer string
		atOnce bool
	}{
		{"$1\r\na\r\n", false},                  // ends too early
		{"$1\r\na\r\n$9\r\nb\r\n", false},       // in the middle
		{"$1\r\na\r\n$1\r\nb\r\n$1\r\n", false}, // goes on
		{"$1\r\na\r\n?\r\n", false},             // is of no known kind
		{"+OK\r\n-ERR no\r\n+QUEUED\r\n-EXECABORT discarded\r\n", true},
		{"+OK\r\n+QUEUED\r\n+QUEUED\r\n*1\r\n:1\r\n", true},
		{"+OK\r\n+QUEUED\r\n+QUEUED\r\n*-1\r\n", true},
		{":1\r\n:1\r\n", true},
	} {
		f := flight{commands: two}
		if err := answering(t, c.answer, 1<<20).fetch(soon(t), &f, c.atOnce); err == nil {
			t.Errorf("%q was taken", c.answer)
		}
	}
	f := flight{commands: []command{{"get", 1.5}}}
	if err := answering(t, "", 1).fetch(soon(t), &f, false); err == nil {
		t.Error("an argument that cannot be sent was taken")
	}
}

func TestWhereASentinelSentUsMustBeAMaster(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]error{
		"+OK\r\n*3\r\n$6\r\nmaster\r\n:3129\r\n*0\r\n":                                      nil,
		"+OK\r\n*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$9\r\nconnected\r\n:3\r\n": errNoMaster,
		"+OK\r\n-NOPERM no\r\n":                                  errUnexpected,
		"-WRONGPASS no\r\n*3\r\n$6\r\nmaster\r\n:3129\r\n*0\r\n": errUnexpected,
	} {
		if err := answering(t, answer, 1<<20).greet(soon(t), &redis.Options{Password: "x"}, true); err != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
