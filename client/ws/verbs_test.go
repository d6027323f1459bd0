package ws_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/client/ws"
	"github.com/fullon/fullon/domain"
)

const btc = "BTC/USDT"

// must fails the test for an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wrote waits, by the gateway, until readers see what was written by it.
func (r *rig) wrote(c *ws.Client) func(domain.LogPosition, error) {
	return func(pos domain.LogPosition, err error) {
		r.tb.Helper()
		if err == nil {
			err = c.Wait(r.ctx, pos)
		}
		if err != nil {
			r.tb.Fatal(err)
		}
	}
}

func TestTicksAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	wrote := r.wrote(c)
	if _, err := c.Ticks.Get(r.ctx, "binance", btc); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("of a market without a tick: %v", err)
	}
	wrote(c.Ticks.Set(r.ctx, domain.Tick{
		Exchange: "binance", Symbol: btc, Last: dec("0.1234567890123456789"), Bid: dec("1"), BidSize: dec("2"), Ask: dec("3"), AskSize: dec("4"),
		Volume: dec("9007199254740993.1"), Time: noon, VenueSeq: 7,
	}))
	tick := must[domain.Tick](t)
	want := tick(r.direct.Ticks.Get(r.ctx, "binance", btc))
	if want.Last.String() != "0.1234567890123456789" || want.Volume.String() != "9007199254740993.1" || want.VenueSeq != 7 || !want.Time.Equal(noon) {
		t.Errorf("stored: %+v", want)
	}
	got := tick(c.Ticks.Get(r.ctx, "binance", btc))
	want.Stale = got.Stale // it may become so in between
	same(t, "Get", got, want)
	any := tick(c.Ticks.Any(r.ctx, btc))
	want.Stale = any.Stale
	same(t, "Any", any, want)
	all := must[[]domain.Tick](t)(c.Ticks.All(r.ctx, "binance"))
	if len(all) != 1 || all[0].Sequence != want.Sequence {
		t.Errorf("All: %+v", all)
	}
	price, err := c.Ticks.Price(r.ctx, "binance", btc)
	if !errors.Is(err, domain.ErrStale) && price.String() != want.Last.String() {
		t.Errorf("Price: %s, %v", price, err)
	}
	if exchanges := must[[]string](t)(c.Ticks.Exchanges(r.ctx)); len(exchanges) != 1 || exchanges[0] != "binance" {
		t.Errorf("Exchanges: %v", exchanges)
	}
	wrote(c.Ticks.Delete(r.ctx, "binance", btc))
	if _, err := r.direct.Ticks.Get(r.ctx, "binance", btc); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

func TestTradesAndCandlesAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	wrote := r.wrote(c)
	at := time.Now().UTC().Truncate(time.Microsecond)
	for _, id := range []string{"1", "2", "3"} {
		wrote(c.Trades.Push(r.ctx, domain.Trade{Exchange: "binance", Symbol: btc, ID: id, Side: domain.Sell, Price: dec("50000.10"), Volume: dec("0.00000001"), Time: at}))
	}
	trades := must[[]domain.Trade](t)
	want := trades(r.direct.Trades.List(r.ctx, "binance", btc, 2))
	same(t, "List", trades(c.Trades.List(r.ctx, "binance", btc, 2)), want)
	since, complete, err := c.Trades.Since(r.ctx, "binance", btc, at.Add(-time.Minute))
	if err != nil || len(since) != 3 {
		t.Errorf("Since: %d, %v, %v", len(since), complete, err)
	}
	status := must[ws.TradeStatus](t)(c.Trades.Status(r.ctx, "binance", btc))
	same(t, "Status", status, ws.TradeStatus(must[client.TradeStatus](t)(r.direct.Trades.Status(r.ctx, "binance", btc))))
	sum := must[domain.TradeAnalytics](t)(c.Trades.Analytics(r.ctx, "binance", btc, time.Hour))
	if sum.Count != 3 || sum.Volume.String() != "0.00000003" || sum.VWAP.String() != "50000.1" || sum.SellVolume.String() != "0.00000003" || sum.High.String() != "50000.1" {
		t.Errorf("Analytics: %+v", sum)
	}
	r.visible(r.bus.Publish(r.ctx, domain.Gap{Exchange: "binance", Symbol: btc, FromID: "4", ToID: "5", Missing: 2, Reason: "test", Time: noon}))
	gaps := must[[]domain.Gap](t)
	same(t, "Gaps", gaps(c.Trades.Gaps(r.ctx, "binance", btc, 10)), gaps(r.direct.Trades.Gaps(r.ctx, "binance", btc, 10)))
	for gap, err := range c.Trades.WatchGaps(r.ctx, "binance", btc) {
		if err != nil || gap.Missing != 2 || gap.Sequence == 0 {
			t.Errorf("WatchGaps: %+v, %v", gap, err)
		}
		break
	}
	bar := domain.Candle{
		Exchange: "binance", Symbol: btc, Timeframe: "1m", Time: at.Add(-2 * time.Minute).Truncate(time.Minute), Open: dec("1"), High: dec("3.5"), Low: dec("1"), Close: dec("2"),
		Volume: dec("10.25"), Trades: 4, Closed: true,
	}
	wrote(c.Candles.Put(r.ctx, bar))
	bars := must[[]domain.Candle](t)
	same(t, "Latest", bars(c.Candles.Latest(r.ctx, "binance", btc, "1m", 5)), bars(r.direct.Candles.Latest(r.ctx, "binance", btc, "1m", 5)))
	between := bars(c.Candles.Between(r.ctx, "binance", btc, "1m", bar.Time.Add(-time.Hour), bar.Time.Add(time.Minute)))
	if len(between) != 1 || between[0].Trades != 4 || !between[0].Closed || between[0].Source != domain.FromVenue || between[0].Sequence == 0 {
		t.Errorf("Between: %+v", between)
	}
	for got, err := range c.Candles.Watch(r.ctx, "binance", btc, "1m") {
		if err != nil {
			t.Fatal(err)
		}
		if got.Time.Equal(bar.Time) { // those of the trades are there too
			if got.High.String() != "3.5" || got.Sequence == 0 || got.Source != domain.FromVenue {
				t.Errorf("Watch: %+v", got)
			}
			break
		}
	}
}

func TestAccountsAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	wrote := r.wrote(c)
	if _, err := c.Accounts.Balance(r.ctx, "1001", "BTC"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("of an account that is not known: %v", err)
	}
	wrote(c.Accounts.SetBalances(r.ctx, "1001", []domain.Balance{
		{Account: "1001", Currency: "BTC", Total: dec("1.5"), Free: dec("1.2"), Used: dec("0.3"), Time: noon},
		{Account: "1001", Currency: "USDT", Total: dec("-10"), Free: dec("-10"), Time: noon},
	}))
	balances := must[[]domain.Balance](t)
	same(t, "Balances", balances(c.Accounts.Balances(r.ctx, "1001")), balances(r.direct.Accounts.Balances(r.ctx, "1001")))
	balance := must[domain.Balance](t)
	same(t, "Balance", balance(c.Accounts.Balance(r.ctx, "1001", "BTC")), balance(r.direct.Accounts.Balance(r.ctx, "1001", "BTC")))
	wrote(c.Accounts.SetPosition(r.ctx, domain.Position{
		Account: "1001", Symbol: btc, Exchange: "kraken", Volume: dec("-0.5"), Price: dec("50000"), Cost: dec("25000"), Fee: dec("-0.1"), Realised: dec("-3"), Time: noon,
	}))
	positions := must[[]domain.Position](t)
	same(t, "Positions", positions(c.Accounts.Positions(r.ctx, "1001")), positions(r.direct.Accounts.Positions(r.ctx, "1001")))
	if ids := must[[]string](t)(c.Accounts.List(r.ctx)); len(ids) != 1 || ids[0] != "1001" {
		t.Errorf("List: %v", ids)
	}
	wrote(c.Ticks.Set(r.ctx, domain.Tick{Exchange: "kraken", Symbol: btc, Last: dec("40000"), Time: time.Now()}))
	worth := must[ws.Portfolio](t)(c.Accounts.Portfolio(r.ctx, "1001", "USDT"))
	if len(worth.Holdings) != 2 || len(worth.Positions) != 1 || !worth.PositionsKnown || worth.Positions[0].Volume.String() != "-0.5" || worth.Holdings[0].Total.String() != "1.5" {
		t.Errorf("Portfolio: %+v", worth)
	}
	for b, err := range c.Accounts.WatchBalances(r.ctx, "1001") {
		if err != nil || b.Sequence == 0 || b.Account != "1001" {
			t.Errorf("WatchBalances: %+v, %v", b, err)
		}
		break
	}
	seen := 0
	for p, err := range c.Accounts.WatchPositions(r.ctx, "1001") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 1 {
			wrote(c.Accounts.DeletePosition(r.ctx, "1001", btc))
			continue
		}
		if !p.Flat() || p.Symbol != btc {
			t.Errorf("after DeletePosition: %+v", p)
		}
		break
	}
}

func TestOrdersAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	order := must[domain.Order](t)
	wanted := domain.Order{ID: "o-1", Exchange: "kraken", OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: "grid", Symbol: btc, Side: domain.Buy, Type: domain.Limit, TimeInForce: domain.PostOnly, Volume: dec("0.1"), Price: dec("49999.99"),
	}}
	pushed := order(c.Orders.Push(r.ctx, wanted))
	again := order(c.Orders.Push(r.ctx, wanted))
	if pushed.ID != "o-1" || pushed.Sequence == 0 || again.First != pushed.First {
		t.Errorf("pushed %+v, again %+v", pushed, again)
	}
	must[struct{}](t)(struct{}{}, r.direct.Orders.Sync(r.ctx, "kraken"))
	same(t, "Get", order(c.Orders.Get(r.ctx, "kraken", "o-1")), order(r.direct.Orders.Get(r.ctx, "kraken", "o-1")))
	if _, err := c.Orders.Get(r.ctx, "kraken", "o-2"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("of an order that is not there: %v", err)
	}
	if status := must[domain.OrderStatus](t)(c.Orders.Status(r.ctx, "kraken", "o-1")); status != domain.OrderNew {
		t.Errorf("Status: %s", status)
	}
	list := must[[]domain.Order](t)(c.Orders.List(r.ctx, ws.OrderFilter{Exchange: "kraken", Bot: "grid", Statuses: []domain.OrderStatus{domain.OrderNew}}))
	if len(list) != 1 || list[0].Price.String() != "49999.99" || list[0].TimeInForce != domain.PostOnly {
		t.Errorf("List: %+v", list)
	}
	if n := must[int](t)(c.Orders.QueueLength(r.ctx, "kraken", "")); n != 1 {
		t.Errorf("QueueLength: %d", n)
	}
	for n, err := range c.Orders.WatchQueueLength(r.ctx, "kraken", btc) {
		if err != nil || n != 1 {
			t.Errorf("WatchQueueLength: %d, %v", n, err)
		}
		break
	}
	delivered := must[ws.OrderDelivery](t)(c.Orders.Pop(r.ctx, "kraken", 10*time.Second))
	if delivered.ID != "o-1" || delivered.Receipt == "" || delivered.Tries != 1 || delivered.Until.IsZero() {
		t.Errorf("Pop: %+v", delivered)
	}
	must[struct{}](t)(struct{}{}, c.Orders.Extend(r.ctx, delivered, time.Minute))
	queue := must[[]ws.OrderQueue](t)(c.Orders.Queue(r.ctx, "kraken"))
	if len(queue) != 1 || queue[0].Leased != "o-1" || queue[0].Waiting != 1 || queue[0].Until.IsZero() {
		t.Errorf("Queue: %+v", queue)
	}
	if _, err := c.Orders.Pop(r.ctx, "kraken", 0); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("Pop of a leased one: %v", err)
	}
	must[struct{}](t)(struct{}{}, c.Orders.Nack(r.ctx, delivered, 0))
	delivered = must[ws.OrderDelivery](t)(c.Orders.Pop(r.ctx, "kraken", 10*time.Second))
	if acked := order(c.Orders.Ack(r.ctx, delivered)); acked.Status != domain.OrderAccepted || delivered.Tries != 2 {
		t.Errorf("Ack: %+v", acked)
	}
	for got, err := range c.Orders.Watch(r.ctx, ws.OrderFilter{Exchange: "kraken", Account: "1001"}) {
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != "o-1" || got.Sequence == 0 {
			t.Errorf("Watch: %+v", got)
		}
		if got.CancelRequested {
			break
		}
		if cancelled := order(c.Orders.Cancel(r.ctx, "kraken", "o-1")); !cancelled.CancelRequested {
			t.Errorf("Cancel: %+v", cancelled)
		}
	}
	if exchanges := must[[]string](t)(c.Exchanges(r.ctx)); len(exchanges) != 2 || exchanges[1] != "kraken" {
		t.Errorf("Exchanges: %v", exchanges)
	}
}

func TestBotsAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	claim := must[domain.Claim](t)
	request := ws.BlockRequest{Exchange: "kraken", Symbol: btc, Bot: "grid", For: time.Minute}
	block := claim(c.Bots.Block(r.ctx, request))
	other := request
	other.Bot = "arbitrage"
	var told *ws.Error
	if _, err := c.Bots.Block(r.ctx, other); !errors.Is(err, domain.ErrConflict) || !errors.As(err, &told) || told.Code != "BLOCKED" {
		t.Errorf("of a market that another bot has: %v", err)
	}
	renewed := claim(c.Bots.Renew(r.ctx, block, 2*time.Minute))
	if renewed.Token() != block.Token() || !renewed.Expires.After(block.Expires) {
		t.Errorf("Renew: %+v after %+v", renewed, block)
	}
	mark := claim(c.Bots.MarkOpening(r.ctx, request))
	claim(c.Bots.RenewOpening(r.ctx, mark, time.Minute))
	must[struct{}](t)(struct{}{}, r.direct.Bots.Sync(r.ctx, "kraken"))
	for name, look := range map[string]func() (domain.Claim, bool, error){
		"IsBlocked": func() (domain.Claim, bool, error) { return c.Bots.IsBlocked(r.ctx, "kraken", btc) },
		"IsOpening": func() (domain.Claim, bool, error) { return c.Bots.IsOpening(r.ctx, "kraken", btc) },
	} {
		if got, is, err := look(); err != nil || !is || got.Bot != "grid" {
			t.Errorf("%s: %+v, %v, %v", name, got, is, err)
		}
	}
	seen := map[domain.Kind]bool{}
	for got, err := range c.Bots.Watch(r.ctx, "kraken") {
		if err != nil {
			t.Fatal(err)
		}
		if got.Kind == domain.KindBlock && got.Released {
			break
		}
		if seen[got.Kind] = true; len(seen) == 2 && !got.Released {
			must[struct{}](t)(struct{}{}, c.Bots.UnmarkOpening(r.ctx, mark))
			must[struct{}](t)(struct{}{}, c.Bots.Unblock(r.ctx, renewed))
		}
	}
	claim(c.Bots.Takeover(r.ctx, other))
	r.visible(r.direct.Bots.Halt(r.ctx, domain.Halt{Exchange: "kraken", Bot: "grid", State: domain.TradingHalted, Reason: "test"}))
	halts := must[[]domain.Halt](t)(c.Bots.Halts(r.ctx, "kraken"))
	if len(halts) != 1 || halts[0].Bot != "grid" || halts[0].State != domain.TradingHalted || halts[0].Reason != "test" {
		t.Errorf("Halts: %+v", halts)
	}
	wrote := r.wrote(c)
	wrote(c.Bots.UpdateStatus(r.ctx, domain.BotStatus{Bot: "grid", Feed: "main", Fields: map[string]string{"status": "running"}}))
	statuses := must[[]domain.BotStatus](t)
	want := statuses(r.direct.Bots.Status(r.ctx, "grid"))
	want[0].Sequence = 0 // the protocol has it not
	same(t, "Status", statuses(c.Bots.Status(r.ctx, "grid")), want)
	same(t, "Statuses", statuses(c.Bots.Statuses(r.ctx)), want)
	for report, err := range c.Bots.WatchStatus(r.ctx, "grid") {
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Statuses) == 0 {
			break
		}
		if report.Bot != "grid" || report.Statuses[0].Fields["status"] != "running" {
			t.Errorf("WatchStatus: %+v", report)
		}
		wrote(c.Bots.DeleteStatus(r.ctx, "grid", ""))
	}
}

