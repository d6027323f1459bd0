package replay

import (
	"errors"
	"io"
	"math"
	"regexp"
	"strconv"
	"time"
)

// lap is how far numbers move from one lap of a looped replay to the next: so far
// that the next lap goes on where the last one ended. Trade ids without holes stay
// without holes.
type lap struct {
	time    time.Duration // whole minutes, so that bars stay bars
	markets map[string]*numbers
}

// numbers are those of one market.
type numbers struct{ trades, updates span }

// span is the lowest and the highest number.
type span struct{ low, high int64 }

func (s *span) add(n int64) {
	if s.high == 0 {
		s.low = n
	}
	s.low, s.high = min(s.low, n), max(s.high, n)
}

// length is zero when there are no numbers.
func (s *span) length() int64 {
	if s.high == 0 {
		return 0
	}
	return s.high - s.low + 1
}

// measure reads the recordings for what a lap is.
func measure(paths []string) (l lap, err error) {
	l.markets = make(map[string]*numbers)
	src, err := openSource(paths)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	var times span // ms
	for {
		f, err := src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return l, err
		}
		times.add(f.at / int64(time.Millisecond))
		m := l.markets[f.event.Symbol]
		if m == nil {
			m = &numbers{}
			l.markets[f.event.Symbol] = m
		}
		for _, n := range f.numbers() {
			switch n.means {
			case aTime:
				times.add(n.value)
			case aTrade:
				m.trades.add(n.value)
			case anUpdate:
				m.updates.add(n.value)
			}
		}
	}
	l.time = time.Duration(math.Ceil(float64(times.length())/60_000)) * time.Minute
	return l, nil
}

// shifted is the frame as it is played in a lap; lap 0 is the recording.
func (l lap) shifted(f frame, n int64) frame {
	m := l.markets[f.event.Symbol]
	if n == 0 || m == nil {
		return f
	}
	by := map[meaning]int64{aTime: n * l.time.Milliseconds(), aTrade: n * m.trades.length(), anUpdate: n * m.updates.length()}
	text := make([]byte, 0, len(f.text)+8)
	done := 0
	for _, number := range f.numbers() {
		text = append(text, f.text[done:number.from]...)
		text = strconv.AppendInt(text, number.value+by[number.means], 10)
		done = number.to
	}
	text = append(text, f.text[done:]...)
	out, _ := parseFrame(f.at+n*int64(l.time), string(text)) // it was a frame before
	return out
}

// meaning is what a number in a frame stands for.
type meaning uint8

const (
	anything meaning = iota
	aTime            // unix milliseconds
	aTrade           // the number of a trade
	anUpdate         // the number of a change of the book
)

// number is one in the text of a frame.
type number struct {
	means    meaning
	value    int64
	from, to int // where in the text
}

var named = regexp.MustCompile(`"([A-Za-z])"\s*:\s*([0-9]+)`)

// numbers are the numbers of a frame that count on from lap to lap.
func (f frame) numbers() []number {
	var out []number
	for _, at := range named.FindAllSubmatchIndex(f.text, -1) {
		n := number{means: f.event.means(f.text[at[2]]), from: at[4], to: at[5]}
		value, err := strconv.ParseInt(string(f.text[n.from:n.to]), 10, 64)
		if n.value = value; err == nil && n.means != anything && value > 0 {
			out = append(out, n)
		}
	}
	return out
}

// means tells what the number of a field is. The same letters mean different
// things in different kinds of events. Aggregate trades are numbered on their own:
// a recording holds one kind of trades of a market.
func (e *event) means(name byte) meaning {
	switch name {
	case 'E', 'T', 'O', 'C':
		return aTime
	case 't':
		if e.Kind == "kline" {
			return aTime
		}
		return aTrade
	case 'f', 'l', 'F', 'L':
		if e.Kind == "aggTrade" { // of the trades that it joins
			return anything
		}
		return aTrade
	case 'a':
		return aTrade
	case 'u', 'U':
		return anUpdate
	}
	return anything
}
