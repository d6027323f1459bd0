// Package wire is the form that events have in the log and in Redis: msgpack
// arrays, the version first, so that any language can write and read them. It
// is a package of its own because the log's side and the Redis side, which do
// not know each other, share it: what a producer encoded is passed through to
// Redis without being decoded, so one format serves both.
//
// The formats are documented field by field in package bus, where producers
// look for them.
//
// In Redis a value that is not a stream entry is stamped with the position in
// the log that it came from: [sequence, payload], the payload as it was. The
// entry of a Redis Stream has the log sequence as its id instead.
//
// Encoding uses vmihailenco/msgpack. Decoding uses the byte-slice functions of
// tinylib/msgp: on the projector's path, where every message of the log is
// checked, a reader-based decoder costs three times as much (BenchmarkScanTick,
// BenchmarkGenericDecode). The tests read each library's output with the other.
package wire
