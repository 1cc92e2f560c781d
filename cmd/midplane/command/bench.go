package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/cost"
)

// benchJSON is one model on one device. Times are of single runs.
type benchJSON struct {
	Model   string  `json:"model"`
	Device  string  `json:"device"`
	Threads int     `json:"threads"`
	Median  float64 `json:"median_ms"`
	P10     float64 `json:"p10_ms"`
	P90     float64 `json:"p90_ms"`
	Load    float64 `json:"load_ms"`
	First   float64 `json:"first_ms"`
	PeakRSS float64 `json:"peak_rss_mb"`
	Runs    int     `json:"runs"`

	MultiplyAdds float64 `json:"multiply_adds,omitempty"` // of one run, 0 where there are none or they are not known
	GFLOPS       float64 `json:"gflops,omitempty"`        // in the median time; a multiplication with an addition counts as two
	Share        float64 `json:"share_of_peak,omitempty"` // the time that they take at the processor's peak / the median
	machineJSON
	Group string     `json:"group"`           // what most of the model's work is
	Nodes []nodeJSON `json:"nodes,omitempty"` // with --trace, the slowest first
}

// benchFlags are the flags of bench.
type benchFlags struct {
	devices    []string
	threads    int
	seconds    float64
	trace      string
	asJSON     bool
	asMarkdown bool

	machine machineJSON
	events  []traceEvent // for the trace, of every model on every device
	begin   time.Time    // the trace's time 0
}

