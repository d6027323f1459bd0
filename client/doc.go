// Package client is the one handle that bots, connectors and servers hold:
// writes go to the log, reads come from Redis.
//
//	c, err := client.Connect(ctx, client.Config{})
//	…
//	pos, err := c.Ticks.Set(ctx, tick)              // acknowledged by the log
//	err = c.Wait(ctx, pos)                          // now readers see it
//	tick, err = c.Ticks.Get(ctx, "binance", "BTC/USDT")
//	for tick, err := range c.Ticks.Watch(ctx, "binance") { … }
//
// Four answers are told apart with errors.Is: domain.ErrNotFound (it is not
// there), domain.ErrUnreachable (nobody answered), domain.ErrUnknown (what is
// stored cannot be read) and, on the tick itself, Stale. Nothing is swallowed.
//
// Processes and VenueErrors are not in the log but in Redis alone: they are about
// what runs at the moment.
//
//	self, err := c.Processes.Register(ctx, domain.Process{Type: domain.ProcessBot, Component: "grid"})
//	go self.Run(ctx, nil)                           // beats by itself
//	err = self.Update(ctx, domain.ProcessChange{Status: domain.ProcessRunning})
//	defer self.Stop(context.Background(), "")
//
// What an account holds is known or not, and only what is known can be flat:
//
//	p, err := c.Accounts.Position(ctx, "1001", "BTC/USDT")  // err: do not take it for flat
//	if err == nil && p.Flat() { … }
//
// Fills are handed out at least once: popped, dealt with, acknowledged.
//
//	d, err := c.Fills.Pop(ctx, "1001", "kraken", 30*time.Second, time.Minute)
//	_, err = c.Fills.Ack(ctx, d)
//
// A block is the right to trade in a market; of any number of bots one has it,
// and what is done in its name is stored on the condition that it still has:
//
//	block, err := c.Bots.Block(ctx, client.BlockRequest{Exchange: "kraken", Symbol: "BTC/USDT", Bot: "grid-1"})
//	var held *client.HeldError                      // errors.As: another one has it
//	err = c.Bots.Holding(ctx, block, 0, func(ctx context.Context) error { … })
//	err = c.Bots.Unblock(ctx, block)
//
// Orders wait in a queue for each exchange until somebody sends them, and have a
// state that is read and changed under their id:
//
//	order, pos, err := c.Orders.Push(ctx, domain.Order{ID: client.NewOrderID(), …})  // the same again after ErrUnreachable
//	d, err := c.Orders.Pop(ctx, "kraken", 30*time.Second)
//	order, err = c.Orders.Update(ctx, "kraken", d.ID, func(o *domain.Order) error { … })
//	err = c.Orders.Consume(ctx, "kraken", client.ConsumeConfig{Concurrency: 8}, handler)
//
// All methods are safe for concurrent use. Methods that take a context return
// its error when it ends.
package client
