package paper

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

var noon = time.Date(2024, 8, 9, 12, 0, 0, 0, time.UTC)

// books is an engine under test and what it did, kept apart from it.
type books struct {
	t       *rapid.T
	engine  *engine
	now     time.Time
	changes []change
	orders  map[string]domain.OrderStatus // by account and id
	ticks   uint64
	tick    domain.Tick
	// received is the newest tick's, which is not to go back as now does.
	received time.Time
	used     map[domain.Side]domain.Decimal // of the newest tick
}

const (
	accountA = "a"
	accountB = "b"
)

func newBooks(t *rapid.T) *books {
	bps := func(name string) domain.Decimal {
		return domain.MustDecimal(strconv.Itoa(rapid.IntRange(-50, 300).Draw(t, name)))
	}
	cfg := Config{
		Exchange: "binance", MakerBPS: bps("maker"), TakerBPS: bps("taker"), LimitSizes: rapid.Bool().Draw(t, "limit sizes"),
		Balances: map[string]domain.Decimal{"USDT": domain.MustDecimal("10000"), "BTC": domain.MustDecimal("5")},
		Accounts: map[string]map[string]domain.Decimal{accountB: {"USDT": domain.MustDecimal("777.77")}},
		MaxOpen:  10,
	}.WithDefaults()
	return &books{
		t: t, engine: newEngine(rulesOf(cfg), "epoch", newLedger()), now: noon, orders: make(map[string]domain.OrderStatus),
		used: make(map[domain.Side]domain.Decimal),
	}
}

func draw(t *rapid.T, name string, low, high int) domain.Decimal {
	cents := rapid.IntRange(low, high).Draw(t, name)
	return domain.MustDecimal(fmt.Sprintf("%d.%02d", cents/100, cents%100))
}

func (b *books) submit() {
	id := "o-" + strconv.Itoa(rapid.IntRange(0, 60).Draw(b.t, "id"))
	o := domain.Order{
		ID: id, Exchange: "binance", Status: domain.OrderIntent, Created: b.now,
		OrderTerms: domain.OrderTerms{
			Account: rapid.SampledFrom([]string{accountA, accountB}).Draw(b.t, "account"), Bot: "bot",
			Symbol:      rapid.SampledFrom([]string{"BTC/USDT", "BTC/USDT", "BTC/USDT", "ETH/BTC"}).Draw(b.t, "symbol"),
			Side:        rapid.SampledFrom([]domain.Side{domain.Buy, domain.Sell}).Draw(b.t, "side"),
			Type:        rapid.SampledFrom([]domain.OrderType{domain.Market, domain.Limit, domain.Limit, domain.Stop, domain.StopLimit}).Draw(b.t, "type"),
			TimeInForce: rapid.SampledFrom([]domain.TimeInForce{0, 0, 0, 1, 2, 3}).Draw(b.t, "tif"),
			Volume:      draw(b.t, "volume", 1, 800), ReduceOnly: rapid.IntRange(0, 4).Draw(b.t, "reduce") == 0,
		},
	}
	if o.Type.HasPrice() {
		o.Price = draw(b.t, "price", 8000, 12000)
	}
	if o.Type.HasStop() {
		o.StopPrice = draw(b.t, "stop", 8000, 12000)
	}
	if o.Validate() != nil {
		return // post-only and not a limit order
	}
	if c, err := b.engine.enter(o.Account, b.now); err != nil {
		b.t.Fatal(err)
	} else if c.Seq != 0 {
		b.did(c)
	}
	before := b.state()
	c, report, err := b.engine.submit(&o, &domain.Tick{}, "", b.now)
	if err != nil {
		if c.Seq != 0 || b.state() != before {
			b.t.Fatalf("a rejection changed the books: %v", err)
		}
		return
	}
	if report.ID != o.ID || o.TimeInForce == domain.FillOrKill && report.Filled.IsPos() && report.Status != domain.OrderFilled {
		b.t.Fatalf("the report of %+v is %+v", o, report)
	}
	b.did(c)
}

func (b *books) cancel() {
	id := "o-" + strconv.Itoa(rapid.IntRange(0, 60).Draw(b.t, "id"))
	c, _, err := b.engine.cancel(accountA, id, b.now)
	if err == nil && c.Seq != 0 {
		b.did(c)
	}
}

