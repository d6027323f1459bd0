// Package compose puts the parts together: settings from flags, environment
// and .env file, the fx modules of each process, their life cycle, health and
// metrics. Besides cmd it is the only place that knows fx.
//
// Constructors elsewhere are plain functions, and long-running parts have
// Run(ctx) error, which blocks until ctx ends and what was under way is done.
// Here each Run becomes a hook: it gets a context of its own, because fx's
// start context ends with the start, and stops in the reverse order of the
// starts: first what produces, then what publishes, then the connections.
package compose
