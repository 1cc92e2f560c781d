// Package command is the midplane command line. A vendor who wants every verb
// for a backend of their own writes a main of six lines that imports the backend
// and calls [Main].
//
// Results go to stdout, progress and logs to stderr. The exit status is 0 for
// good, 1 where the thing checked fell short, 2 for wrong usage and unusable
// input.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"example.com/midplane/models"
)

// Exit statuses.
const (
	good  = 0
	short = 1
	wrong = 2
)

// errShort ends a command whose subject fell short; what and why was printed.
var errShort = errors.New("the thing checked fell short")

// Main runs a command line, without the program's name, and returns the exit
// status.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &cobra.Command{
		Use:           "midplane",
		Short:         "Run ONNX models on any hardware, and score hardware.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(devicesCommand(), opsCommand(), inspectCommand(), runCommand(), benchCommand(), conformCommand(), reportCommand(), modelsCommand(), coldCommand())
	out := &checkedWriter{w: stdout}
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if out.err != nil {
		err = fmt.Errorf("the results cannot be written: %w", out.err)
	}
	switch {
	case err == nil:
		return good
	case errors.Is(err, errShort):
		return short
	}
	fmt.Fprintln(stderr, "midplane:", err)
	return wrong
}

// checkedWriter keeps the first error of a writer: what prints to it need not
// look.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	var n int
	n, c.err = c.w.Write(b)
	return n, c.err
}

// where are the flags that say on which devices a model runs.
type where struct {
	devices  []string
	fallback string
	threads  int
	memory   int64
}

func (w *where) register(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&w.devices, "device", nil, "devices that work together, in order of preference: `A,B` (default: cpu)")
	f.StringVar(&w.fallback, "fallback", "listed", "who may take nodes that the first device lacks: `never`|listed|any")
	f.IntVar(&w.threads, "threads", 0, "host threads for kernels (0: all)")
	f.Int64Var(&w.memory, "memory-limit", 0, "bytes that a session may take on its devices (0: no limit)")
}

func (w *where) options() (*models.Options, error) {
	if w.threads < 0 || w.memory < 0 {
		return nil, fmt.Errorf("--threads %d, --memory-limit %d: neither may be negative", w.threads, w.memory)
	}
	policy, err := parsePolicy(w.fallback)
	if err != nil {
		return nil, err
	}
	return &models.Options{Devices: w.devices, Fallback: policy, Threads: w.threads, MemoryLimit: w.memory}, nil
}

// printJSON writes v for machines.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
