// Package executiontest holds what every execution.Venue must do, as tests.
package executiontest