func benchCommand() *cobra.Command {
	b := &benchFlags{}
	c := &cobra.Command{
		Use:   "bench MODEL...",
		Short: "Time models on devices, side by side",
		Long: `Time models on devices, side by side.

Every --device is a contender of its own. All run in one process, on the same inputs
(the folder's, or seeded random ones), in turns: a contender runs for at least 10 ms,
or once where a run takes longer, then it is the next one's turn. Of a turn with ten
runs or more the first does not count: it finds threads asleep and caches that others
have filled. Load time, the first output and peak memory are measured in a fresh
process each.

GFLOP/s count the multiply-adds of convolutions, products of matrices, recurrent
layers and attention as the model is written, two operations each, by whatever
algorithm they are computed. OF PEAK is the time that they take at the processor's
measured peak, divided by the median; integers have a peak of their own. Both are
of the bench's threads. The two numbers about two threads tell whether they have
cores of their own: then two reach nearly twice one's peak.

Where there are several contenders, their times are set beside the first's: a ratio
above 1 says that the first is faster. Geometric means are given over models of 1 ms
and more, by the other contender's median, over those below, and over groups of
models by what most of their multiply-adds belong to.

With --trace each device runs up to fifty times more: the table of nodes has medians,
the file the fastest run.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if b.threads < 0 {
				return fmt.Errorf("--threads %d: it may not be negative", b.threads)
			}
			if len(b.devices) == 0 {
				b.devices = []string{"cpu"}
			}
			var err error
			if b.machine, err = measureMachine(c.Context(), threadsOf(b.threads)); err != nil {
				return err
			}
			b.begin = time.Now()
			all := []benchJSON{}
			for _, arg := range args {
				rows, err := b.model(c, arg)
				if err != nil {
					return err
				}
				all = append(all, rows...)
			}
			if b.trace != "" {
				if err := writeTrace(b.trace, b.events); err != nil {
					return err
				}
			}
			if b.asJSON {
				return printJSON(c.OutOrStdout(), all)
			}
			return b.print(c.OutOrStdout(), all)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&b.devices, "device", nil, "a contender; may be repeated (default: cpu)")
	f.IntVar(&b.threads, "threads", 0, "host threads for kernels (0: all)")
	f.Float64Var(&b.seconds, "seconds", 2, "how long to run each model on each device")
	f.StringVar(&b.trace, "trace", "", "print the slowest nodes, and write a run of each device for Perfetto to a JSON `FILE`")
	f.BoolVar(&b.asJSON, "json", false, "print JSON")
	f.BoolVar(&b.asMarkdown, "markdown", false, "print tables for a page")
	c.MarkFlagsMutuallyExclusive("json", "markdown")
	return c
}

// model times one model on every device, in turns.
func (b *benchFlags) model(c *cobra.Command, arg string) (_ []benchJSON, err error) {
	m, err := findModel(arg)
	if err != nil {
		return nil, err
	}
	var list []*contender
	defer func() {
		for _, k := range list {
			err = errors.Join(err, k.session.Close())
		}
	}()
	var inputs map[string]tensor.Value
	for _, device := range b.devices {
		s, err := models.Load(c.Context(), m.path, &models.Options{Devices: strings.Split(device, ","), Threads: b.threads})
		if err != nil {
			return nil, err
		}
		k := &contender{row: benchJSON{Model: m.name(), Device: device, Threads: threadsOf(b.threads)}, session: s}
		list = append(list, k)
		if inputs == nil {
			if inputs, err = benchInputs(s, m); err != nil {
				return nil, fmt.Errorf("%s: %w", m.path, err)
			}
		}
	}
	if err := alternate(c.Context(), list, inputs, time.Duration(b.seconds*float64(time.Second))); err != nil {
		return nil, err
	}
	work, group, err := workOf(c.Context(), list[0].session, inputs)
	if err != nil {
		return nil, err
	}
	for _, k := range list { // now that the file has been read: the first contender would wait for the disk
		if err := b.cold(c.Context(), m, k.row.Device, &k.row); err != nil {
			return nil, err
		}
	}
	rows := make([]benchJSON, len(list))
	for i, k := range list {
		rows[i] = k.result()
		rows[i].Group = group
		b.rate(&rows[i], k.session, work)
		if b.trace != "" {
			if rows[i].Nodes, err = b.traced(c.Context(), m, i, inputs); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// rate notes what the work of a run comes to. The processor's peak says nothing of
// devices of other classes.
func (b *benchFlags) rate(row *benchJSON, s *models.Session, work cost.Work) {
	row.machineJSON, row.MultiplyAdds = b.machine, work.Total()
	row.GFLOPS = gflops(work, row.Median)
	if s.Devices()[0].Info().Class == driver.CPU {
		row.Share = b.machine.share(work, row.Median)
	}
}

// threadsOf returns how many threads 0, which stands for all, comes to.
func threadsOf(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

func benchInputs(s *models.Session, m model) (map[string]tensor.Value, error) {
	if m.test == nil {
		return randomInputs(s)
	}
	return m.inputs(s)
}

// cold measures load, first output and peak memory in a fresh process: this
// program, called with the hidden verb "cold".
func (b *benchFlags) cold(ctx context.Context, m model, device string, row *benchJSON) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	path := m.path
	if m.test != nil {
		path = m.test.Dir
	}
	out, err := exec.CommandContext(ctx, self, "cold", path, "--device", device, "--threads", fmt.Sprint(b.threads)).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
		}
		return fmt.Errorf("measuring a cold start: %w", err)
	}
	return json.Unmarshal(out, row)
}

// coldCommand loads a model, runs it once and prints how long that took and the
// most memory the process had.
func coldCommand() *cobra.Command {
	var (
		device  string
		threads int
	)
	c := &cobra.Command{
		Use:    "cold MODEL",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := findModel(args[0])
			if err != nil {
				return err
			}
			start := time.Now()
			s, err := models.Load(c.Context(), m.path, &models.Options{Devices: strings.Split(device, ","), Threads: threads})
			if err != nil {
				return err
			}
			defer s.Close()
			loaded := time.Since(start)
			inputs, err := benchInputs(s, m)
			if err != nil {
				return err
			}
			start = time.Now()
			if _, err := s.Run(c.Context(), inputs); err != nil {
				return err
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(map[string]float64{
				"load_ms": millis(loaded), "first_ms": millis(loaded + time.Since(start)), "peak_rss_mb": peakRSS(),
			})
		},
	}
	c.Flags().StringVar(&device, "device", "cpu", "")
	c.Flags().IntVar(&threads, "threads", 0, "")
	return c
}
