// Package papertest is a venue for the tests of adapters. Matching, ledger,
// fees, duplicates and ids are those of a paper.Exchange; what a test writes is
// its venue's dialect in front of it: an http.Handler that translates requests
// and events, and nothing else.
//
//	adapter ── real sockets ──► Exchange ──► the test's Handler ──► paper.Account
//	                            faults, cuts, restarts
package papertest
