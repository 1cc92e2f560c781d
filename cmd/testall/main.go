// Command testall runs the tests of packages (all, unless some are named) and
// ends with what did not run, and why, and with one line of counts:
//
//	go run ./cmd/testall [flags and packages of go test]
//
// It exits with status 1 if a test failed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// tally gathers events.
type tally struct {
	passed, failed, skipped int
	output                  map[string][]string // by package and test, while it is of use
	reasons                 map[string]int      // of skipped tests
	out                     io.Writer
}

func main() {
	args := os.Args[1:]
	if len(args) == 0 {
		args = []string{"./..."}
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testall:", err)
		os.Exit(2)
	}
	t := &tally{output: make(map[string][]string), reasons: make(map[string]int), out: os.Stdout}
	t.read(stdout)
	err = cmd.Wait()
	t.summary()
	if err != nil || t.failed > 0 {
		os.Exit(1)
	}
}

// read takes events until there are no more.
func (t *tally) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(t.out, lines.Text())
			continue
		}
		t.add(e)
	}
}

func (t *tally) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		t.output[key] = append(t.output[key], e.Output)
		return
	case "build-output":
		fmt.Fprint(t.out, e.Output)
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	if e.Action == "fail" {
		fmt.Fprint(t.out, strings.Join(t.output[key], ""))
	}
	switch {
	case e.Test == "":
		if e.Action == "fail" && !strings.Contains(strings.Join(t.output[key], ""), "FAIL") {
			t.failed++ // it did not build, or ended before its tests did
		}
		fmt.Fprintf(t.out, "%s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
	case e.Action == "pass":
		t.passed++
	case e.Action == "fail":
		t.failed++
	default:
		t.skipped++
		t.reasons[reason(t.output[key])]++
	}
	delete(t.output, key)
}

// reason finds why a test was skipped in what it printed.
func reason(output []string) string {
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, text, found := strings.Cut(line, ".go:"); found {
			_, line, _ = strings.Cut(text, ": ")
		}
		return line
	}
	return "no reason given"
}

func (t *tally) summary() {
	reasons := make([]string, 0, len(t.reasons))
	for r := range t.reasons {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		fmt.Fprintf(t.out, "skipped %d: %s\n", t.reasons[r], r)
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}
