package acceptance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

const exchange = "binance"

// rig is a log, and what starts processes on it.
type rig struct {
	t   testing.TB
	bus *bus.Bus
	url string   // of the log
	env []string // of processes, besides
}

// newRig starts a nats-server in this process.
func newRig(t testing.TB) (*rig, *testserver.NATS) {
	t.Helper()
	n := testserver.NewNATS(t)
	return &rig{t: t, bus: n.Bus(t, bus.Layout{}), url: n.URL}, n
}

// play serves recordings as a venue. It holds the position while ingest is
// away, so that what is lost is what the faults say and what was under way.
func (r *rig) play(cfg replay.Config, recordings ...*recording) *replay.Server {
	r.t.Helper()
	cfg.Mode = replay.Hold
	if cfg.Speed == 0 {
		cfg.Speed = replay.Max
	}
	for _, rec := range recordings {
		cfg.Files = append(cfg.Files, rec.path)
		cfg.Await = append(cfg.Await, strings.ToLower(strings.ReplaceAll(rec.symbol, "/", ""))+"@trade")
	}
	s, err := replay.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	return s
}

// played waits until the position has passed a share of all frames.
func (r *rig) played(s *replay.Server, share float64) {
	r.t.Helper()
	want := int(share * float64(s.Frames()))
	eventually(r.t, "the replay", func() string {
		if p := s.Progress(); p.Played < want {
			return fmt.Sprintf("%+v of %d frames", p, want)
		}
		return ""
	})
}

// finished waits until everything has been played.
func (r *rig) finished(s *replay.Server) {
	r.t.Helper()
	select {
	case <-s.Done():
	case <-time.After(patience):
		r.t.Fatalf("the replay does not end: %+v of %d", s.Progress(), s.Frames())
	}
}

// ingest follows a venue at these addresses.
func (r *rig) ingest(ws, rest string, recordings ...*recording) *process {
	r.t.Helper()
	var symbols []string
	for _, rec := range recordings {
		symbols = append(symbols, rec.symbol)
	}
	return start(r.t, "ingest", append([]string{
		"NATS_URL=" + r.url, "BINANCE_WS_URL=" + ws, "BINANCE_REST_URL=" + rest, "FULLON_SYMBOLS=" + strings.Join(symbols, ","),
		"FULLON_SILENT_AFTER=10m", // a recording ends, and tests go on
	}, r.env...)...)
}

// projector folds the log into a Redis.
func (r *rig) projector(redis *testserver.Redis, env ...string) *process {
	r.t.Helper()
	host, port, _ := strings.Cut(redis.Addr, ":")
	return start(r.t, "projector", append([]string{"NATS_URL=" + r.url, "REDIS_HOST=" + host, "REDIS_PORT=" + port}, env...)...)
}

// reader is a client of the log and a Redis.
func (r *rig) reader(redis *testserver.Redis) *client.Client {
	r.t.Helper()
	c := client.New(r.bus, redis.Store(r.t))
	r.t.Cleanup(c.Close)
	return c
}

// caughtUp waits until Redis reflects all that the log holds of what a
// projector folds.
func (r *rig) caughtUp(projector *process, redis *testserver.Redis) {
	r.t.Helper()
	r.caughtUpIn(projector, redis.Store(r.t))
}

func (r *rig) caughtUpIn(projector *process, store *cachestore.Store) {
	r.t.Helper()
	for _, stream := range projector.streams() {
		eventually(r.t, "projection of "+stream, func() string {
			extent, err := r.bus.Extent(r.t.Context(), stream)
			if err != nil {
				return err.Error()
			}
			at, err := store.Partition(stream).Checkpoint(r.t.Context())
			if err != nil {
				return err.Error()
			}
			if at.IsZero() || at.Seq < extent.Last {
				return fmt.Sprintf("at %d of %d", at.Seq, extent.Last)
			}
			return ""
		})
	}
}