func (b *books) move() {
	b.ticks++
	if b.now.After(b.received) {
		b.received = b.now
	}
	bid := draw(b.t, "bid", 8000, 12000)
	tick := domain.Tick{
		Exchange: "binance", Symbol: "BTC/USDT", Bid: bid, Ask: bid.Add(draw(b.t, "spread", 0, 100)),
		BidSize: draw(b.t, "bid size", 0, 400), AskSize: draw(b.t, "ask size", 0, 400),
		Received: b.received, Sequence: b.ticks, Stale: rapid.IntRange(0, 9).Draw(b.t, "stale") == 0,
	}
	if rapid.IntRange(0, 9).Draw(b.t, "one-sided") == 0 {
		tick.Ask, tick.Last = domain.Decimal{}, bid
	}
	if rapid.IntRange(0, 3).Draw(b.t, "other market") == 0 {
		tick.Symbol = "ETH/BTC"
	}
	if tick.Symbol == "BTC/USDT" {
		b.tick = tick
		clear(b.used)
	}
	b.meet(tick)
	b.meet(tick) // the same once more offers nothing new
}

func (b *books) meet(tick domain.Tick) {
	for _, c := range b.engine.tick(tick, b.now) {
		if tick.Stale {
			b.t.Fatalf("a stale tick did %+v", c)
		}
		b.did(c)
	}
}

// did checks one change by itself.
func (b *books) did(c change) {
	b.changes = append(b.changes, c)
	if c.Seq != uint64(len(b.changes)) {
		b.t.Fatalf("change %d has the number %d", len(b.changes), c.Seq)
	}
	for _, o := range c.Orders {
		key := c.Account + "/" + o.ID
		before, known := b.orders[key]
		if !known {
			before = domain.OrderIntent
		}
		if !before.CanBecome(o.Status) {
			b.t.Fatalf("%s went from %s to %s", key, before, o.Status)
		}
		b.orders[key] = o.Status
		for _, f := range c.Fills {
			buys := f.Side == domain.Buy
			if o.Terms.Type.HasPrice() && (buys && f.Price.GreaterThan(o.Terms.Price) || !buys && f.Price.LessThan(o.Terms.Price)) {
				b.t.Fatalf("%+v was filled beyond its limit: %+v", o, f)
			}
			if f.Symbol == "BTC/USDT" {
				b.used[f.Side] = b.used[f.Side].Add(f.Volume)
			}
		}
	}
	if b.engine.limitSizes {
		if size := b.tick.AskSize; size.IsPos() && b.tick.Ask.IsPos() && b.used[domain.Buy].GreaterThan(size) {
			b.t.Fatalf("%s was bought of %+v", b.used[domain.Buy], b.tick)
		}
		if size := b.tick.BidSize; size.IsPos() && b.used[domain.Sell].GreaterThan(size) {
			b.t.Fatalf("%s was sold of %+v", b.used[domain.Sell], b.tick)
		}
	}
}

// state is the books as text.
func (b *books) state() string { return snapshotText(b.engine.books) }

func snapshotText(l *ledger) string {
	text, err := json.Marshal(l.snapshot())
	if err != nil {
		panic(err)
	}
	return string(text)
}