func TestProcessesAndTheCatalogueAreAsPackageClientHasThem(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial(secret)
	self := must[domain.Process](t)(c.Processes.Register(r.ctx, domain.Process{
		Type: domain.ProcessBot, Component: "grid", Host: "here", PID: 7, Interval: 20 * time.Second, Params: map[string]string{"mode": "test"},
	}))
	must[struct{}](t)(struct{}{}, c.Processes.Heartbeat(r.ctx, self.ID))
	must[struct{}](t)(struct{}{}, c.Processes.Say(r.ctx, self.ID, "trading"))
	list := must[[]domain.Process](t)
	got, want := list(c.Processes.Active(r.ctx, ws.ProcessFilter{Type: domain.ProcessBot})), list(r.direct.Processes.Active(r.ctx, client.ProcessFilter{}))
	if len(got) != 1 || len(want) != 1 || got[0].Message != "trading" || self.Interval != 20*time.Second {
		t.Fatalf("Active: %+v, %+v", got, want)
	}
	got[0].Age, want[0].Age = 0, 0
	same(t, "Active", got, want)
	if health := must[domain.SystemHealth](t)(c.Processes.SystemHealth(r.ctx)); !health.OK() || health.Fresh != 1 {
		t.Errorf("SystemHealth: %+v", health)
	}
	for all, err := range c.Processes.Watch(r.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			break
		}
		must[struct{}](t)(struct{}{}, c.Processes.Stop(r.ctx, self.ID, "done"))
	}
	if err := c.Processes.Heartbeat(r.ctx, "nobody"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("Heartbeat of nobody: %v", err)
	}
	r.visible(r.direct.Venues.Set(r.ctx, domain.Venue{Name: "kraken", Title: "Kraken", Status: domain.VenueOpen, Params: map[string]string{"a": "b"}, Time: noon}))
	venue := must[domain.Venue](t)
	found, stored := venue(c.Venues.Get(r.ctx, "kraken")), venue(r.direct.Venues.Get(r.ctx, "kraken"))
	stored.Sequence, stored.Emptied = 0, 0
	same(t, "Venues.Get", found, stored)
	r.visible(r.direct.Symbols.Set(r.ctx, domain.Symbol{
		Exchange: "kraken", Name: btc, VenueSymbol: "XBTUSDT", Base: "BTC", Quote: "USDT", TickSize: dec("0.1"), LotSize: dec("0.00001"), Trading: true,
	}))
	symbol := must[domain.Symbol](t)
	there := symbol(r.direct.Symbols.Get(r.ctx, "kraken", btc))
	there.Sequence = 0
	same(t, "Symbols.Get", symbol(c.Symbols.Get(r.ctx, "kraken", btc)), there)
	same(t, "ByVenueSymbol", symbol(c.Symbols.ByVenueSymbol(r.ctx, "kraken", "XBTUSDT")), there)
	same(t, "Symbols.List", must[[]domain.Symbol](t)(c.Symbols.List(r.ctx, "kraken")), []domain.Symbol{there})
	must[struct{}](t)(struct{}{}, r.direct.VenueErrors.Push(r.ctx, "kraken", "it hurts"))
	problems := must[[]domain.VenueError](t)
	same(t, "VenueErrors.List", problems(c.VenueErrors.List(r.ctx, "kraken", 10)), problems(r.direct.VenueErrors.List(r.ctx, "kraken", 10)))
}
