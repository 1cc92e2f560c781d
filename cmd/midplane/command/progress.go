package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"example.com/midplane/conformance"
)

// terminal reports whether w is a terminal that a line can be rewritten on.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("CI") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// progress returns what shows how far a score is and how long it will take: on a
// terminal in a line that is rewritten, elsewhere in a line a minute.
func progress(w io.Writer) func(done, total int, last conformance.Result) {
	e := &estimate{w: w, bar: terminal(w), now: time.Now}
	e.begun, e.told = e.now(), e.now()
	return e.after
}

// estimate guesses from the cases that were run how long the others will take.
type estimate struct {
	w           io.Writer
	bar         bool
	now         func() time.Time
	begun, told time.Time
	ran, failed int // cases run, and failed
}

const (
	often  = 100 * time.Millisecond // on a terminal
	seldom = time.Minute
)

func (e *estimate) after(done, total int, last conformance.Result) {
	e.ran++
	if last.Status == conformance.Failed {
		e.failed++
	}
	now, end := e.now(), done == total
	switch since := now.Sub(e.told); {
	case e.bar && end:
		fmt.Fprint(e.w, "\r\033[K")
	case e.bar && since >= often:
		e.told = now
		const width = 20
		full := width * done / total
		fmt.Fprintf(e.w, "\r\033[K[%s%s] %s %s", strings.Repeat("#", full), strings.Repeat(".", width-full), e.text(now, done, total), last.ID)
	case !e.bar && since >= seldom && !end:
		e.told = now
		fmt.Fprintln(e.w, e.text(now, done, total))
	}
}

func (e *estimate) text(now time.Time, done, total int) string {
	left := now.Sub(e.begun) / time.Duration(e.ran) * time.Duration(total-done)
	return fmt.Sprintf("%d of %d cases, %d failed, about %v left", done, total, e.failed, left.Round(time.Second))
}
