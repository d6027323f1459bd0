package venue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func newPublic(t *testing.T, cfg venue.Config) *venue.Public {
	t.Helper()
	p, err := venue.NewPublic(cfg, venue.PublicConfig{
		Own:   venue.Config{Exchange: "venue", WSURL: "ws://venue.test", RESTURL: "http://venue.test", MaxSymbols: 2, RESTWeight: 60},
		Spell: func(symbol string) (string, error) { return symbol, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestTogetherEndsWithTheFirstThatFails(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error { <-ctx.Done(); return nil }
	failed := errors.New("failed")
	if err := venue.Together(t.Context(), waits, func(context.Context) error { return failed }, waits); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := venue.Together(ctx, waits, waits); err != nil {
		t.Errorf("error %v", err)
	}
	if err := venue.Together(t.Context()); err != nil {
		t.Errorf("of nothing: error %v", err)
	}
}

func TestPersistUntilItSucceeds(t *testing.T) {
	t.Parallel()
	p := newPublic(t, venue.Config{Connection: quick()})
	tries := 0
	if !p.Persist(t.Context(), "luck", func(context.Context) error {
		if tries++; tries < 5 {
			return errors.New("not yet")
		}
		return nil
	}) || tries != 5 {
		t.Errorf("given up after %d tries", tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if p.Persist(ctx, "luck", func(context.Context) error { cancel(); return errors.New("never") }) {
		t.Error("success without one")
	}
	care := quick()
	care.BackoffInitial, care.BackoffMax = time.Hour, time.Hour
	p = newPublic(t, venue.Config{Connection: care})
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if p.Persist(ctx, "luck", func(context.Context) error { return errors.New("never") }) {
		t.Error("success without one")
	}
}

// Each share of the symbols has a connection to each endpoint, and they have one
// feed.
func TestEndpointsOfASymbol(t *testing.T) {
	t.Parallel()
	server := venuetest.NewServer(t)
	p := newPublic(t, venue.Config{WSURL: server.URL, Connection: quick()})
	feeds := make(chan *venue.Feed, 16)
	at := func(path string) venue.Endpoint {
		return venue.Endpoint{Path: path, Dialect: func(f *venue.Feed, _ []string) venue.Dialect {
			feeds <- f
			return plain{frames: make(chan string, 16)}
		}}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- venue.FollowParts(ctx, venue.NewWanted("A/USD", "B/USD", "C/USD"), venuetest.NewSink(), venue.Part{Public: p, Endpoints: []venue.Endpoint{at("/one"), at("/two")}})
	}()
	connections := map[string]int{}
	for range 4 {
		connections[server.Accept(t).Path]++
	}
	if connections["/one"] != 2 || connections["/two"] != 2 {
		t.Errorf("connected to %v", connections)
	}
	first := <-feeds
	for range 3 {
		if f := <-feeds; f != first {
			t.Error("feeds that do not know of each other")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
