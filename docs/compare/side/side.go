// Package side times midplane and another runtime side by side, on the same models
// and inputs, in one process.
package side

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	_ "example.com/midplane/backends/cpu"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	_ "example.com/midplane/operators/microsoft"
	"example.com/midplane/operators/onnx/onnxtest"
)

// Input is one of a model's, by name.
type Input struct {
	Name    string
	Tensor  *tensor.Tensor
	Default bool // it is the model's own, for an input that may be left out
}

// Run runs a loaded model on its inputs. It returns the outputs of the given names
// in their order, which it may do later, in read.
type Run func() (read func() ([]*tensor.Tensor, error), err error)

// Loader loads the model of a file for inputs that stay the same.
type Loader func(path string, inputs []Input, outputs []string) (Run, error)

// Row is what came of one model.
type Row struct {
	Model    string  `json:"model"`
	Threads  int     `json:"threads"`
	Midplane float64 `json:"midplane_ms,omitempty"` // medians
	Other    float64 `json:"other_ms,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"` // the other's / midplane's
	Error    string  `json:"error,omitempty"` // why the other could not be compared
}

// tolerance is how far the other runtime's outputs may lie from midplane's, in parts
// of the greatest of an output: it says that both computed the same model, integers included.
const tolerance = 5e-2

// Main compares midplane with the runtime of a name on the models that the arguments
// name: folders in ONNX's test layout. Every model has a process of its own, because
// a runtime may crash or not end.
func Main(name string, load Loader) {
	threads := flag.Int("threads", 1, "threads of both")
	seconds := flag.Float64("seconds", 2, "how long to run each model, for both together")
	patience := flag.Duration("patience", 2*time.Minute, "how long a model's process may take")
	asJSON := flag.Bool("json", false, "print JSON")
	child := flag.Bool("child", false, "compare one model and print JSON")
	flag.Parse()
	if *child {
		row := compare(flag.Arg(0), load, *threads, time.Duration(*seconds*float64(time.Second)))
		if err := json.NewEncoder(os.Stdout).Encode(row); err != nil {
			fail(err)
		}
		return
	}
	if flag.NArg() == 0 {
		fail(errors.New("no models are named"))
	}
	var rows []Row
	for _, dir := range flag.Args() {
		rows = append(rows, inChild(dir, *threads, *seconds, *patience))
		fmt.Fprintln(os.Stderr, describe(rows[len(rows)-1]))
	}
	if *asJSON {
		if err := json.NewEncoder(os.Stdout).Encode(rows); err != nil {
			fail(err)
		}
		return
	}
	printTable(name, rows)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

// inChild compares one model in a process of its own.
func inChild(dir string, threads int, seconds float64, patience time.Duration) Row {
	row := Row{Model: filepath.Base(dir), Threads: threads}
	self, err := os.Executable()
	if err != nil {
		row.Error = err.Error()
		return row
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, self, "-child", "-threads", strconv.Itoa(threads), "-seconds", fmt.Sprint(seconds), dir)
	var trouble bytes.Buffer
	c.Stderr = &trouble
	out, err := c.Output()
	switch {
	case ctx.Err() != nil:
		row.Error = fmt.Sprintf("not done after %v", patience)
	case err != nil:
		row.Error = fmt.Sprintf("%v: %s", err, firstLine(trouble.String()))
	default:
		// What the runtime prints itself comes before the row.
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &row); err != nil {
			row.Error = err.Error()
		}
	}
	return row
}

// firstLine returns the first line of what went wrong, its innermost cause where it
// is long.
func firstLine(s string) string {
	const most = 120
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if i := strings.LastIndex(line, "panicked: "); i >= 0 {
		line = line[i+len("panicked: "):]
	}
	if len(line) > most {
		line = line[:most] + " …"
	}
	return line
}

// compare times a model on both, midplane first.
func compare(dir string, load Loader, threads int, most time.Duration) (row Row) {
	row = Row{Model: filepath.Base(dir), Threads: threads}
	defer func() {
		if r := recover(); r != nil {
			row.Error = "panic: " + firstLine(fmt.Sprint(r))
		}
	}()
	runtime.GOMAXPROCS(threads)
	ctx := context.Background()
	path := filepath.Join(dir, "model.onnx")
	s, err := models.Load(ctx, path, &models.Options{Devices: []string{"cpu"}, Threads: threads})
	if err != nil {
		fail(err)
	}
	defer s.Close()
	inputs, named, err := inputsOf(dir, s)
	if err != nil {
		fail(err)
	}
	ours := func() (map[string]tensor.Value, error) { return s.Run(ctx, named) }
	want, err := ours()
	if err != nil {
		fail(err)
	}
	var names []string
	for _, o := range s.Outputs() {
		names = append(names, o.Name)
	}
	run, err := load(path, inputs, names)
	if err == nil {
		err = agree(run, names, want)
	}
	if err != nil {
		row.Error = firstLine(err.Error())
		return row
	}
	row.Midplane, row.Other, err = alternate(most, func() error { _, err := ours(); return err }, func() error { _, err := run(); return err })
	if err != nil {
		row.Error = firstLine(err.Error())
		return row
	}
	row.Ratio = row.Other / row.Midplane
	return row
}

