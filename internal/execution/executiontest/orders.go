package executiontest

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

func testRests(r *rig) {
	sink, _ := Listen(r, r.venue)
	o := r.order("rests-1", domain.Buy, "2", "98")
	report := r.submit(o, domain.OrderAccepted, "0")
	if again := r.query(o, domain.OrderAccepted, "0"); fmt.Sprint(again) != fmt.Sprint(report) {
		r.Fatalf("query says %+v, submit said %+v", again, report)
	}
	r.open(o)
	Eventually(r, "the reserve", func() bool { return sink.BalanceOf("USDT").Used.GreaterThanOrEqual(dec("196")) })
	r.cancel(o, domain.OrderCanceled, "0")
	r.query(o, domain.OrderCanceled, "0")
	r.open()
	r.cancel(o, domain.OrderCanceled, "0") // once more is no error
	Eventually(r, "the end of the reserve", func() bool { return sink.BalanceOf("USDT").Used.IsZero() })
	Eventually(r, "both reports", func() bool { return len(sink.Reports(o.ID)) == 2 })
	if reports := sink.Reports(o.ID); reports[0].Status != domain.OrderAccepted || reports[1].Status != domain.OrderCanceled {
		r.Fatalf("the reports are %+v", reports)
	}
	r.h.Market("90", "10", "91", "10")
	r.settled(sink, o)
}

func testMarket(r *rig) {
	sink, _ := Listen(r, r.venue)
	buy, sell := r.order("buy", domain.Buy, "3", ""), r.order("sell", domain.Sell, "1", "")
	if report := r.submit(buy, domain.OrderFilled, "3"); !report.AveragePrice.Equal(dec("101")) {
		r.Fatalf("a buyer got %s, not the ask", report.AveragePrice)
	}
	if report := r.submit(sell, domain.OrderFilled, "1"); !report.AveragePrice.Equal(dec("99")) {
		r.Fatalf("a seller got %s, not the bid", report.AveragePrice)
	}
	crossing := r.order("crossing", domain.Buy, "1", "105")
	if report := r.submit(crossing, domain.OrderFilled, "1"); !report.AveragePrice.Equal(dec("101")) {
		r.Fatalf("a buyer with a limit got %s, not the ask", report.AveragePrice)
	}
	r.settled(sink, buy, sell, crossing)
	r.cancel(buy, domain.OrderFilled, "3") // its end, and no error
	for _, f := range sink.Fills("") {
		if f.Maker {
			r.Fatalf("%+v was taken", f)
		}
	}
	if r.h.Spot {
		return
	}
	Eventually(r, "the position", func() bool { return sink.PositionOf(Symbol).Volume.Equal(dec("3")) })
	p := sink.PositionOf(Symbol)
	if err := p.Validate(); err != nil || !p.Price.Equal(dec("101")) || !p.Cost.Equal(dec("303")) || !p.Realised.Equal(dec("-2")) {
		r.Fatalf("the position is %+v, %v", p, err)
	}
}

func testDuplicate(r *rig) {
	o := r.order("once", domain.Buy, "1", "98")
	r.submit(o, domain.OrderAccepted, "0")
	if !r.refused(o).Duplicate {
		r.Fatal("the rejection does not say that the id is taken")
	}
	r.open(o)
	r.cancel(o, domain.OrderCanceled, "0")
	if !r.refused(o).Duplicate {
		r.Fatal("the id of an order that ended is free")
	}
	if r.refused(r.order("other", domain.Buy, "1000000", "98")).Duplicate {
		r.Fatal("another rejection says that the id is taken")
	}
}

func testUnknown(r *rig) {
	o := r.order("nobody", domain.Buy, "1", "98")
	r.missing(o)
	if _, err := r.venue.Cancel(r.Context(), o); err == nil {
		r.Fatal("an unknown order was canceled")
	}
	r.open()
}

func testForeign(r *rig) {
	o := r.order("foreign", domain.Buy, "1", "98")
	o.Account += "x"
	_ = r.refused(o)
	o = r.order("foreign", domain.Buy, "1", "98")
	o.Exchange += "x"
	_ = r.refused(o)
	_ = r.refused(r.order("no good id", domain.Buy, "1", "98"))
	_ = r.refused(r.order("foreign", domain.Buy, "0", "98"))
	r.missing(r.order("foreign", domain.Buy, "1", "98"))
}

func testPartial(r *rig) {
	sink, _ := Listen(r, r.venue)
	o := r.order("parts", domain.Buy, "10", "100")
	r.submit(o, domain.OrderAccepted, "0")
	r.h.Market("99", "10", "100", "4")
	r.query(o, domain.OrderPartial, "4")
	r.h.Market("99", "10", "101", "4")
	r.query(o, domain.OrderPartial, "4")
	r.h.Market("98", "10", "99.5", "2.5")
	report := r.query(o, domain.OrderPartial, "6.5")
	if !report.AveragePrice.Equal(dec("100")) {
		r.Fatalf("a resting order was filled at %s, not at its limit", report.AveragePrice)
	}
	r.open(o)
	r.settled(sink, o)
	r.h.Market("98", "10", "99", "50")
	r.query(o, domain.OrderFilled, "10")
	r.open()
	taker := r.order("taker", domain.Sell, "12", "98")
	r.submit(taker, domain.OrderPartial, "10")
	r.cancel(taker, domain.OrderCanceled, "10")
	r.settled(sink, o, taker)
	for _, f := range sink.Fills(o.ID) {
		if !f.Maker {
			r.Fatalf("%+v was made", f)
		}
	}
	// Reports of one order only go forward.
	var filled domain.Decimal
	for _, report := range sink.Reports(o.ID) {
		if report.Filled.LessThan(filled) {
			r.Fatalf("the reports go back: %+v", sink.Reports(o.ID))
		}
		filled = report.Filled
	}
	Eventually(r, "no reserve", func() bool { return sink.BalanceOf("USDT").Used.IsZero() && sink.BalanceOf("BTC").Used.IsZero() })
}

