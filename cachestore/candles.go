package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Candles of a market are one hash. Field <timeframe>:<unix seconds> is the
// stamped bar that begins then, field <timeframe> the beginning of the newest
// one. A trade changes a bar in each timeframe, which is one command so.

// CandleCap is how many intervals of a timeframe are kept, counted back from
// the newest bar; an interval without a trade has no bar.
const CandleCap = 1500

var (
	//go:embed scripts/candles.lua
	candlesSource string
	candlesScript = newScript(candlesSource)
)

// CandleWrite is a bar on its way to Redis.
type CandleWrite struct {
	Timeframe domain.Timeframe
	Start     int64 // unix seconds
	Seq       uint64
	Payload   []byte
}

// PutCandles sets bars of a market, each in place of one with the same
// beginning.
func (b *Batch) PutCandles(exchange, symbol string, bars []CandleWrite) {
	key := b.partition.candlesKey(exchange, symbol)
	for chunk := range slices.Chunk(bars, maxArguments/2) {
		b.begin("HSET", key, 2*len(chunk))
		for _, c := range chunk {
			b.args = append(b.args, candleField(c.Timeframe, c.Start), b.stamp(c.Seq, c.Payload))
		}
	}
}

// MoveNewest says that the newest bar of a timeframe now begins at to, and
// before at from (zero: there was none), and drops the bars that are thereby
// more than CandleCap intervals old. Times are unix seconds.
func (b *Batch) MoveNewest(exchange, symbol string, tf domain.Timeframe, from, to int64) {
	key := b.partition.candlesKey(exchange, symbol)
	b.do("HSET", key, string(tf), strconv.FormatInt(to, 10))
	if from == 0 || to <= from {
		return
	}
	length := int64(tf.Duration() / time.Second)
	oldest := from - (CandleCap-1)*length // the oldest that could be there
	n := min((to-from)/length, CandleCap)
	b.begin("HDEL", key, int(n))
	for i := range n {
		b.args = append(b.args, candleField(tf, oldest+i*length))
	}
}

func candleField(tf domain.Timeframe, start int64) string {
	return string(tf) + ":" + strconv.FormatInt(start, 10)
}

// Series names the candles of one market in one timeframe.
type Series struct {
	Market
	Timeframe domain.Timeframe
}

// LoadCandles reads, for each series, the bars in the newest intervals
// intervals, oldest first, all series in two round trips. Bars that cannot be
// read are left out. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) LoadCandles(ctx context.Context, series []Series, intervals int) (map[Series][]domain.Candle, error) {
	newest, _, err := p.newestBars(ctx, series)
	if err != nil {
		return nil, err
	}
	pipe := p.store.rdb.Pipeline()
	replies := make(map[Series]*redis.SliceCmd, len(newest))
	for s, last := range newest {
		fields := make([]string, intervals)
		length := int64(s.Timeframe.Duration() / time.Second)
		for i := range fields {
			fields[i] = candleField(s.Timeframe, last-length*int64(intervals-1-i))
		}
		replies[s] = pipe.HMGet(ctx, p.candlesKey(s.Exchange, s.Symbol), fields...)
	}
	if len(replies) == 0 {
		return nil, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "load the candles", err)
	}
	bars := make(map[Series][]domain.Candle, len(series))
	for s, reply := range replies {
		for _, value := range reply.Val() {
			if text, ok := value.(string); ok {
				if candle, err := readCandle(s, []byte(text)); err == nil {
					bars[s] = append(bars[s], candle)
				}
			}
		}
	}
	return bars, nil
}