// inputsOf reads the inputs of a folder's first data set. Those that have defaults
// keep them.
func inputsOf(dir string, s *models.Session) ([]Input, map[string]tensor.Value, error) {
	cases, err := onnxtest.Cases(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(cases) != 1 {
		return nil, nil, fmt.Errorf("%s holds %d models", dir, len(cases))
	}
	values, err := cases[0].Inputs(s.Model().Graph)
	if err != nil {
		return nil, nil, err
	}
	var list []Input
	named := make(map[string]tensor.Value)
	for i, in := range s.Model().Graph.Inputs {
		if in.Const != nil {
			list = append(list, Input{in.Name, in.Const, true})
			continue
		}
		if i >= len(values) || values[i] == nil {
			return nil, nil, fmt.Errorf("%s has no input %q", dir, in.Name)
		}
		t, ok := values[i].(*tensor.Tensor)
		if !ok {
			return nil, nil, fmt.Errorf("input %q is a %v, no tensor", in.Name, values[i].Type())
		}
		list = append(list, Input{in.Name, t, false})
		named[in.Name] = t
	}
	return list, named, nil
}

// agree runs the other runtime once and compares what both computed.
func agree(run Run, names []string, want map[string]tensor.Value) error {
	read, err := run()
	if err != nil {
		return err
	}
	got, err := read()
	if err != nil {
		return err
	}
	if len(got) != len(names) {
		return fmt.Errorf("%d outputs, not %d", len(got), len(names))
	}
	for i, name := range names {
		if got[i] == nil {
			return fmt.Errorf("no output %q", name)
		}
		if err := onnxtest.CompareScaled(got[i], want[name], tolerance); err != nil {
			return fmt.Errorf("wrong result: output %q: %w", name, err)
		}
	}
	return nil
}

// alternate lets the two take turns of 10 ms, or of one run where a run takes longer,
// for most in all and until each has run three times, and returns the medians in
// milliseconds. Of a turn of ten runs or more the first does not count.
func alternate(most time.Duration, ours, other func() error) (a, b float64, err error) {
	const (
		turn    = 10 * time.Millisecond
		settled = 10
		least   = 3
	)
	runs := [2]func() error{ours, other}
	var times [2][]float64
	for begin := time.Now(); time.Since(begin) < most || len(times[0]) < least || len(times[1]) < least; {
		for i, run := range runs {
			before := len(times[i])
			for start, now := time.Now(), time.Now(); now.Sub(start) < turn; {
				from := time.Now()
				if err := run(); err != nil {
					return 0, 0, err
				}
				now = time.Now()
				times[i] = append(times[i], now.Sub(from).Seconds()*1e3)
			}
			if len(times[i])-before >= settled {
				times[i] = slices.Delete(times[i], before, before+1)
			}
		}
	}
	for _, list := range times {
		slices.Sort(list)
	}
	return times[0][len(times[0])/2], times[1][len(times[1])/2], nil
}

func describe(r Row) string {
	if r.Error != "" {
		return fmt.Sprintf("%s: not compared: %s", r.Model, r.Error)
	}
	return fmt.Sprintf("%s: %.4g ms, midplane %.4g ms: %.3g times", r.Model, r.Other, r.Midplane, r.Ratio)
}

func printTable(name string, rows []Row) {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintf(t, "| model\t| %s, ms\t| midplane, ms\t| ratio\t|\n| ---\t| ---\t| ---\t| ---\t|\n", name)
	logs, compared := 0.0, 0
	for _, r := range rows {
		if r.Error != "" {
			fmt.Fprintf(t, "| `%s`\t| %s\t|\t|\t|\n", r.Model, r.Error)
			continue
		}
		fmt.Fprintf(t, "| `%s`\t| %.4g\t| %.4g\t| %.3g\t|\n", r.Model, r.Other, r.Midplane, r.Ratio)
		logs += math.Log(r.Ratio)
		compared++
	}
	t.Flush()
	if compared > 0 {
		fmt.Printf("\n%d of %d models, geometric mean of the ratios %.3g\n", compared, len(rows), math.Exp(logs/float64(compared)))
	}
}
