package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// load publishes numbered events of all kinds, and notes which were
// acknowledged. The number of a trade is its id, that of a tick its venue's
// sequence, that of a balance its total and that of a position its volume.
type load struct {
	seed   uint64
	client *client.Client
	bus    *bus.Bus

	pushed    []*series // trades, one at a time, each with an acknowledgement
	ordered   []*series // trades, through bus.OrderedPublisher
	streamed  []*series // ticks, through bus.TickPublisher
	set       []*series // ticks, one at a time
	balances  []*series
	positions []*series
	replaced  *series // pushed trades of the stream that is replaced
	orders    orderLoad
}

// epoch is the time of the events with number zero.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func timeOf(n uint64) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }

func number(n uint64) domain.Decimal { return domain.MustDecimal(strconv.FormatUint(n, 10)) }

func newLoad(seed uint64, b *bus.Bus, c *client.Client) *load {
	l := &load{seed: seed, client: c, bus: b, orders: newOrderLoad(seed, c)}
	market := func(k domain.Kind, symbols ...string) (out []*series) {
		for _, symbol := range symbols {
			out = append(out, newSeries(domain.Key{Kind: k, Exchange: exchange, Symbol: symbol}))
		}
		return out
	}
	ticks, trades := bus.TickStream, bus.TradeStream
	l.pushed = market(domain.KindTrade, append(marketsIn(2, "P", trades(1), layout.TradeStreamOf), marketsIn(2, "P", trades(2), layout.TradeStreamOf)...)...)
	l.ordered = market(domain.KindTrade, append(marketsIn(1, "O", trades(1), layout.TradeStreamOf), marketsIn(1, "O", trades(2), layout.TradeStreamOf)...)...)
	l.streamed = market(domain.KindTick, append(marketsIn(2, "T", ticks(1), layout.TickStreamOf), marketsIn(2, "T", ticks(2), layout.TickStreamOf)...)...)
	l.set = market(domain.KindTick, append(marketsIn(1, "S", ticks(1), layout.TickStreamOf), marketsIn(1, "S", ticks(2), layout.TickStreamOf)...)...)
	l.replaced = market(domain.KindTrade, marketsIn(1, "R", replacedStream, layout.TradeStreamOf)...)[0]
	for _, account := range accountsIn(2, bus.AccountStream(1)) {
		l.balances = append(l.balances, newSeries(domain.Key{Kind: domain.KindBalance, Account: account, Currency: "USDT"}))
		l.positions = append(l.positions, newSeries(domain.Key{Kind: domain.KindPosition, Account: account, Symbol: "BTC/USDT:USDT"}))
	}
	return l
}

// single are the series that are published one event at a time.
func (l *load) single() []*series {
	var all []*series
	for _, s := range [...][]*series{l.pushed, l.set, l.balances, l.positions} {
		all = append(all, s...)
	}
	return append(all, l.replaced)
}

// event makes the n-th event of a series.
func (s *series) event(n uint64) domain.Event {
	k := s.key
	switch k.Kind {
	case domain.KindTrade:
		return domain.Trade{
			Exchange: k.Exchange, Symbol: k.Symbol, ID: strconv.FormatUint(n, 10), Side: domain.Side(1 + n%2),
			Price: number(100 + n%7), Volume: number(1 + n%3), Time: timeOf(n), Received: timeOf(n),
		}
	case domain.KindTick:
		return domain.Tick{
			Exchange: k.Exchange, Symbol: k.Symbol, Last: number(100 + n%7), Bid: number(99), Ask: number(107), VenueSeq: n,
			Time: timeOf(n), Received: timeOf(n),
		}
	case domain.KindBalance:
		return domain.Balance{Account: k.Account, Currency: k.Currency, Total: number(n), Free: number(n), Time: timeOf(n)}
	case domain.KindPosition:
		return domain.Position{Account: k.Account, Symbol: k.Symbol, Exchange: exchange, Volume: number(n), Price: number(100), Time: timeOf(n)}
	}
	panic("no events of " + k.Kind)
}

// numberOf is the number of an event, by what it says.
func numberOf(event domain.Event) (uint64, error) {
	text := ""
	switch e := event.(type) {
	case domain.Trade:
		text = e.ID
	case domain.Tick:
		return e.VenueSeq, nil
	case domain.Balance:
		text = e.Total.String()
	case domain.Position:
		text = e.Volume.String()
	}
	return strconv.ParseUint(text, 10, 64)
}

