package venue

import "github.com/fullon/fullon/domain"

// Bars finds out when a bar is final, for venues that send updates of the bar
// that is open and do not say which one was the last: once a later bar is
// there. It belongs to one connection, because what came before a reconnect may
// lack the end of the bar; the snapshot of the new connection has it whole. It
// is not safe for concurrent use.
type Bars struct {
	open map[openBar]domain.Candle
}

type openBar struct {
	market *Market
	length domain.Timeframe
}

// Take hands on what is final: the bar before c, or c itself if a later bar is
// known already.
func (b *Bars) Take(m *Market, c domain.Candle) {
	if b.open == nil {
		b.open = make(map[openBar]domain.Candle)
	}
	key := openBar{m, c.Timeframe}
	held, ok := b.open[key]
	switch {
	case ok && c.Time.Before(held.Time):
		c.Closed = true
		m.Candle(c)
		return
	case ok && c.Time.After(held.Time):
		held.Closed = true
		m.Candle(held)
	}
	b.open[key] = c
}