func testPostOnly(r *rig) {
	takes, rests := r.order("takes", domain.Buy, "1", "101"), r.order("rests", domain.Sell, "1", "102")
	takes.TimeInForce, rests.TimeInForce = domain.PostOnly, domain.PostOnly
	if r.refused(takes).Duplicate {
		r.Fatal("the rejection says that the id is taken")
	}
	r.missing(takes)
	r.submit(rests, domain.OrderAccepted, "0")
	r.h.Market("102", "10", "103", "10")
	r.query(rests, domain.OrderFilled, "1")
}

func testReduceOnly(r *rig) {
	if r.h.Spot {
		bought := r.order("bought", domain.Buy, "2", "")
		bought.ReduceOnly = true
		_ = r.refused(bought) // nobody is short
		return
	}
	early := r.order("early", domain.Sell, "1", "")
	early.ReduceOnly = true
	_ = r.refused(early) // there is no position
	bought := r.order("bought", domain.Buy, "2", "")
	r.submit(bought, domain.OrderFilled, "2")
	more := r.order("more", domain.Buy, "1", "")
	more.ReduceOnly = true
	_ = r.refused(more)
	tooMuch := r.order("too-much", domain.Sell, "3", "")
	tooMuch.ReduceOnly = true
	_ = r.refused(tooMuch)
	less := r.order("less", domain.Sell, "2", "")
	less.ReduceOnly = true
	r.submit(less, domain.OrderFilled, "2")
}

func testImmediate(r *rig) {
	sink, _ := Listen(r, r.venue)
	with := func(id string, volume, price string, tif domain.TimeInForce) domain.Order {
		o := r.order(id, domain.Buy, volume, price)
		o.TimeInForce = tif
		return o
	}
	nothing := with("ioc-nothing", "1", "100", domain.ImmediateOrCancel)
	r.submit(nothing, domain.OrderExpired, "0")
	killed := with("fok-killed", "11", "101", domain.FillOrKill)
	if r.h.RejectsKills {
		_ = r.refused(killed)
		r.missing(killed)
	} else {
		r.submit(killed, domain.OrderExpired, "0")
		r.settled(sink, killed)
	}
	whole := with("fok-whole", "4", "101", domain.FillOrKill)
	r.submit(whole, domain.OrderFilled, "4")
	part := with("ioc-part", "11", "101", domain.ImmediateOrCancel)
	r.submit(part, domain.OrderExpired, "6")
	r.query(part, domain.OrderExpired, "6")
	r.open()
	r.settled(sink, nothing, whole, part)
	if used := sink.BalanceOf("USDT").Used; !used.IsZero() {
		r.Fatalf("%s is still in use", used)
	}
}

func testStops(r *rig) {
	sink, _ := Listen(r, r.venue)
	stop := r.stop("stop", domain.Sell, "1", "95")
	limited := r.order("stop-limit", domain.Buy, "1", "106")
	limited.Type, limited.StopPrice = domain.StopLimit, dec("105")
	if r.h.NoStops {
		for _, o := range []domain.Order{stop, limited} {
			_ = r.refused(o)
			r.missing(o)
		}
		return
	}
	r.submit(stop, domain.OrderAccepted, "0")
	r.submit(limited, domain.OrderAccepted, "0")
	r.h.Market("96", "10", "98", "10")
	r.open(stop, limited)
	r.h.Market("94", "10", "94.5", "10")
	if report := r.query(stop, domain.OrderFilled, "1"); !report.AveragePrice.Equal(dec("94")) {
		r.Fatalf("the stop was filled at %s, not at the bid", report.AveragePrice)
	}
	r.open(limited)
	r.h.Market("106", "10", "107", "10") // reached, but dearer than its limit
	r.query(limited, domain.OrderAccepted, "0")
	r.h.Market("103", "10", "104", "10")
	if report := r.query(limited, domain.OrderFilled, "1"); report.AveragePrice.GreaterThan(dec("106")) {
		r.Fatalf("the stop-limit was filled at %s, beyond its limit", report.AveragePrice)
	}
	r.settled(sink, stop, limited)
}

func testFunds(r *rig) {
	if r.feeCurrency(domain.Buy) == "USDT" {
		_ = r.refused(r.order("too-dear", domain.Buy, "10101", "99")) // 999,999 without a fee
	}
	_ = r.refused(r.order("too-dear", domain.Buy, "10102", "99"))
	_ = r.refused(r.order("too-much", domain.Sell, "100.1", "101"))
	half := r.order("half", domain.Buy, "6000", "98")
	r.submit(half, domain.OrderAccepted, "0")
	other := r.order("other-half", domain.Buy, "6000", "98")
	_ = r.refused(other)
	r.cancel(half, domain.OrderCanceled, "0")
	other.ID = "again"
	r.submit(other, domain.OrderAccepted, "0")
}

func testDeadline(r *rig) {
	o := r.order("late", domain.Buy, "1", "98")
	ctx, cancel := context.WithDeadline(r.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if report, err := r.venue.Submit(ctx, o); err == nil {
		r.Fatalf("it was taken: %+v", report)
	}
	r.missing(o)
	r.submit(o, domain.OrderAccepted, "0") // its id is not used up
}
