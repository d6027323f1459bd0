package executiontest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

func testRestart(r *rig) {
	sink, stop := Listen(r, r.venue)
	resting, filled := r.order("resting", domain.Buy, "5", "98"), r.order("filled", domain.Buy, "2", "")
	stopped, canceled := r.order("stop", domain.Sell, "1", ""), r.order("canceled", domain.Sell, "1", "120")
	stopped.Type, stopped.StopPrice = domain.Stop, dec("90")
	bid, ask := "89", "91" // where it is filled
	if r.h.NoStops {       // a limit order waits as well, for a better price
		stopped.Type, stopped.StopPrice, stopped.Price = domain.Limit, domain.Decimal{}, dec("110")
		bid, ask = "110", "111"
	}
	r.submit(resting, domain.OrderAccepted, "0")
	r.submit(filled, domain.OrderFilled, "2")
	r.submit(stopped, domain.OrderAccepted, "0")
	r.submit(canceled, domain.OrderAccepted, "0")
	r.cancel(canceled, domain.OrderCanceled, "0")
	r.h.Market("97", "10", "98", "2")
	before := r.query(resting, domain.OrderPartial, "2")
	r.settled(sink, resting, filled, stopped, canceled)
	// What is held back may be told a little later than what there is.
	fresh, stopFresh := Listen(r, r.h.Venue())
	var usdt, btc domain.Balance
	var position domain.Position
	Eventually(r, "the state as it is now", func() bool {
		usdt, btc, position = fresh.BalanceOf("USDT"), fresh.BalanceOf("BTC"), fresh.PositionOf(Symbol)
		return sink.BalanceOf("USDT").Same(usdt) && sink.BalanceOf("BTC").Same(btc) && sink.PositionOf(Symbol).Same(position)
	})
	stop()
	stopFresh()

	r.h.Restart()
	r.venue = r.h.Venue()
	sink, _ = Listen(r, r.venue)
	Eventually(r, "the state of before", func() bool {
		return sink.BalanceOf("USDT").Same(usdt) && sink.BalanceOf("BTC").Same(btc) && sink.PositionOf(Symbol).Same(position)
	})
	if after := r.query(resting, domain.OrderPartial, "2"); fmt.Sprint(after) != fmt.Sprint(before) {
		r.Fatalf("before the restart %+v, after it %+v", before, after)
	}
	r.query(filled, domain.OrderFilled, "2")
	r.query(canceled, domain.OrderCanceled, "0")
	r.open(resting, stopped)
	if !r.refused(filled).Duplicate {
		r.Fatal("after a restart an id is free again")
	}
	r.h.Market("97", "10", "98", "20")
	r.query(resting, domain.OrderFilled, "5")
	r.h.Market(bid, "10", ask, "20")
	r.query(stopped, domain.OrderFilled, "1")
	another := r.order("another", domain.Buy, "1", "")
	r.submit(another, domain.OrderFilled, "1")
	r.settled(sink, resting, filled, stopped, canceled, another)
	ids := make(map[string]bool)
	for _, o := range []domain.Order{resting, filled, stopped, canceled, another} {
		report, err := r.venue.Query(r.Context(), o)
		if err != nil || ids[report.VenueOrderID] {
			r.Fatalf("%+v, %v: the venue's id is not new", report, err)
		}
		ids[report.VenueOrderID] = true
	}
}

func testEvents(r *rig) {
	sink, stop := Listen(r, r.venue)
	var orders []domain.Order
	buy := func(n int) {
		for range n {
			o := r.order(fmt.Sprintf("event-%d", len(orders)), domain.Buy, "1", "")
			r.insist(o)
			r.query(o, domain.OrderFilled, "1")
			orders = append(orders, o)
		}
	}
	buy(3)
	r.settled(sink, orders...)
	// Cut off: it comes back by itself, and nothing is missing.
	connects := sink.Connects()
	r.h.Disconnect()
	buy(3)
	Eventually(r, "the reconnect", func() bool { return sink.Connects() > connects })
	r.settled(sink, orders...)
	// Nobody listened: what was not delivered comes with the next Run.
	stop()
	buy(3)
	sink.Listen(r, r.venue)
	r.settled(sink, orders...)
	// One that knows nothing gets everything.
	other, _ := Listen(r, r.h.Venue())
	r.settled(other, orders...)
}

// insist submits as those do who may meet a cut line: what was not answered is
// asked for, and sent again if it is not there.
func (r *rig) insist(o domain.Order) {
	r.Helper()
	for {
		_, err := r.venue.Submit(r.Context(), o)
		for errors.Is(err, execution.ErrUnanswered) {
			_, err = r.venue.Query(r.Context(), o)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, domain.ErrNotFound) {
			r.Fatalf("submit %s: %v", o.ID, err)
		}
	}
}

func testConcurrent(r *rig) {
	const workers, each = 8, 10
	sink, _ := Listen(r, r.venue)
	orders := make([]domain.Order, workers*each)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w * each; i < (w+1)*each; i++ {
				o := r.order(fmt.Sprintf("c-%d", i), domain.Side(1+i%2), "0.1", "")
				if i%3 == 0 {
					o.Type, o.Price = domain.Limit, dec("100")
				}
				orders[i] = o
				if _, err := r.venue.Submit(timeout(r), o); err != nil {
					r.Errorf("submit %s: %v", o.ID, err)
				}
				if _, err := r.venue.Query(timeout(r), o); err != nil {
					r.Errorf("query %s: %v", o.ID, err)
				}
				if i%6 == 0 {
					if _, err := r.venue.Cancel(timeout(r), o); err != nil {
						r.Errorf("cancel %s: %v", o.ID, err)
					}
				}
			}
		})
	}
	group.Wait()
	r.settled(sink, orders...)
}

func testOneOfMany(r *rig) {
	var taken atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err := r.venue.Submit(timeout(r), r.order("the-one", domain.Buy, "1", "98"))
			rejected, no := errors.AsType[*execution.Rejected](err)
			switch {
			case err == nil:
				taken.Add(1)
			case !no || !rejected.Duplicate:
				r.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	if n := taken.Load(); n != 1 {
		r.Fatalf("it was taken %d times", n)
	}
	r.open(r.order("the-one", domain.Buy, "1", "98"))
}
