package isolate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/conformance/isolate"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// begun names the file in which a child that waits says who it is.
const begun = "MIDPLANE_TEST_BEGUN"

// variable makes the test's binary a child that misbehaves in the way it names.
const variable = "MIDPLANE_TEST_CHILD"

func TestMain(m *testing.M) {
	mode := os.Getenv(variable)
	if mode == "" {
		os.Exit(m.Run())
	}
	switch mode {
	case "slow to start":
		time.Sleep(1500 * time.Millisecond)
	case "does not start":
		fmt.Fprintln(os.Stderr, "no such licence")
		os.Exit(4)
	case "suite":
		t, err := trialOfRelu()
		if err == nil {
			_, err = isolate.New([]string{os.Args[0]}, []string{variable + "=waits"}).Run(context.Background(), t)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "says nonsense":
		fmt.Println("\x1emidplane nonsense")
	}
	open := func(context.Context) (driver.Device, error) { return device{cpu.New(nil), mode}, nil }
	if err := (&isolate.Service{Open: open, Errand: errand}).Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// errand answers backwards.
func errand(_ context.Context, b []byte) ([]byte, error) {
	switch string(b) {
	case "fail":
		return nil, errors.New("no")
	case "crash":
		panic("short circuit")
	case "hang":
		select {}
	}
	slices.Reverse(b)
	return b, nil
}

func TestErrands(t *testing.T) {
	processes(t)
	p := isolate.New([]string{os.Args[0]}, []string{variable + "=behaves"})
	defer p.Close()
	for what, want := range map[string]struct {
		reply string
		end   trial.End
		text  string
	}{
		"live": {"evil", trial.Done, ""}, "fail": {"", trial.Failed, "no"}, "crash": {"", trial.Crashed, "short circuit"}, "hang": {"", trial.Hung, "not done after 2s"},
	} {
		limit := time.Minute
		if want.end == trial.Hung {
			limit = 2 * time.Second
		}
		reply, o, err := p.Errand(t.Context(), []byte(what), limit)
		require.NoError(t, err, what)
		assert.Equal(t, want.end, o.End, what)
		assert.Equal(t, want.reply, string(reply), what)
		assert.Contains(t, o.Text, want.text, what)
	}
}

// device is the processor with something wrong in every kernel.
type device struct {
	*cpu.Device
	mode string
}

// Groups: every node has a kernel of its own, which Build makes.
func (device) Groups(*graph.Graph) []operators.Group { return nil }

func (d device) Build(n *graph.Node) (operators.Kernel, error) {
	k, err := d.Device.Build(n)
	return kernel{d, k}, err
}

type kernel struct {
	device
	inner operators.Kernel
}

func (k kernel) Run(ctx context.Context, c *operators.Call) error {
	switch k.mode {
	case "exits":
		fmt.Fprintln(os.Stderr, "out of order")
		os.Exit(3)
	case "panics elsewhere":
		go panic("short circuit")
		time.Sleep(time.Minute)
	case "loops":
		for { // for good
		}
	case "waits":
		if file := os.Getenv(begun); file != "" {
			_ = os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())), 0o644) // the test looks for it
		}
		select {}
	case "leaks":
		if _, err := k.Alloc(64, driver.DeviceMemory); err != nil {
			return err
		}
	case "floods":
		for range 64 {
			fmt.Print(strings.Repeat("no end of line ", 1<<12))
		}
	case "floods its errors":
		fmt.Fprint(os.Stderr, strings.Repeat("x", 1<<22))
	case "closes its output":
		_ = os.Stdout.Close()
	case "spoils its answer":
		fmt.Print("\n\x1emidplane ")
	}
	return k.inner.Run(ctx, c)
}

func relu(t *testing.T, limit time.Duration) *trial.Trial {
	t.Helper()
	r, err := trialOfRelu()
	require.NoError(t, err)
	r.Limit = limit
	return r
}