// newestBars reads when the newest bar of each series begins, unix seconds, and
// the checkpoint that this is of.
func (p *Partition) newestBars(ctx context.Context, series []Series) (map[Series]int64, domain.Checkpoint, error) {
	commands := make([]command, len(series))
	for i, s := range series {
		commands[i] = command{"hget", p.candlesKey(s.Exchange, s.Symbol), string(s.Timeframe)}
	}
	r, at, err := p.readAt(ctx, "load the candles", commands...)
	if err != nil {
		return nil, at, err
	}
	defer r.release()
	newest := make(map[Series]int64)
	for _, s := range series {
		text, found := r.bytes()
		if !found {
			continue
		}
		start, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return nil, at, fmt.Errorf("newest candle %s %s %s: %w: %w", s.Exchange, s.Symbol, s.Timeframe, domain.ErrUnknown, err)
		}
		newest[s] = start
	}
	if r.err != nil {
		return nil, at, p.failed(ctx, "load the candles", r.err)
	}
	return newest, at, nil
}

// Candles reads the newest limit bars of a series, oldest first, and the
// checkpoint that they are of; none gives an empty result. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Candles(ctx context.Context, s Series, limit int) ([]domain.Candle, domain.Checkpoint, error) {
	candles := make([]domain.Candle, 0, min(limit, CandleCap))
	var at domain.Checkpoint
	// Most markets have a bar in every interval, so that one read does. Where many
	// are missing, each further read looks at several times as many.
	for skip, n := 0, limit; skip < CandleCap && len(candles) < limit; skip, n = skip+n, 4*n {
		n = min(n, CandleCap-skip)
		found, read, err := p.appendCandles(ctx, &candles, s, limit, n, skip)
		if err != nil {
			return nil, read, err
		}
		if skip == 0 {
			at = read
		}
		at = leastOf(at, read)
		if found == 0 && skip == 0 {
			break
		}
	}
	slices.Reverse(candles)
	return candles, at, nil
}

// leastOf is the checkpoint that counts for what was read in two steps: the
// first, unless folding has begun anew in between.
func leastOf(first, second domain.Checkpoint) domain.Checkpoint {
	if first.Epoch != second.Epoch {
		return second
	}
	return first
}

// appendCandles reads the bars in some intervals, newest first, until there are
// limit in all, and tells how many there are in these intervals, and the
// checkpoint that this is of.
func (p *Partition) appendCandles(ctx context.Context, candles *[]domain.Candle, s Series, limit, intervals, skip int) (int, domain.Checkpoint, error) {
	r, err := p.gather.readScript(ctx, candlesScript, []string{p.candlesKey(s.Exchange, s.Symbol), p.checkpointKey()},
		string(s.Timeframe), int64(s.Timeframe.Duration()/time.Second), intervals, skip)
	if err != nil {
		return 0, domain.Checkpoint{}, p.failed(ctx, "read candles", err)
	}
	defer r.release()
	found := r.list() - 1
	text := r.text()
	if r.err != nil {
		return 0, domain.Checkpoint{}, p.failed(ctx, "read candles", r.err)
	}
	at, err := domain.ParseCheckpoint(text)
	if err != nil {
		return 0, at, err
	}
	for range found {
		value, ok := r.bytes()
		if !ok {
			break // r says why
		}
		candle, err := readCandle(s, value)
		if err != nil {
			return 0, at, fmt.Errorf("candle %s %s %s: %w: %w", s.Exchange, s.Symbol, s.Timeframe, domain.ErrUnknown, err)
		}
		if n := len(*candles); n > 0 && !candle.Time.Before((*candles)[n-1].Time) {
			continue // a newer bar has come between the reads and moved them all
		}
		if *candles = append(*candles, candle); len(*candles) == limit {
			break
		}
	}
	if r.err != nil {
		return 0, at, p.failed(ctx, "read candles", r.err)
	}
	return found, at, nil
}

func readCandle(s Series, value []byte) (domain.Candle, error) {
	seq, payload, err := wire.Unstamp(value)
	if err != nil {
		return domain.Candle{}, err
	}
	candle, err := wire.DecodeCandle(domain.Key{Exchange: s.Exchange, Symbol: s.Symbol, Timeframe: s.Timeframe}, payload)
	candle.Sequence = seq
	return candle, err
}
