package command

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance"
)

func conformCommand() *cobra.Command {
	var (
		device, match, shard, out string
		asJSON                    bool
		workers                   int
	)
	o := &conformance.Options{}
	c := &cobra.Command{
		Use:   "conform --onnx DIR...",
		Short: "Score a device on ONNX's backend tests",
		Long: `Score a device on ONNX's backend tests.

Each case runs on the device alone; nothing falls back. ONNX's own rule decides:
shape and type equal, numbers within rtol 1e-3 and atol 1e-7, NaN equal to NaN.
The exit status is 1 if any case failed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if match != "" {
				if o.Match, err = regexp.Compile(match); err != nil {
					return fmt.Errorf("--run: %w", err)
				}
			}
			if o.Shard, o.Shards, err = parseShard(shard); err != nil {
				return err
			}
			if err := openable(c.Context(), device); err != nil {
				return err
			}
			o.Workers = workers
			o.Progress = progress(c.ErrOrStderr())
			report, err := conformance.Score(c.Context(), opener(device), o)
			if err != nil {
				return err
			}
			return printReport(c, report, out, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&device, "device", "cpu", "the device to score")
	f.StringArrayVar(&o.ONNX, "onnx", nil, "a `DIR` of ONNX test folders, or of flat X.onnx with X_output_0.pb; may be repeated")
	f.StringVar(&match, "run", "", "only the cases whose ID matches `REGEX`")
	f.StringVar(&shard, "shard", "", "only the i-th of n parts: `i/n`, from 0")
	f.IntVar(&workers, "workers", 0, "cases side by side (0: one per processor)")
	f.StringVar(&out, "out", "", "also write report.json into `DIR`")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// opener opens a named device anew for each case, without help from others.
func opener(name string) conformance.Open {
	return func(ctx context.Context) (driver.Device, error) {
		return adapter.OpenDriver(ctx, name, &adapter.Options{Strict: true})
	}
}

// openable says why a device cannot be opened, which is no score of it.
func openable(ctx context.Context, name string) error {
	dev, err := opener(name)(ctx)
	if err != nil {
		return err
	}
	return dev.Close()
}

func parseShard(s string) (shard, shards int, err error) {
	if s == "" {
		return 0, 0, nil
	}
	i, n, found := strings.Cut(s, "/")
	shard, err1 := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if !found || err1 != nil || err2 != nil || shard < 0 || shard >= shards {
		return 0, 0, fmt.Errorf("--shard %q: it is i/n with 0 <= i < n", s)
	}
	return shard, shards, nil
}

// printReport writes what did not pass and the summary, which is the last line.
func printReport(c *cobra.Command, report *conformance.Report, dir string, asJSON bool) error {
	if dir != "" {
		if err := writeReport(dir, report); err != nil {
			return err
		}
	}
	w := c.OutOrStdout()
	if asJSON {
		if err := printJSON(w, report); err != nil {
			return err
		}
	} else {
		for _, r := range report.Cases {
			if r.Status != conformance.Passed {
				fmt.Fprintf(w, "%-11s %s: %s\n", r.Status, r.ID, firstLine(r.Reason))
			}
		}
		fmt.Fprintln(w, report.Summary)
	}
	if report.Summary.Failed > 0 {
		return errShort
	}
	return nil
}

func writeReport(dir string, report *conformance.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "report.json"), append(b, '\n'), 0o644)
}

func firstLine(s string) string {
	line, more, found := strings.Cut(s, "\n")
	if found && strings.HasSuffix(line, ":") {
		next, _, _ := strings.Cut(more, "\n")
		line += " " + strings.TrimSpace(next)
	}
	return line
}
