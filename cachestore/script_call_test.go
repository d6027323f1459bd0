package cachestore_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

func counted(t *testing.T, s *cachestore.Store, want int64) {
	t.Helper()
	if n, err := s.Count(t.Context(), "{x}", false); err != nil || n != want {
		t.Fatalf("counted %d (%v), want %d", n, err, want)
	}
}

// Whatever becomes of scripts and connections between two calls, each is made once.
func TestCallsOfScriptsGoOn(t *testing.T) {
	t.Parallel()
	r, s, rdb := own(t)
	counted(t, s, 1) // the script is not there yet
	if n, err := s.Count(t.Context(), "{x}", true); err != nil || n != 2 {
		t.Fatalf("over an own connection: %d (%v)", n, err)
	}
	if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	counted(t, s, 3)
	if err := rdb.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	counted(t, s, 4)
	// More at once than there are connections for it.
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			for range 50 {
				if _, err := s.Count(t.Context(), "{x}", false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	counted(t, s, 1605)
	if err := rdb.Set(t.Context(), "{x}", "no number", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Count(t.Context(), "{x}", false); err == nil {
		t.Error("an error of the script is none")
	}
	r.Kill()
	r.Start() // without its data
	counted(t, s, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Count(ctx, "{x}", false); !errors.Is(err, context.Canceled) {
		t.Errorf("given up before: %v", err)
	}
	counted(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Count(t.Context(), "{x}", false); err == nil {
		t.Error("called after the end")
	}
}

// cutting relays to a server. Of the first connection it keeps back the first
// answer, and ends it.
func cutting(t *testing.T, server string) (addr string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	relay := func(from, to net.Conn, once bool) {
		defer to.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			if err != nil || once {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	group.Go(func() {
		for first := true; ; first = false {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := new(net.Dialer).DialContext(t.Context(), "tcp", server)
			if err != nil {
				t.Error(err)
				return
			}
			group.Go(func() { relay(near, far, false) })
			group.Go(func() { relay(far, near, first) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return listener.Addr().String()
}

// A call whose answer got lost is made again, as the library does: for that the
// scripts of the queue are made.
func TestACallWhoseAnswerIsLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	r, _, rdb := own(t)
	s := cachestore.Open(cachestore.Config{Addrs: []string{cutting(t, r.Addr)}})
	t.Cleanup(func() { _ = s.Close() })
	if err := rdb.ScriptLoad(t.Context(), "return redis.call('INCR', KEYS[1])").Err(); err != nil {
		t.Fatal(err)
	}
	counted(t, s, 2)
	counted(t, s, 3)
}

// Where the time is up nothing is repeated: Redis may have the call in front of it.
func TestACallThatTookTooLongIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	r, _, rdb := own(t)
	s := cachestore.Open(cachestore.Config{Addrs: []string{r.Addr}, Timeout: 50 * time.Millisecond})
	t.Cleanup(func() { _ = s.Close() })
	if err := rdb.ScriptLoad(t.Context(), "return redis.call('INCR', KEYS[1])").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ping(t.Context()); err != nil { // so that the library has a connection
		t.Fatal(err)
	}
	r.Pause()
	if _, err := s.Count(t.Context(), "{x}", false); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	_, err := s.Partition("ORDERS_X").PopOrders(t.Context(), cachestore.OrderPop{Lease: time.Second, Token: "t", Worker: "w", Most: 1})
	if !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	r.Resume()
	patient := r.Store(t)
	for until := time.Now().Add(10 * time.Second); ; {
		n, err := rdb.Exists(t.Context(), "{x}").Result()
		if err != nil || time.Now().After(until) {
			t.Fatalf("%d (%v)", n, err)
		}
		if n == 1 {
			break
		}
	}
	counted(t, patient, 2)
}
