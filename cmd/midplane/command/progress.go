package command

import (
	"fmt"
	"io"
	"os"

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

// progress returns what shows how far a score is, nil where nobody looks.
func progress(w io.Writer) func(done, total int, last conformance.Result) {
	if !terminal(w) {
		return nil
	}
	return func(done, total int, last conformance.Result) {
		fmt.Fprintf(w, "\r\033[K%d/%d %s", done, total, last.ID)
		if done == total {
			fmt.Fprint(w, "\r\033[K")
		}
	}
}
