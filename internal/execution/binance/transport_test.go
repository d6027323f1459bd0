package binance

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// A process may be paused between the choice of a window and the signing.
func TestARequestIsNotSentForLongerThanItMayBeGood(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	defer server.Close()
	wire := newTransport(time.Second)
	defer wire.CloseIdleConnections()
	now := time.Now().UnixMilli()
	for query, sent := range map[string]bool{
		"timestamp=" + strconv.FormatInt(now, 10) + "&recvWindow=1000":   true,
		"timestamp=" + strconv.FormatInt(now, 10) + "&recvWindow=1001":   false,
		"timestamp=" + strconv.FormatInt(now+1, 10) + "&recvWindow=1000": false,
		"timestamp=" + strconv.FormatInt(now, 10):                        false,
		"recvWindow=1000": false,
	} {
		before := got.Load()
		ctx := context.WithValue(t.Context(), answerKey{}, &answer{latest: now + 1000})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: wire}).Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if errors.Is(err, errPaused) == sent || got.Load()-before == 1 != sent {
			t.Errorf("%s: %v, sent %d times", query, err, got.Load()-before)
		}
	}
}

// The reading is dated when it came, so our idea of the venue's time is never
// ahead of it.
func TestTheVenuesClockIsNotRunAheadOf(t *testing.T) {
	t.Parallel()
	const offset = -90 * time.Second
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		said := time.Now().Add(offset).UnixMilli()
		time.Sleep(50 * time.Millisecond) // the way back
		_, _ = w.Write([]byte(`{"serverTime":` + strconv.FormatInt(said, 10) + `}`))
	}))
	defer server.Close()
	v, err := New(Config{Account: "main", Key: "k", Secret: "s", RESTURL: server.URL, StreamURL: "ws://localhost", Symbols: func() map[string]domain.Symbol { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer v.CloseIdle()
	if f := v.tellTime(t.Context()); f != nil {
		t.Fatal(f)
	}
	now := time.Now()
	behind := now.Add(offset).UnixMilli() - v.clock.at(now)
	if behind < 50 || behind > 10_000 {
		t.Fatalf("%d ms behind", behind)
	}
}
