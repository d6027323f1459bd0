package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
)

// shop is a venue's catalogue and the place where it is kept. Time passes only
// when everything waits; a test has the lock while none does.
type shop struct {
	mu      sync.Mutex
	offers  []string // names that the venue lists
	away    error    // what the venue says instead
	asked   int
	known   []string
	refuses error // what the place where it is kept says
	venue   domain.Venue
	sets    int // of the venue
	stored  int // replacements that changed something
	reports []string
}

func (*shop) Exchange() string { return "test" }

func (s *shop) Symbols(context.Context) ([]domain.Symbol, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return symbolsOf(s.offers), s.away
}

func symbolsOf(names []string) []domain.Symbol {
	out := make([]domain.Symbol, len(names))
	for i, name := range names {
		out[i] = domain.Symbol{Exchange: "test", Name: name}
	}
	return out
}

// kept is the place where the shop's catalogue is kept.
type kept struct{ *shop }

func (k kept) Symbols(context.Context, string) ([]domain.Symbol, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return symbolsOf(k.known), k.refuses
}

func (k kept) Replace(_ context.Context, exchange string, symbols []domain.Symbol) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var names []string
	for _, s := range symbols {
		names = append(names, s.Name)
	}
	if exchange != "test" || slices.Equal(names, k.known) {
		return 0, nil
	}
	k.known = names
	k.stored++
	return len(names), nil
}

func (k kept) Venue(context.Context, string) (domain.Venue, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.venue.Name == "" {
		return domain.Venue{}, domain.ErrNotFound
	}
	return k.venue, nil
}

func (k kept) SetVenue(_ context.Context, v domain.Venue) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sets++
	k.venue = v
	return nil
}

// inShop runs a test of a listing that looks every hour.
func inShop(t *testing.T, s *shop, test func(pass func(time.Duration))) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := ingest.NewListing(ingest.ListingConfig{
			Report: func(text string) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.reports = append(s.reports, text)
			},
			Log: slog.New(slog.DiscardHandler),
		}, s, kept{s})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx) }()
		synctest.Wait()
		s.mu.Lock()
		defer func() { // also when the test fails
			s.mu.Unlock()
			cancel()
			if err := <-done; err != nil {
				t.Errorf("the listing ended with %v", err)
			}
		}()
		test(func(d time.Duration) {
			s.mu.Unlock()
			time.Sleep(d)
			synctest.Wait()
			s.mu.Lock()
		})
	})
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("C%d/USDT", i)
	}
	return out
}

func TestTheCatalogueFollowsTheVenueEveryHour(t *testing.T) {
	s := &shop{offers: names(10)}
	inShop(t, s, func(pass func(time.Duration)) {
		if s.asked != 1 || len(s.known) != 10 || s.venue.Status != domain.VenueOpen || s.venue.Name != "test" || s.venue.Time.IsZero() {
			t.Fatalf("at start: %+v", s)
		}
		s.offers = append(names(9), "NEW/USDT")
		pass(50 * time.Minute)
		if s.asked != 1 {
			t.Fatalf("asked %d times within 50 minutes", s.asked)
		}
		pass(20 * time.Minute)
		if s.asked != 2 || !slices.Equal(s.known, s.offers) || s.stored != 2 {
			t.Fatalf("after an hour: %+v", s)
		}
		pass(10 * time.Hour)
		if s.asked < 10 || s.asked > 14 || s.stored != 2 || s.sets != 1 || len(s.reports) != 0 {
			t.Fatalf("after ten hours more: %+v", s)
		}
	})
}

func TestAVenueThatDoesNotAnswerKeepsItsCatalogueAndIsAskedAgain(t *testing.T) {
	s := &shop{away: errors.New("maintenance"), known: names(3), venue: domain.Venue{Name: "test", Title: "Ours", Status: domain.VenueMaintenance}}
	inShop(t, s, func(pass func(time.Duration)) {
		pass(time.Minute)
		if s.asked < 3 || s.asked > 20 || len(s.known) != 3 || s.venue.Status != domain.VenueMaintenance || s.sets != 0 {
			t.Fatalf("while it is away: %+v", s)
		}
		s.away, s.refuses, s.offers = nil, domain.ErrUnknown, names(4)
		pass(2 * time.Minute)
		if len(s.known) != 3 {
			t.Fatal("what is known was not known, and it was replaced")
		}
		s.refuses = nil
		pass(10 * time.Minute)
		if len(s.known) != 4 || s.venue.Status != domain.VenueOpen || s.venue.Title != "Ours" {
			t.Fatalf("when it is back: %+v", s)
		}
	})
}

func TestAnImplausibleCatalogueIsRefusedAndReportedOnce(t *testing.T) {
	for _, c := range []struct {
		offers int
		part   string
	}{{0, "empty"}, {4, "lacks 6 of the 10"}} {
		t.Run(c.part, func(t *testing.T) {
			s := &shop{offers: names(c.offers), known: names(10)}
			inShop(t, s, func(pass func(time.Duration)) {
				pass(3 * time.Hour)
				if len(s.known) != 10 || s.stored != 0 || s.sets != 0 || s.asked < 3 {
					t.Fatalf("%+v", s)
				}
				if len(s.reports) != 1 || !strings.Contains(s.reports[0], c.part) {
					t.Fatalf("reported %q", s.reports)
				}
				s.offers = names(5) // half of them may go
				pass(2 * time.Hour)
				if len(s.known) != 5 {
					t.Fatalf("%+v", s)
				}
			})
		})
	}
}

func TestAVenueThatPeopleClosedStaysClosed(t *testing.T) {
	s := &shop{offers: names(2), venue: domain.Venue{Name: "test", Status: domain.VenueClosed}}
	inShop(t, s, func(func(time.Duration)) {
		if len(s.known) != 2 || s.sets != 0 {
			t.Fatalf("%+v", s)
		}
	})
}
