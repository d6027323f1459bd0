// Package bench measures the system against floors that are measured in the
// same run: what the servers below it give without it. It holds benchmarks
// only; 'make bench' runs them.
package bench
