// Package execution says what a venue is to those who trade there: orders go
// in, reports, fills, balances and positions come out. What takes orders from
// the queue knows nothing but Venue; each way of trading implements it, and
// passes executiontest. Real venues do so by package private: see
// ADDING_A_VENUE.md.
//
// Three things may have become of an order that was sent, and the errors keep
// them apart, because acting on the wrong one doubles an order or loses it:
//
//   - It was taken: a Report.
//   - It was not: *Rejected, *RateLimited. Nothing rests, nothing will.
//   - Nobody knows: ErrUnanswered. The order may be there, and may have been
//     filled. Ask with Query, and take ErrNotFound for an answer only after the
//     deadline that it was sent with.
package execution
