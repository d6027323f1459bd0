package acceptance

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// sampler looks again and again whether Redis is at this moment the fold of the
// log up to its checkpoint, whatever is done to the processes meanwhile.
type sampler struct {
	keys    []string // checkpoint and trades
	cancel  context.CancelFunc
	done    chan struct{}
	samples map[sample]bool
}

// sample is what Redis held at one moment.
type sample struct {
	checkpoint uint64
	trades     int
	last       uint64 // sequence of the newest trade
}

// look reads the checkpoint and the trades of one moment.
var look = redis.NewScript(`return {redis.call('GET', KEYS[1]) or '', redis.call('LLEN', KEYS[2]), redis.call('LINDEX', KEYS[2], -1) or ''}`)

// watch samples a market until the test ends or check is called.
func watch(t testing.TB, server *testserver.Redis, stream, symbol string) *sampler {
	t.Helper()
	tag := "fullon:{" + stream + "}:"
	s := &sampler{
		keys: []string{tag + "checkpoint", tag + "trades:" + exchange + ":" + symbol},
		done: make(chan struct{}), samples: make(map[sample]bool),
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	c := server.Client(t)
	go func() {
		defer close(s.done)
		for ctx.Err() == nil {
			if got, ok := s.take(ctx, c); ok {
				s.samples[got] = true
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
		}
	}()
	t.Cleanup(s.stop)
	return s
}

func (s *sampler) stop() {
	s.cancel()
	<-s.done
}

// take is not ok when there is nothing to tell: Redis does not answer, or the
// projection has just begun and what is there belongs to an earlier epoch.
func (s *sampler) take(ctx context.Context, c *redis.Client) (got sample, ok bool) {
	reply, err := look.Run(ctx, c, s.keys).Slice()
	if err != nil || len(reply) != 3 {
		return got, false
	}
	at, err := domain.ParseCheckpoint(reply[0].(string))
	if err != nil || at.Seq == 0 {
		return got, false
	}
	got = sample{checkpoint: at.Seq, trades: int(reply[1].(int64))}
	if value := reply[2].(string); value != "" {
		if got.last, _, err = wire.Unstamp([]byte(value)); err != nil {
			return got, false
		}
	}
	return got, true
}

// check compares the samples with the sequences of the market's trades.
func (s *sampler) check(t testing.TB, seqs []uint64, keep int) {
	t.Helper()
	s.stop()
	if len(s.samples) < 10 {
		t.Errorf("only %d different moments were seen", len(s.samples))
	}
	for got := range s.samples {
		n, found := slices.BinarySearch(seqs, got.checkpoint)
		if found {
			n++ // trades up to the checkpoint
		}
		want := sample{checkpoint: got.checkpoint, trades: min(n, keep)}
		if n > 0 {
			want.last = seqs[n-1]
		}
		if got != want {
			t.Fatalf("at checkpoint %d Redis held %d trades up to %s, the log %d up to %d",
				got.checkpoint, got.trades, strconv.FormatUint(got.last, 10), want.trades, want.last)
		}
	}
}
