package projector_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
)

// A projector that reads a market's state after another one has applied the very
// batch that it is folding must not fold that onto it: the checkpoint that both
// end at does not tell.
func TestABatchIsNotFoldedOntoAStateThatHasIt(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	r.settle()
	r.stop()
	const trades = crashCap + 2 // so that Redis no longer has the first ones' ids
	stream := crashLayout.TradeStreamOf("binance", "BTC/USDT")
	late := &lateLog{logOf: logOf{r.bus}, rig: r, stream: stream, first: trades, attached: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := r.run(ctx, late)
	<-late.attached
	push := func(id int) {
		tr := trade("BTC/USDT", id, "100", "1", time.Duration(id)*time.Second)
		if _, err := r.client.Trades.Push(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	for id := range trades {
		push(id)
	}
	r.settleWith(r.start)
	push(trades)
	r.settle()
	bars, err := r.client.Candles.Latest(t.Context(), "binance", "BTC/USDT", "1m", 1)
	if err != nil || len(bars) != 1 || bars[0].Trades != trades+1 {
		t.Errorf("%+v (%v), want %d trades", bars, err, trades+1)
	}
	cancel()
	wait()
}

// lateLog hands out the first messages of a stream only once all of them are in
// Redis.
type lateLog struct {
	logOf
	rig      *crashRig
	stream   string
	first    int
	attached chan struct{}
	once     sync.Once
}

func (l *lateLog) Open(stream string, from uint64) projector.Reader {
	reader := l.logOf.Open(stream, from)
	if stream == l.stream {
		l.once.Do(func() { reader = &lateReader{Reader: reader, log: l} })
	}
	return reader
}

type lateReader struct {
	projector.Reader
	log *lateLog
	fed bool
}

func (l *lateReader) Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error) {
	if l.fed {
		return l.Reader.Read(ctx, dst, wait)
	}
	close(l.log.attached)
	l.fed = true
	n := 0
	for n < l.log.first {
		more, err := l.Reader.Read(ctx, dst[n:], wait)
		if err != nil {
			return 0, err
		}
		n += more
	}
	p := l.log.rig.store.Partition(l.log.stream)
	for {
		at, err := p.Checkpoint(ctx)
		if err != nil || at.Seq >= dst[n-1].Seq {
			return n, err
		}
		_, _ = p.Wait(ctx, at.Seq, wait)
	}
}
