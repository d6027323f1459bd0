package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// logged is one event of a series in the log.
type logged struct {
	seq, n uint64
}

// readStream reads all that a stream holds of the given series, in its order.
func (c *checker) readStream(ctx context.Context, stream string) (map[domain.Key][]logged, error) {
	out := make(map[domain.Key][]logged)
	extent, err := c.log.Extent(ctx, stream)
	if err != nil {
		return nil, err
	}
	reader := c.log.NewReader(stream, extent.First)
	defer reader.Close()
	records := make([]domain.Record, 1000)
	for next := extent.First; next <= extent.Last; {
		n, err := reader.Read(ctx, records, time.Second)
		if err != nil {
			return nil, err
		}
		for _, rec := range records[:n] {
			if rec.Seq != next {
				c.complain("%s has a hole before %d", stream, rec.Seq)
			}
			next = rec.Seq + 1
			event, err := wire.Decode(rec.Key, rec.Data)
			if err != nil {
				return nil, fmt.Errorf("%s sequence %d: %w", stream, rec.Seq, err)
			}
			if number, err := numberOf(event); err == nil {
				key := event.Key()
				out[key] = append(out[key], logged{rec.Seq, number})
			}
		}
	}
	return out, nil
}

// checkLog holds the log to what was acknowledged, and Redis' trades to the log.
func (c *checker) checkLog(ctx context.Context) error {
	all := make(map[domain.Key][]logged)
	total := 0
	for _, stream := range layout.Streams() {
		its, err := c.readStream(ctx, stream)
		if err != nil {
			return err
		}
		for key, events := range its {
			all[key] = events
			total += len(events)
		}
	}
	c.tell("%d events are in the log", total)
	for _, s := range c.load.single() {
		c.checkAcked(s, all[s.key])
	}
	for _, s := range c.load.ordered {
		c.checkOnce(s, all[s.key])
	}
	for _, s := range append(append([]*series{}, c.load.pushed...), append(c.load.ordered, c.load.replaced)...) {
		if err := c.checkTrades(ctx, s, all[s.key]); err != nil {
			return err
		}
	}
	for _, s := range append(append([]*series{}, c.load.streamed...), c.load.set...) {
		if err := c.checkTick(ctx, s, all[s.key]); err != nil {
			return err
		}
	}
	return nil
}

// checkAcked checks that what was acknowledged is where the acknowledgement
// said, and that nothing is there that was not published.
func (c *checker) checkAcked(s *series, events []logged) {
	base, last, acked := s.known()
	at := make(map[uint64]uint64, len(events)) // number by sequence
	there := make(map[uint64]bool, len(events))
	for _, e := range events {
		at[e.seq], there[e.n] = e.n, true
		if e.n <= base || e.n > last {
			c.complain("%s: the log has at %d number %d, published were those from %d to %d", s, e.seq, e.n, base+1, last)
		}
	}
	lost := 0
	for n, pos := range acked {
		if at[pos.Seq] == n || pos.Seq == 0 && there[n] {
			continue
		}
		if lost++; lost == 1 {
			c.complain("%s: number %d was acknowledged at %d, where the log has %d", s, n, pos.Seq, at[pos.Seq])
		}
	}
	if lost > 1 {
		c.complain("%s: so were %d more", s, lost-1)
	}
}

// checkOnce checks that a series is in the log once and in its order.
func (c *checker) checkOnce(s *series, events []logged) {
	_, _, acked := s.known()
	before := uint64(0)
	for _, e := range events {
		if e.n <= before {
			c.complain("%s: the log has number %d at %d, behind number %d", s, e.n, e.seq, before)
			return
		}
		before = e.n
	}
	if len(events) != len(acked) {
		c.complain("%s: the log has %d, %d were taken", s, len(events), len(acked))
	}
}

// firsts are the events of a series without repetitions, and what is wrong with
// their order: that of those that were acknowledged is the one in which they were
// published.
func (c *checker) firsts(s *series, events []logged) []logged {
	_, _, acked := s.known()
	seen := make(map[uint64]bool, len(events))
	var out []logged
	newest := uint64(0)
	for _, e := range events {
		if seen[e.n] {
			continue
		}
		seen[e.n] = true
		out = append(out, e)
		if _, sure := acked[e.n]; sure {
			if e.n < newest {
				c.complain("%s: number %d came behind %d", s, e.n, newest)
			}
			newest = max(newest, e.n)
		}
	}
	for n := range acked {
		if !seen[n] {
			c.complain("%s: number %d was acknowledged and is not in the log", s, n)
			break
		}
	}
	return out
}