// restart makes the engine anew out of its changes, from the journal's form.
func (b *books) restart() {
	changes := b.changes
	if rapid.Bool().Draw(b.t, "compacted") {
		changes = b.engine.books.snapshot()
	}
	next := newLedger()
	err := new(journal).records(changes, func(record []byte) error {
		read, err := readChanges(record[recordHead:])
		for _, c := range read {
			next.apply(c)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	next.sortOpen()
	if before, after := b.state(), snapshotText(next); before != after {
		b.t.Fatalf("before the restart\n%s\nafter it\n%s", before, after)
	}
	b.engine = newEngine(b.engine.rules, "epoch", next)
	if b.tick.Symbol != "" {
		b.meet(b.tick) // what was taken of it is still taken
	}
}

// check holds the whole of the books to what the fills say.
func (b *books) check(t *rapid.T) {
	for symbol, orders := range b.engine.books.open {
		if !slices.IsSortedFunc(orders, func(x, y *order) int { return cmp.Compare(x.Number, y.Number) }) {
			t.Fatalf("the orders of %s do not stand in line", symbol)
		}
	}
	for name, a := range b.engine.books.accounts {
		total, used := make(map[string]domain.Decimal), make(map[string]domain.Decimal)
		begins := b.engine.balances
		if own, ok := b.engine.accounts[name]; ok {
			begins = own
		}
		for currency, amount := range begins {
			total[currency] = amount
		}
		filled, spent := make(map[string]domain.Decimal), make(map[string]domain.Decimal)
		positions, won := make(map[string]domain.Decimal), make(map[string]domain.Decimal)
		for i, made := range a.fills {
			f := made.fill
			if err := f.Validate(); err != nil || f.ID == "" || i > 0 && f.ID == a.fills[i-1].fill.ID {
				t.Fatalf("%+v: %v", f, err)
			}
			base, quote, _, _ := domain.SplitSymbol(f.Symbol)
			volume, cost := f.Volume, f.Cost()
			filled[f.ClientOrderID], spent[f.ClientOrderID] = filled[f.ClientOrderID].Add(volume), spent[f.ClientOrderID].Add(cost)
			if f.Side == domain.Sell {
				sold := minDecimal(volume, positions[f.Symbol])
				volume, cost = volume.Neg(), cost.Neg()
				positions[f.Symbol] = positions[f.Symbol].Sub(sold)
				won[f.Symbol] = won[f.Symbol].Add(f.Price.Mul(sold))
			} else {
				positions[f.Symbol] = positions[f.Symbol].Add(volume)
				won[f.Symbol] = won[f.Symbol].Sub(cost)
			}
			total[base], total[quote] = total[base].Add(volume), total[quote].Sub(cost).Sub(f.Fee)
		}
		open := 0
		for _, o := range a.orders {
			if !o.Filled.Equal(filled[o.ID]) || !o.Spent.Equal(spent[o.ID]) || o.Filled.GreaterThan(o.Terms.Volume) ||
				(o.Status == domain.OrderFilled) != o.remaining().IsZero() || o.Status.Final() && !o.Reserved.IsZero() || o.Reserved.IsNeg() {
				t.Fatalf("%+v, its fills make %s for %s", o, filled[o.ID], spent[o.ID])
			}
			if o.Status.Resting() {
				open++
			}
			base, quote, _, _ := domain.SplitSymbol(o.Terms.Symbol)
			currency := base
			if o.Terms.Side == domain.Buy {
				currency = quote
			}
			used[currency] = used[currency].Add(o.Reserved)
		}
		if open != a.open || open > b.engine.maxOpen {
			t.Fatalf("%d orders are open, %d counted", open, a.open)
		}
		for currency, balance := range a.balances {
			if err := balance.Validate(); err != nil || balance.Free.IsNeg() || !balance.Total.Equal(total[currency]) ||
				!balance.Used.Equal(used[currency]) || !balance.Free.Equal(balance.Total.Sub(balance.Used)) {
				t.Fatalf("%s: %+v, %v; the fills make %s, the orders hold %s", name, balance, err, total[currency], used[currency])
			}
		}
		for symbol, p := range a.positions {
			// What came in and went out is what was won and what is still in it.
			if err := p.Validate(); err != nil || !p.Volume.Equal(positions[symbol]) || !p.Realised.Sub(p.Cost).Equal(won[symbol]) ||
				p.Volume.IsZero() != p.Cost.IsZero() {
				t.Fatalf("%+v, %v; the fills make %s and %s", p, err, positions[symbol], won[symbol])
			}
		}
	}
}

func TestNothingIsMadeOrLostWhateverHappens(t *testing.T) {
	t.Parallel()
	fills, restarts, kinds := 0, 0, make(map[string]bool)
	run := func(rt *rapid.T) {
		b := newBooks(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"submit": func(rt *rapid.T) { b.t = rt; b.submit() },
			"cancel": func(rt *rapid.T) { b.t = rt; b.cancel() },
			"move":   func(rt *rapid.T) { b.t = rt; b.move() },
			"wait": func(rt *rapid.T) {
				b.now = b.now.Add(time.Duration(rapid.IntRange(-1000, 4000).Draw(rt, "ms")) * time.Millisecond)
			},
			"restart": func(rt *rapid.T) { b.t = rt; restarts++; b.restart() },
			"":        b.check,
		})
		for _, c := range b.changes {
			fills += len(c.Fills)
			for _, o := range c.Orders {
				kinds[o.Status.String()] = true
				if len(c.Fills) > 0 {
					kinds["filled "+o.Terms.Type.String()+" "+o.Terms.TimeInForce.String()] = true
				}
			}
		}
	}
	// A model that nothing happens in proves nothing.
	const most = 20 // some of it is seldom
	var missing []string
	for range most {
		rapid.Check(t, run)
		missing = slices.DeleteFunc([]string{
			"accepted", "partial", "filled", "canceled", "expired", "filled market gtc", "filled limit ioc",
			"filled limit post_only", "filled stop gtc", "filled stop_limit gtc",
		}, func(kind string) bool { return kinds[kind] })
		if len(missing) == 0 || t.Failed() {
			return
		}
	}
	t.Errorf("%q never happened; %d fills, %d restarts, %v", missing, fills, restarts, kinds)
}

func TestTheOldestOrderGetsWhatIsOffered(t *testing.T) {
	t.Parallel()
	cfg := Config{Exchange: "binance", LimitSizes: true, Balances: map[string]domain.Decimal{"USDT": domain.MustDecimal("10000")}}.WithDefaults()
	e := newEngine(rulesOf(cfg), "epoch", newLedger())
	if _, err := e.enter(accountA, noon); err != nil {
		t.Fatal(err)
	}
	var changes []change
	for i := range 3 {
		o := domain.Order{ID: fmt.Sprint("o-", i), OrderTerms: domain.OrderTerms{
			Account: accountA, Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Limit, Volume: domain.MustDecimal("2"), Price: domain.MustDecimal("100"),
		}}
		if _, _, err := e.submit(&o, &domain.Tick{}, "", noon); err != nil {
			t.Fatal(err)
		}
	}
	changes = e.tick(domain.Tick{
		Symbol: "BTC/USDT", Ask: domain.MustDecimal("100"), AskSize: domain.MustDecimal("3"), Received: noon,
	}, noon)
	var got []string
	for _, c := range changes {
		got = append(got, c.Orders[0].ID+" "+c.Fills[0].Volume.String())
	}
	if !slices.Equal(got, []string{"o-0 2", "o-1 1"}) {
		t.Fatalf("got %v", got)
	}
}

func TestAnOrderThatArrivesAfterItsDeadlineIsRejected(t *testing.T) {
	t.Parallel()
	x := open(t, stillConfig(t.TempDir()))
	e := x.engine
	if _, err := e.enter(accountA, noon); err != nil {
		t.Fatal(err)
	}
	o := wants("late")
	o.Type, o.Price, o.Deadline = domain.Limit, domain.MustDecimal("50"), noon
	if _, _, err := e.submit(&o, &domain.Tick{}, "", noon.Add(1)); !errors.Is(err, execution.ErrRejected) {
		t.Fatalf("got %v", err)
	}
	if _, _, err := e.submit(&o, &domain.Tick{}, "", noon); err != nil {
		t.Fatal(err)
	}
}

func TestABuyerWhoCannotPayTheMarketGetsNothingMore(t *testing.T) {
	t.Parallel()
	e := newEngine(rulesOf(Config{Balances: map[string]domain.Decimal{"USDT": domain.MustDecimal("10000")}}.WithDefaults()), "epoch", newLedger())
	if _, err := e.enter(accountA, noon); err != nil {
		t.Fatal(err)
	}
	o := wants("stop")
	o.Type, o.StopPrice, o.Volume = domain.Stop, domain.MustDecimal("100"), domain.MustDecimal("99")
	if _, _, err := e.submit(&o, &domain.Tick{}, "", noon); err != nil {
		t.Fatal(err)
	}
	changes := e.tick(domain.Tick{Symbol: "BTC/USDT", Ask: domain.MustDecimal("150"), Received: noon}, noon)
	if len(changes) != 1 || changes[0].Orders[0].Status != domain.OrderExpired || len(changes[0].Fills) != 0 {
		t.Fatalf("got %+v", changes)
	}
	if usdt := e.books.accounts[accountA].balances["USDT"]; !usdt.Free.Equal(domain.MustDecimal("10000")) || !usdt.Used.IsZero() {
		t.Fatalf("got %+v", usdt)
	}
}

func TestWhatIsStoredWhileSomebodySubscribesIsToldOnce(t *testing.T) {
	t.Parallel()
	x := open(t, stillConfig(t.TempDir()))
	submitAll(t, x, 0, 1)
	x.mu.Lock() // decided, and not stored yet
	o := wants("pending")
	c, _, err := x.engine.submit(&o, &domain.Tick{}, "", time.Now())
	x.pending = append(x.pending, c)
	x.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	s, first, err := x.attach(accountA, position{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.leave(s)
	fills := 0
	for _, c := range first {
		fills += len(c.Fills)
	}
	if fills != 2 || len(s.changes) != 0 {
		t.Fatalf("told %d of 2 fills, and %d changes once more", fills, len(s.changes))
	}
}
