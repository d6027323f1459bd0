package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

func ExampleCandles() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	begin := time.Date(2026, 1, 31, 15, 0, 0, 0, time.UTC)
	bar := domain.Candle{
		Exchange: "kraken", Symbol: "BTC/USD", Timeframe: "1m", Time: begin, Open: domain.MustDecimal("47000"), High: domain.MustDecimal("47500"),
		Low: domain.MustDecimal("46800"), Close: domain.MustDecimal("47200"), Volume: domain.MustDecimal("150.5"), Source: domain.FromVenue,
	}
	var pos domain.LogPosition
	for _, closing := range []string{"47200", "47300"} { // the second takes the place of the first
		bar.Close = domain.MustDecimal(closing)
		var err error
		if pos, err = c.Candles.Put(ctx, bar); err != nil {
			panic(err)
		}
	}
	if err := c.Wait(ctx, pos); err != nil {
		panic(err)
	}
	bars, err := c.Candles.Latest(ctx, "kraken", "BTC/USD", "1m", 10)
	if err != nil {
		panic(err)
	}
	for _, b := range bars {
		fmt.Println(b.Time.Format(time.TimeOnly), b.Close)
	}
	// Output:
	// 15:00:00 47300
}

func ExampleAccounts() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	_, err := c.Accounts.Position(ctx, "1001", "BTC/USDT")
	fmt.Println("unknown:", errors.Is(err, domain.ErrNotFound))
	pos, err := c.Accounts.SetPosition(ctx, domain.Position{Account: "1001", Symbol: "BTC/USDT", Volume: domain.MustDecimal("0.5")})
	if err != nil {
		panic(err)
	}
	if err := c.Wait(ctx, pos); err != nil {
		panic(err)
	}
	for _, symbol := range []string{"BTC/USDT", "ETH/USDT"} {
		p, err := c.Accounts.Position(ctx, "1001", symbol)
		if err != nil {
			panic(err) // not to be taken for flat
		}
		fmt.Println(symbol, p.Volume, "flat:", p.Flat())
	}
	// Output:
	// unknown: true
	// BTC/USDT 0.5 flat: false
	// ETH/USDT 0 flat: true
}

func ExampleFills() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	_, err := c.Fills.Push(ctx, domain.Fill{
		Account: "1001", Exchange: "kraken", Symbol: "BTC/USDT", ID: "T-1", Side: domain.Buy, Time: time.Unix(1_700_000_000, 0),
		Price: domain.MustDecimal("50000"), Volume: domain.MustDecimal("0.1"),
	})
	if err != nil {
		panic(err)
	}
	fill, err := c.Fills.Pop(ctx, "1001", "kraken", 10*time.Second, time.Minute)
	if err != nil {
		panic(err)
	}
	fmt.Println(fill.ID, fill.Side, fill.Volume, "for", fill.Cost())
	// Whoever dies before this line gets it again.
	if _, err := c.Fills.Ack(ctx, fill); err != nil {
		panic(err)
	}
	_, err = c.Fills.Pop(ctx, "1001", "kraken", 10*time.Second, 0)
	fmt.Println("another one:", !errors.Is(err, domain.ErrNotFound))
	// Output:
	// T-1 buy 0.1 for 5000
	// another one: false
}

func ExampleOrders() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	order := domain.Order{ID: "grid-7", Exchange: "binance", OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: "grid", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Limit,
		Volume: domain.MustDecimal("0.5"), Price: domain.MustDecimal("50000"),
	}}
	for range 2 { // the same again is the same order
		if _, _, err := c.Orders.Push(ctx, order); err != nil {
			panic(err)
		}
	}
	delivery, err := c.Orders.Pop(ctx, "binance", time.Minute)
	if err != nil {
		panic(err)
	}
	fmt.Println(delivery.ID, delivery.Status, delivery.Side, delivery.Volume, delivery.Symbol)
	// Here it is sent. Whoever dies before the next line lets another have it.
	accepted, err := c.Orders.Ack(ctx, delivery)
	if err != nil {
		panic(err)
	}
	fmt.Println(accepted.Status)
	_, err = c.Orders.Update(ctx, "binance", order.ID, func(o *domain.Order) error {
		o.Status = domain.OrderNew
		return nil
	})
	fmt.Println("back to new:", !errors.Is(err, domain.ErrConflict))
	// Output:
	// grid-7 new buy 0.5 BTC/USDT
	// accepted
	// back to new: false
}

func ExampleBots() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	request := client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "grid-1", For: time.Minute}
	block, err := c.Bots.Block(ctx, request)
	if err != nil {
		panic(err) // another has it, or that is not known: it must not trade
	}
	request.Bot = "trend-1"
	_, err = c.Bots.Block(ctx, request)
	var held *client.HeldError
	if errors.As(err, &held) {
		fmt.Println("trend-1 must wait for", held.Claim.Bot)
	}
	if err := c.Bots.Unblock(ctx, block); err != nil {
		panic(err)
	}
	if err := c.Bots.Sync(ctx, "binance"); err != nil {
		panic(err)
	}
	next, err := c.Bots.Block(ctx, request)
	if err != nil {
		panic(err)
	}
	fmt.Println(next.Bot, "has it, with a higher token:", next.Token() > block.Token())
	// Output:
	// trend-1 must wait for grid-1
	// trend-1 has it, with a higher token: true
}

func ExampleSymbols() {
	c, end := deployment()
	defer end()
	ctx := context.Background()

	pos, err := c.Symbols.Set(ctx, domain.Symbol{
		Exchange: "kraken", Name: "BTC/USDT", VenueSymbol: "XBTUSDT", Base: "BTC", Quote: "USDT", LotSize: domain.MustDecimal("0.001"), Trading: true,
	})
	if err != nil {
		panic(err)
	}
	if err := c.Wait(ctx, pos); err != nil {
		panic(err)
	}
	symbol, err := c.Symbols.ByVenueSymbol(ctx, "kraken", "XBTUSDT")
	if err != nil {
		panic(err)
	}
	volume, rest, err := symbol.RoundVolume(domain.MustDecimal("0.0105"))
	if err != nil {
		panic(err) // nothing would be left
	}
	fmt.Println(symbol.Name, volume, "and", rest, "left over")
	// Output:
	// BTC/USDT 0.01 and 0.0005 left over
}
