package client_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func broadcast(tb testing.TB, c *client.Processes, text string) string {
	tb.Helper()
	id, err := c.Broadcast(tb.Context(), domain.Broadcast{Type: domain.ProcessBot, Text: text})
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// collect reads n messages.
func collect(ctx context.Context, tb testing.TB, c *client.Processes, after string, n int) (texts []string, last string) {
	tb.Helper()
	for m, err := range c.Subscribe(ctx, domain.ProcessBot, after) {
		if err != nil {
			tb.Fatal(err)
		}
		texts, last = append(texts, m.Text), m.ID
		if len(texts) == n {
			return texts, last
		}
	}
	tb.Fatalf("only %v came", texts)
	return nil, ""
}

func TestABroadcastArrivesAsItWasSent(t *testing.T) {
	t.Parallel()
	c := client.NewProcesses(testserver.SharedStore(t))
	sent := domain.Broadcast{Type: domain.ProcessBot, From: "ops-1", Text: "reduce", Data: map[string]string{"exchange": "binance", "by": "half"}}
	id, err := c.Broadcast(t.Context(), sent)
	if err != nil {
		t.Fatal(err)
	}
	for got, err := range c.Subscribe(bounded(t), domain.ProcessBot, "0-0") {
		if err != nil || got.ID != id || got.Time.IsZero() {
			t.Fatalf("%+v (%v)", got, err)
		}
		got.ID, got.Time = "", time.Time{}
		if !reflect.DeepEqual(got, sent) {
			t.Fatalf("got %+v, want %+v", got, sent)
		}
		break
	}
	m, err := c.Metrics(t.Context())
	if err != nil || m.Broadcasts[domain.ProcessBot] != 1 || m.Broadcasts[domain.ProcessIngest] != 0 {
		t.Fatalf("%+v (%v)", m, err)
	}
}

func TestASubscriberThatWasAwayMissesNothing(t *testing.T) {
	t.Parallel()
	c := client.NewProcesses(testserver.SharedStore(t))
	ctx := bounded(t)
	broadcast(t, c, "1")
	broadcast(t, c, "2")
	texts, last := collect(ctx, t, c, "0-0", 2)
	for i := 3; i <= 250; i++ { // more than one read
		broadcast(t, c, fmt.Sprint(i))
	}
	more, _ := collect(ctx, t, c, last, 248)
	for i, text := range append(texts, more...) {
		if text != fmt.Sprint(i+1) {
			t.Fatalf("message %d is %q", i+1, text)
		}
	}
}

func TestASubscriberWithoutAPlaceGetsWhatComesFromNowOn(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 2} {
		t.Run(fmt.Sprint(before), func(t *testing.T) {
			t.Parallel()
			c := client.NewProcesses(testserver.SharedStore(t))
			for range before {
				broadcast(t, c, "old")
			}
			ctx, cancel := context.WithCancel(bounded(t))
			got := make(chan string)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for m, err := range c.Subscribe(ctx, domain.ProcessBot, "") {
					if err != nil {
						t.Error(err)
						return
					}
					select {
					case got <- m.Text:
					case <-ctx.Done():
						return
					}
				}
			}()
			// It is not told when it has begun: it may miss what comes before.
			for text := ""; text == ""; {
				broadcast(t, c, "new")
				select {
				case text = <-got:
					if text != "new" {
						t.Errorf("got %q", text)
					}
				case <-time.After(10 * time.Millisecond):
				case <-ctx.Done():
					t.Fatal("nothing came")
				}
			}
			cancel()
			<-done
		})
	}
}

func TestASubscriberWhosePlaceIsGoneIsToldSo(t *testing.T) {
	t.Parallel()
	c := client.NewProcesses(testserver.SharedStore(t))
	place := broadcast(t, c, "0")
	for i := range cachestore.BroadcastCap {
		broadcast(t, c, fmt.Sprint(i+1))
	}
	lagged := false
	for m, err := range c.Subscribe(bounded(t), domain.ProcessBot, place) {
		if err != nil {
			if lagged || !errors.Is(err, domain.ErrLagged) {
				t.Fatalf("%v, want ErrLagged once", err)
			}
			lagged = true
			continue
		}
		if !lagged || m.Text != "1" {
			t.Fatalf("the first is %q, told %v", m.Text, lagged)
		}
		break
	}
	for _, bad := range []string{"x", "1", "-1-0", "1-x", "$"} {
		for _, err := range c.Subscribe(t.Context(), domain.ProcessBot, bad) {
			if !errors.Is(err, domain.ErrInvalid) {
				t.Errorf("after %q: %v", bad, err)
			}
		}
	}
}

func TestASubscriptionOutlivesRedis(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	c := client.NewProcesses(redis.Store(t))
	broadcast(t, c, "before")
	away, lagged := false, false
	for m, err := range c.Subscribe(bounded(t), domain.ProcessBot, "0-0") {
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			if !away {
				redis.Start() // empty
				broadcast(t, client.NewProcesses(redis.Store(t)), "after")
			}
			away = true
		case errors.Is(err, domain.ErrLagged):
			lagged = true
		case err != nil:
			t.Fatal(err)
		case m.Text == "before":
			redis.Kill()
		case m.Text == "after":
			if !away || !lagged {
				t.Fatalf("away %v, lagged %v", away, lagged)
			}
			return
		}
	}
	t.Fatal("the subscription ended")
}

