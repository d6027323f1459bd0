package orderworker

// hands are goroutines that see to one order after the other. A goroutine for each
// order would grow its stack anew each time, which costs more than what it does
// there.
type hands struct{ tasks chan func() }

func newHands() hands { return hands{make(chan func())} }

// do has a task done, by a goroutine that is idle or else by another one.
func (h hands) do(task func()) {
	select {
	case h.tasks <- task:
	default:
		go func() {
			task()
			for next := range h.tasks {
				next()
			}
		}()
	}
}

// end lets the goroutines end when they have nothing more to do. No task may follow.
func (h hands) end() { close(h.tasks) }
