package orderworker

import (
	"fmt"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

func report(id string, status domain.OrderStatus, filled string) execution.Report {
	return execution.Report{ID: id, VenueOrderID: "v-" + id, Status: status, Filled: domain.MustDecimal(filled)}
}

func TestAReportOfAnOrderThatIsBeingSentWaitsForTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSent()
	intent := domain.Order{ID: "1", Status: domain.OrderIntent, Attempt: 1}
	accepted, partial := report("1", domain.OrderAccepted, "0"), report("1", domain.OrderPartial, "0.5")
	if s.covers(accepted) {
		t.Fatal("of an order that nobody sends")
	}
	its := s.begin("1")
	if !s.covers(accepted) || !s.covers(partial) {
		t.Fatal("not kept")
	}
	after := applied(intent, accepted)
	s.know(&after)
	if news := s.end(its); len(news) != 1 || news[0] != partial {
		t.Fatalf("got %v", news)
	}
	if !s.covers(accepted) {
		t.Error("what was recorded is looked up in the log")
	}
	if s.covers(partial) {
		t.Error("news is not looked at")
	}
}

// An order that is not at the venue may be sent again, by somebody else: what is
// known of it says nothing about what is reported then.
func TestAReportOfAnOrderThatMayBeSentAgainIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, status := range []domain.OrderStatus{domain.OrderUnknown, domain.OrderNotFound} {
		s := newSent()
		its := s.begin("1")
		s.know(&domain.Order{ID: "1", Status: status, Attempt: 1})
		s.end(its)
		if s.covers(report("1", domain.OrderAccepted, "0")) {
			t.Errorf("%s", status)
		}
	}
}

func TestOrdersThatWereSentLongAgoAreForgotten(t *testing.T) {
	t.Parallel()
	s := newSent()
	s.begin("slow")
	for i := range 3 * sentRoom {
		s.end(s.begin(fmt.Sprint(i)))
	}
	if n := len(s.orders); n != sentRoom+1 {
		t.Errorf("%d are remembered", n)
	}
	if !s.covers(report("slow", domain.OrderAccepted, "0")) {
		t.Error("one that is being sent is forgotten")
	}
}

func TestOfBalancesAndPositionsTheNewestIsStoredAndOfFillsAll(t *testing.T) {
	t.Parallel()
	fill := domain.Fill{ID: "f-1", Account: "1", Exchange: "kraken", Symbol: "BTC/USDT"}
	other := fill
	other.ID = "f-2"
	balance := func(currency, total string) domain.Balance {
		return domain.Balance{Account: "1", Currency: currency, Total: domain.MustDecimal(total)}
	}
	position := func(volume string) domain.Position {
		return domain.Position{Account: "1", Symbol: "BTC/USDT", Volume: domain.MustDecimal(volume)}
	}
	got := newest([]domain.Event{
		balance("USDT", "3"), fill, position("1"), balance("BTC", "1"), balance("USDT", "2"), other, position("2"),
	})
	want := []domain.Event{fill, balance("BTC", "1"), balance("USDT", "2"), other, position("2")}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v", got)
	}
}
