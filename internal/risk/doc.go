// Package risk holds the gates that an order passes before it is sent: pure
// functions of the order and of what is known, so that whoever sends decides
// what to read and how fresh it must be. A gate that lacks what it needs is
// closed: a missing tick is no reason to let an order through.
package risk
