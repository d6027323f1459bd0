// Package console is the commands of fullon that look into a running system.
// With --json each prints one JSON object a line, with stable names and
// decimals as strings; without, a table for people.
package console
