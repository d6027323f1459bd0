// Package papertest is a venue for the tests of adapters. Matching, ledger,
// fees, duplicates and ids are those of a paper.Exchange; what a test writes is
// its venue's dialect in front of it: an http.Handler that translates requests
// and events, and nothing else. A Rig is what an adapter is made with to reach it,
// and has what all adapters go through: lost answers, wrong keys, missed fills.
//
//	adapter ── real sockets ──► Exchange ──► the test's Handler ──► paper.Account
//	                            faults, cuts, restarts
package papertest
