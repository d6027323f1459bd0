package cachestore

import (
	"strconv"

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
	index     map[string]string // key to its index in KEYS
	arena     []byte            // holds values that were made for the batch
	ops       int
}

// NewBatch makes an empty batch.
func (p *Partition) NewBatch() *Batch {
	b := &Batch{partition: p, index: make(map[string]string)}
	b.Reset()
	return b
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.keys = append(b.keys[:0], b.partition.checkpointKey(), b.partition.changedKey())
	clear(b.args) // let go of the values
	b.args = append(b.args[:0], "", "", "")
	clear(b.index)
	b.arena = b.arena[:0]
	b.ops = 0
}

// Len is the number of commands recorded.
func (b *Batch) Len() int { return b.ops }

func (b *Batch) head(prev, next string, seq uint64) {
	b.args[0], b.args[1], b.args[2] = prev, next, strconv.FormatUint(seq, 10)
}

// do records one command on one key.
func (b *Batch) do(command, key string, args ...any) {
	b.begin(command, key, len(args))
	b.args = append(b.args, args...)
}

// begin records a command whose arguments the caller appends to b.args.
func (b *Batch) begin(command, key string, args int) {
	b.args = append(b.args, command, b.keyIndex(key), strconv.Itoa(args))
	b.ops++
}

func (b *Batch) keyIndex(key string) string {
	if i, ok := b.index[key]; ok {
		return i
	}
	b.keys = append(b.keys, key)
	i := strconv.Itoa(len(b.keys))
	b.index[key] = i
	return i
}

// stamp puts [seq, payload] into the batch's arena.
func (b *Batch) stamp(seq uint64, payload []byte) []byte {
	start := len(b.arena)
	b.arena = wire.Stamp(b.arena, seq, payload)
	return b.arena[start:len(b.arena):len(b.arena)]
}