func TestSubscriptionsAndPopsEndWithTheClient(t *testing.T) {
	t.Parallel()
	n := testserver.NewNATS(t)
	c := client.New(n.Bus(t, small), testserver.SharedStore(t))
	broadcast(t, c.Processes, "begun")
	begun := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for range c.Processes.Subscribe(context.Background(), domain.ProcessBot, "0-0") {
			close(begun)
		}
	})
	group.Go(func() {
		if _, err := c.VenueErrors.Pop(context.Background(), "binance", client.MaxPopWait); !errors.Is(err, domain.ErrUnreachable) {
			t.Errorf("%v, want ErrUnreachable", err)
		}
	})
	<-begun
	c.Close()
	group.Wait()
}

func TestD45ErrorsOfAVenueArePoppedInOrderAndOnce(t *testing.T) {
	t.Parallel()
	c := client.NewVenueErrors(testserver.SharedStore(t))
	ctx := bounded(t)
	const n = 60
	for i := range n {
		if err := c.Push(ctx, "binance", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Push(ctx, "kraken", "other"); err != nil {
		t.Fatal(err)
	}
	list, err := c.List(ctx, "binance", 2)
	if err != nil || len(list) != 2 || list[0].Text != "58" || list[1].Text != "59" || list[1].Exchange != "binance" || list[1].Time.IsZero() {
		t.Fatalf("%+v (%v)", list, err)
	}
	first, err := c.Pop(ctx, "binance", 0)
	if err != nil || first.Text != "0" || first.Exchange != "binance" || first.Time.After(list[1].Time) || first.Time.IsZero() {
		t.Fatalf("%+v (%v)", first, err)
	}
	var mu sync.Mutex
	popped := map[string]int{"0": 1}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				e, err := c.Pop(ctx, "binance", 0)
				if errors.Is(err, domain.ErrNotFound) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				popped[e.Text]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for i := range n {
		if popped[fmt.Sprint(i)] != 1 {
			t.Errorf("%d was popped %d times", i, popped[fmt.Sprint(i)])
		}
	}
	if left, err := c.List(ctx, "kraken", 10); err != nil || len(left) != 1 {
		t.Fatalf("%+v (%v)", left, err)
	}
}

func TestPopWaitsForAnErrorAndNoLongerThanAsked(t *testing.T) {
	t.Parallel()
	c := client.NewVenueErrors(testserver.SharedStore(t))
	ctx := bounded(t)
	if _, err := c.Pop(ctx, "binance", 20*time.Millisecond); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
	type answer struct {
		report domain.VenueError
		err    error
	}
	got := make(chan answer)
	go func() {
		report, err := c.Pop(ctx, "binance", client.MaxPopWait)
		got <- answer{report, err}
	}()
	if err := c.Push(ctx, "binance", "came"); err != nil {
		t.Fatal(err)
	}
	if a := <-got; a.err != nil || a.report.Text != "came" {
		t.Fatalf("%+v", a)
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Pop(short, "binance", time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want that the caller gave up", err)
	}
}

func TestErrorsOfAVenueAreBounded(t *testing.T) {
	t.Parallel()
	c := client.NewVenueErrors(testserver.SharedStore(t))
	for i := range cachestore.VenueErrorCap + 5 {
		if err := c.Push(t.Context(), "binance", fmt.Sprint(i, strings.Repeat("x", 2*domain.MaxTextBytes))); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.List(t.Context(), "binance", cachestore.VenueErrorCap)
	if err != nil || len(list) != cachestore.VenueErrorCap || !strings.HasPrefix(list[0].Text, "5x") || len(list[0].Text) > domain.MaxTextBytes {
		t.Fatalf("%d errors (%v)", len(list), err)
	}
	for field, err := range map[string]error{
		"exchange": c.Push(t.Context(), "Binance", "x"),
		"text":     c.Push(t.Context(), "binance", ""),
		"limit":    second(c.List(t.Context(), "binance", 0)),
		"timeout":  second(c.Pop(t.Context(), "binance", client.MaxPopWait+1)),
	} {
		var fe *domain.FieldError
		if !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%v, want a FieldError of %s", err, field)
		}
	}
}

func TestD45ClearTakesTheDeploymentAndTheLogBringsItBack(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	r := newRig(t, redis.Store(t), 100)
	ctx := bounded(t)
	r.visible(r.Ticks.Set(ctx, tick("binance", "BTC/USDT", "50000")))
	process, err := r.Processes.Register(ctx, bot("grid"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "*", "fullon", "FULLON:"} {
		if n, err := r.Clear(ctx, wrong); !errors.Is(err, domain.ErrInvalid) || n != 0 {
			t.Fatalf("confirmed with %q: %d (%v)", wrong, n, err)
		}
	}
	rdb := redis.Client(t)
	if err := rdb.Set(ctx, "somebody else's", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Clear(ctx, cachestore.DefaultPrefix); err != nil || n < 8 {
		t.Fatalf("%d keys (%v)", n, err)
	}
	if rdb.Exists(ctx, "somebody else's").Val() != 1 {
		t.Fatal("somebody else's key is gone")
	}
	if _, err := r.Processes.Get(ctx, process.ID()); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("%v, want ErrNotFound", err)
	}
	if got, err := r.Ticks.Next(ctx, "binance", "BTC/USDT", 0); err != nil || got.Last.String() != "50000" {
		t.Fatalf("%+v (%v)", got, err)
	}
	if d, err := r.Ping(ctx); err != nil || d <= 0 {
		t.Fatalf("%v (%v)", d, err)
	}
}