// trialOfRelu is a trial of one Relu on two sets.
func trialOfRelu() (*trial.Trial, error) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)})}
	y := &graph.Value{Name: "y"}
	y.Producer = &graph.Node{Op: "Relu", Version: 14, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
	g := &graph.Graph{Name: "relu", Nodes: []*graph.Node{y.Producer}, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
	b, err := onnx.Encode(&graph.Model{Opsets: map[string]int{"": 14}, Graph: g})
	sets := [][]tensor.Value{{tensor.Of([]float32{-1, 2})}, {tensor.Of([]float32{3, -4})}}
	return &trial.Trial{Model: b, Sets: sets, Guarded: true, Concurrent: true}, err
}

func TestChildren(t *testing.T) {
	processes(t)
	for mode, c := range map[string]struct {
		end  trial.End
		text string
	}{
		"behaves":           {trial.Done, ""},
		"slow to start":     {trial.Done, ""}, // which is not the trial's time
		"floods":            {trial.Done, ""},
		"floods its errors": {trial.Done, ""},
		"leaks":             {trial.Done, ""},
		"exits":             {trial.Crashed, "exit status 3: out of order"},
		"panics elsewhere":  {trial.Crashed, "short circuit"},
		"loops":             {trial.Hung, "not done after 500ms: the process was ended"},
		"waits":             {trial.Hung, "not done after 500ms"},
		"closes its output": {trial.Crashed, "the process ended: "},
		"spoils its answer": {trial.Crashed, "no answer that can be read"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			limit := time.Minute
			if c.end == trial.Hung {
				limit = 500 * time.Millisecond
			}
			p := isolate.New([]string{os.Args[0]}, []string{variable + "=" + mode})
			defer p.Close()
			for range 2 { // a child that ended is replaced
				o, err := p.Run(t.Context(), relu(t, limit))
				require.NoError(t, err)
				assert.Equal(t, c.end, o.End, o.Text)
				assert.Contains(t, o.Text, c.text)
				if o.End == trial.Done {
					assert.Equal(t, []float32{0, 2}, tensor.Slice[float32](o.Outputs[0][0].(*tensor.Tensor)))
					assert.Equal(t, []float32{3, 0}, tensor.Slice[float32](o.Outputs[1][0].(*tensor.Tensor)))
					assert.Equal(t, mode == "leaks", o.Leak != "", o.Leak)
				}
			}
		})
	}
}

func TestNoChild(t *testing.T) {
	processes(t)
	for mode, text := range map[string]string{"does not start": "no such licence", "says nonsense": "nonsense"} {
		p := isolate.New([]string{os.Args[0]}, []string{variable + "=" + mode})
		_, err := p.Run(t.Context(), relu(t, 0))
		assert.ErrorContains(t, err, text)
		p.Close()
	}
	_, err := isolate.New([]string{"./no-such-program"}, nil).Run(t.Context(), relu(t, 0))
	assert.ErrorContains(t, err, "no-such-program")
}

// A suite that is told to end ends, whatever a child does.
func TestEndWithAHungChild(t *testing.T) {
	processes(t)
	p := isolate.New([]string{os.Args[0]}, []string{variable + "=waits"})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := p.Run(ctx, relu(t, 0))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

// A suite that is killed leaves no child behind, though it hangs.
func TestAKilledSuiteLeavesNoChild(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked up in /proc")
	}
	file := filepath.Join(t.TempDir(), "begun")
	suite := exec.CommandContext(t.Context(), os.Args[0])
	suite.Env = append(os.Environ(), variable+"=suite", begun+"="+file)
	require.NoError(t, suite.Start())
	var child []byte
	require.Eventually(t, func() bool {
		child, _ = os.ReadFile(file)
		return len(child) > 0
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, suite.Process.Kill())
	require.Error(t, suite.Wait())
	assert.Eventually(t, func() bool { return gone(string(child)) }, time.Minute, 10*time.Millisecond)
}

// gone reports whether a process has ended, or only waits to be asked how it ended.
func gone(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	_, state, _ := strings.Cut(string(b), ") ")
	return err != nil || strings.HasPrefix(state, "Z")
}

// processes skips a test where no process can be started.
func processes(t *testing.T) {
	t.Helper()
	if runtime.GOARCH == "wasm" {
		t.Skip("there are no processes on WebAssembly")
	}
}