// fill publishes something into the partitions that rest from then on, and makes
// the markets of the orders known.
func (l *load) fill(ctx context.Context) error {
	events := []domain.Event{}
	for i := range 20 {
		n := uint64(i + 1)
		events = append(events,
			newSeries(domain.Key{Kind: domain.KindTick, Exchange: exchange, Symbol: marketsIn(1, "I", bus.TickStream(0), layout.TickStreamOf)[0]}).event(n),
			newSeries(domain.Key{Kind: domain.KindTrade, Exchange: exchange, Symbol: marketsIn(1, "I", bus.TradeStream(0), layout.TradeStreamOf)[0]}).event(n),
			newSeries(domain.Key{Kind: domain.KindBalance, Account: accountsIn(1, bus.AccountStream(0))[0], Currency: "USDT"}).event(n))
	}
	for _, event := range events {
		if err := retry(ctx, func() error { _, err := l.bus.Publish(ctx, event); return err }); err != nil {
			return err
		}
	}
	return l.orders.fill(ctx)
}

// run publishes until ctx ends; then it gives the log up to drain to take the
// rest. The error says what it did not take.
func (l *load) run(ctx context.Context, drain time.Duration) error {
	ticks, err := l.bus.NewTickPublisher()
	if err != nil {
		return err
	}
	trades := l.bus.NewOrderedPublisher(100_000)
	publishing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var errs [2]error
	var publishers, all conc.WaitGroup
	publishers.Go(func() { errs[0] = ticks.Run(publishing, drain) })
	publishers.Go(func() { errs[1] = trades.Run(publishing, drain) })
	for i, s := range l.single() {
		random := rand.New(rand.NewPCG(l.seed, uint64(1000+i)))
		all.Go(func() { l.publish(ctx, s, random) })
	}
	for _, s := range l.ordered {
		all.Go(func() {
			for rest(ctx, 5*time.Millisecond) {
				for range 3 {
					if n := s.next(); trades.Publish(s.event(n)) == nil {
						s.ack(n, domain.LogPosition{}) // it is, once trades.Run has ended
					}
				}
			}
		})
	}
	for _, s := range l.streamed {
		all.Go(func() {
			for rest(ctx, 5*time.Millisecond) {
				for range 2 {
					if tick, ok := s.event(s.next()).(domain.Tick); !ok || ticks.Publish(tick) != nil {
						s.fail()
					}
				}
			}
		})
	}
	all.Go(func() { l.orders.run(ctx) })
	all.Wait()
	stop()
	publishers.Wait()
	return errors.Join(errs[:]...)
}

// giveUp is how many of 100 events are not published again after an error: what
// became of them nobody knows.
const giveUp = 30

// publish publishes a series one event at a time.
func (l *load) publish(ctx context.Context, s *series, random *rand.Rand) {
	for rest(ctx, time.Duration(5+random.IntN(10))*time.Millisecond) {
		l.one(ctx, s, random.IntN(100) < giveUp)
	}
}

// one publishes the next event of a series, until it is acknowledged, or once.
func (l *load) one(ctx context.Context, s *series, once bool) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	n := s.next()
	for {
		at, err := l.bus.Publish(ctx, s.event(n))
		if err == nil {
			s.ack(n, at)
			return
		}
		s.fail()
		if once || !rest(ctx, 20*time.Millisecond) {
			return
		}
	}
}

// refill publishes into a series that was forgotten more than it had: the new
// sequences are beyond the old ones then. The projectors wait for it, so it is
// done in batches.
func (l *load) refill(ctx context.Context, s *series) error {
	base, _, _ := s.known()
	p := l.bus.NewOrderedPublisher(math.MaxInt32)
	numbers := make([]uint64, base+50)
	for i := range numbers {
		numbers[i] = s.next()
		if err := p.Publish(s.event(numbers[i])); err != nil {
			return err
		}
	}
	over, end := context.WithCancel(ctx)
	end() // with what is there
	if err := p.Run(over, settleLimit); err != nil {
		return err
	}
	for _, n := range numbers {
		s.ack(n, domain.LogPosition{})
	}
	return nil
}

// figures are how much was published.
func (l *load) figures() string {
	count := func(all ...*series) (acked, failed int) {
		for _, s := range all {
			_, _, its := s.known()
			acked += len(its)
			s.mu.Lock()
			failed += s.tries
			s.mu.Unlock()
		}
		return acked, failed
	}
	ticks := uint64(0)
	for _, s := range l.streamed {
		_, last, _ := s.known()
		ticks += last
	}
	single, failed := count(l.single()...)
	ordered, _ := count(l.ordered...)
	return fmt.Sprintf("%d events acknowledged one by one (%d tries failed), %d trades in order, %d ticks streamed, %s", single, failed, ordered, ticks, l.orders.figures())
}
