package cachestore

import (
	"strconv"
	"unsafe"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// maxArguments bounds the arguments of one command in a script: Lua's unpack
// takes about 8,000.
const maxArguments = 7000

// Batch records the writes of one Apply. It may be used again after Reset. It
// is for one goroutine. Nothing reaches Redis before Apply.
type Batch struct {
	partition *Partition
	keys      []string
	args      []any
	call      []any          // of the script: the keys, then the args
	index     map[string]int // key to its index in KEYS
	arena     []byte         // holds values that were made for the batch
	ops       int
	orders    orderWrites
	queues    queueWrites
}

// NewBatch makes an empty batch.
func (p *Partition) NewBatch() *Batch {
	b := &Batch{partition: p, index: make(map[string]int)}
	b.Reset()
	return b
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.keys = append(b.keys[:0], b.partition.checkpointKey(), b.partition.changedKey())
	clear(b.args) // let go of the values
	clear(b.call)
	b.args = append(b.args[:0], "", "", "")
	clear(b.index)
	b.arena = b.arena[:0]
	b.ops = 0
}

// Len is the number of commands recorded.
func (b *Batch) Len() int { return b.ops }

func (b *Batch) head(prev, next domain.Checkpoint) {
	b.args[0], b.args[1], b.args[2] = prev.String(), next.String(), strconv.FormatUint(next.Seq, 10)
	b.orders.entry.between(prev.Seq, next.Seq)
}

// invocation is the call of the script that applies the batch. The client library
// would copy all arguments for each.
func (b *Batch) invocation(command, script string) []any {
	b.call = append(b.call[:0], command, script, len(b.keys))
	for i := range b.keys {
		b.call = append(b.call, &b.keys[i])
	}
	b.call = append(b.call, b.args...)
	return b.call
}

// do records one command, a text, on one key.
func (b *Batch) do(command any, key string, args ...any) {
	b.begin(command, key, len(args))
	b.args = append(b.args, args...)
}

// begin records a command whose arguments the caller appends to b.args.
func (b *Batch) begin(command any, key string, args int) {
	b.args = append(b.args, command, b.keyIndex(key), args)
	b.ops++
}

func (b *Batch) keyIndex(key string) int {
	if i, ok := b.index[key]; ok {
		return i
	}
	b.keys = append(b.keys, key)
	i := len(b.keys)
	b.index[key] = i
	return i
}

// stamp puts [seq, payload] into the batch's arena.
func (b *Batch) stamp(seq uint64, payload []byte) []byte {
	start := len(b.arena)
	b.arena = wire.Stamp(b.arena, seq, payload)
	return b.arena[start:len(b.arena):len(b.arena)]
}

// stampText is stamp as a text.
func (b *Batch) stampText(seq uint64, payload []byte) string {
	start := len(b.arena)
	b.stamp(seq, payload)
	return b.textSince(start)
}

// textSince is what the arena has from start on. It is not written to before Reset.
func (b *Batch) textSince(start int) string {
	value := b.arena[start:]
	return unsafe.String(unsafe.SliceData(value), len(value))
}
