package replay

import (
	"context"
	"math"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
)

// player moves the position. Only play's goroutine uses it.
type player struct {
	*Server
	faults  []Fault
	started bool
	silent  int // frames still to pass unheard after a fault

	// The recorded time recorded is played at the time at.
	paced    bool
	at       time.Time
	recorded int64
}

// play plays all frames, then closes Done; looped, it has no end.
func (s *Server) play(ctx context.Context) error {
	p := player{Server: s, faults: s.cfg.Faults}
	for n := int64(0); ; n++ {
		if err := p.lap(ctx, n); err != nil || ctx.Err() != nil {
			return err // without one, ctx ended: a normal stop
		}
		if !s.cfg.Loop {
			close(s.done)
			s.cfg.Logger.Info("replay done", "progress", s.Progress())
			return nil
		}
	}
}

// lap plays all frames once.
func (p *player) lap(ctx context.Context, n int64) error {
	err := eachFrame(p.cfg.Files, p.dialect, nil, func(f frame) (bool, error) {
		return p.fail(ctx) == nil && p.pass(ctx, p.lapOf.shifted(f, n)) == nil, nil
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	_ = p.fail(ctx) // what is due after the last frame; its error would be ctx's
	return nil
}

// pass plays one frame. It returns ctx's error when ctx ends before that.
func (p *player) pass(ctx context.Context, f frame) error {
	if p.silent > 0 {
		if err := p.pace(ctx, f); err != nil {
			return err
		}
		p.silent--
		p.remember(f)
		p.count(true, false)
		return nil
	}
	for {
		if err := p.gate(ctx); err != nil {
			return err
		}
		if err := p.pace(ctx, f); err != nil {
			return err
		}
		listening, ok := p.audience(f.stream)
		if !ok && p.cfg.Mode == Hold {
			p.paced = false // the time of waiting is not made up for
			continue
		}
		p.remember(f)
		heard := false
		if len(listening) > 0 {
			p.tap(f)
		}
		for _, c := range listening {
			heard = c.send(ctx, f) || heard
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(listening) > 0 && !heard && p.cfg.Mode == Hold {
			continue // who was to hear it is gone: it waits for the next one
		}
		p.count(!heard && (!ok || len(listening) > 0), heard)
		return nil
	}
}

// gate waits for subscribers, in mode Live only before the first frame.
func (p *player) gate(ctx context.Context) error {
	if p.started && p.cfg.Mode == Live {
		return nil
	}
	for {
		p.mu.Lock()
		ready, changed := p.ready(), p.changed
		p.mu.Unlock()
		if ready && (p.started || p.settled(ctx, changed)) {
			p.started = true
			return ctx.Err()
		}
		p.paced = false
		if ready {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// settled waits for Config.Settle; false: subscriptions changed meanwhile.
func (p *player) settled(ctx context.Context, changed <-chan struct{}) bool {
	if p.cfg.Settle == 0 {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return p.cfg.Clock.Wait(ctx, p.cfg.Clock.Now().Add(p.cfg.Settle)) == nil
}

// tap tells who wants to know that a frame is about to be written.
func (p *player) tap(f frame) {
	if p.cfg.Tap == nil {
		return
	}
	heard := Heard{Stream: f.stream, Text: f.text}
	if base, quote, settle := p.dialect.assets(f.market); base != "" {
		heard.Symbol = domain.SymbolName(base, quote, settle)
	}
	for _, t := range f.trades {
		heard.Trades = append(heard.Trades, t.id)
	}
	p.cfg.Tap(heard)
}

// pace waits for the frame's time.
func (p *player) pace(ctx context.Context, f frame) error {
	if math.IsInf(p.cfg.Speed, 1) {
		return ctx.Err()
	}
	if !p.paced {
		p.paced, p.at, p.recorded = true, p.cfg.Clock.Now(), f.at
	}
	due := p.at.Add(time.Duration(float64(f.at-p.recorded) / p.cfg.Speed))
	return p.cfg.Clock.Wait(ctx, due)
}

// fail does the faults that are due at the position.
func (p *player) fail(ctx context.Context) error {
	for len(p.faults) > 0 && p.faults[0].After <= p.Progress().Played {
		fault := p.faults[0]
		p.faults = p.faults[1:]
		if err := p.gate(ctx); err != nil {
			return err
		}
		switch fault.Kind {
		case Cut, Close:
			p.endAll(fault.Kind == Close)
			p.silent += fault.Lose
		case Text, Binary:
			kind := websocket.MessageText
			if fault.Kind == Binary {
				kind = websocket.MessageBinary
			}
			for _, c := range p.subscribers() {
				c.write(ctx, kind, fault.Data)
			}
		}
	}
	return ctx.Err()
}

// remember makes the frame's trades known to REST, before anybody hears of them.
func (p *player) remember(f frame) {
	if len(f.trades) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range f.trades {
		p.tapes[f.market] = p.tapes[f.market].with(t)
	}
}

func (p *player) count(lost, delivered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.Played++
	if lost {
		p.progress.Lost++
	}
	if delivered {
		p.progress.Delivered++
	}
}