// logged is one trade of the log.
type logged struct {
	seq  uint64
	text string // see tradeText
}

// trades reads a market's trades from the log. Anything else there but candles
// fails the test.
func (r *rig) trades(symbol string) []logged {
	r.t.Helper()
	stream := r.bus.Layout().TradeStreamOf(exchange, symbol)
	extent, err := r.bus.Extent(r.t.Context(), stream)
	if err != nil {
		r.t.Fatal(err)
	}
	reader := r.bus.NewReader(stream, extent.First)
	defer reader.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var out []logged
	records := make([]domain.Record, 1000)
	for next := extent.First; next <= extent.Last; {
		n, err := reader.Read(ctx, records, time.Second)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, rec := range records[:n] {
			next = rec.Seq + 1
			if rec.Key.Symbol != symbol || rec.Key.Kind == domain.KindCandle {
				continue
			}
			event, err := wire.Decode(rec.Key, rec.Data)
			if err != nil {
				continue // what a test has put there; the projector's business
			}
			trade, ok := event.(domain.Trade)
			if !ok {
				r.t.Fatalf("the log holds at %d: %+v", rec.Seq, event)
			}
			out = append(out, logged{rec.Seq, textOf(trade)})
		}
	}
	return out
}

func textOf(t domain.Trade) string {
	return tradeText(t.ID, t.Side.String(), t.Price.String(), t.Volume.String(), uint64(t.Time.UnixMilli()))
}

// stored waits until the log holds as many trades as were recorded, and checks
// that it holds every one once and in order. It returns their sequences.
func (r *rig) stored(rec *recording) []uint64 {
	r.t.Helper()
	last := rec.ids[len(rec.ids)-1]
	eventually(r.t, "the last trade of "+rec.symbol, func() string {
		trade, err := r.bus.LastTrade(r.t.Context(), exchange, rec.symbol)
		if err != nil {
			return err.Error()
		}
		if trade.ID != fmt.Sprint(last) {
			return fmt.Sprintf("the log's last is %s, the recording's %d", trade.ID, last)
		}
		return ""
	})
	trades := r.trades(rec.symbol)
	var seqs []uint64
	for i, trade := range trades {
		if i >= len(rec.trades) || trade.text != rec.trades[i] {
			r.t.Fatalf("%s: trade %d of the log is\n%s, recorded is\n%s", rec.symbol, i, trade.text, rec.trades[min(i, len(rec.trades)-1)])
		}
		seqs = append(seqs, trade.seq)
	}
	if len(trades) != len(rec.trades) {
		r.t.Fatalf("%s: the log holds %d trades, recorded are %d", rec.symbol, len(trades), len(rec.trades))
	}
	return seqs
}

// cached checks that Redis holds the newest trades, up to keep, in order, and
// that the tick becomes the recording's last state.
func (r *rig) cached(c *client.Client, rec *recording, keep int) {
	r.t.Helper()
	trades, err := c.Trades.List(r.t.Context(), exchange, rec.symbol, 2*keep)
	if err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, trade := range trades {
		got = append(got, textOf(trade))
	}
	if want := rec.trades[max(0, len(rec.trades)-keep):]; !slices.Equal(got, want) {
		r.t.Fatalf("%s: Redis holds %d trades, want the newest %d of the recording", rec.symbol, len(got), len(want))
	}
	eventually(r.t, "the last tick of "+rec.symbol, func() string {
		t, err := c.Ticks.Get(r.t.Context(), exchange, rec.symbol)
		if err != nil {
			return err.Error()
		}
		got := tickText(t.Last.String(), t.Bid.String(), t.BidSize.String(), t.Ask.String(), t.AskSize.String(),
			uint64(t.Time.UnixMilli()), t.VenueSeq)
		if got != rec.tick {
			return fmt.Sprintf("got\n%s, want\n%s", got, rec.tick)
		}
		return ""
	})
}
