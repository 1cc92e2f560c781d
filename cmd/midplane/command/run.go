package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// runFlags are the flags of run.
type runFlags struct {
	where
	preprocess
	inputs    []string
	against   string
	perNode   bool
	tolerance float64
	check     bool
	demo      bool
	random    bool
	placement bool
	asJSON    bool
}

func runCommand() *cobra.Command {
	r := &runFlags{}
	c := &cobra.Command{
		Use:   "run MODEL",
		Short: "Run a model and print its outputs",
		Long: `Run a model and print its outputs.

MODEL is a .onnx file, or a folder in ONNX's test layout (model.onnx,
test_data_set_0/input_0.pb, output_0.pb …), whose inputs are then used.

  midplane run model.onnx --input image=cat.jpg --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  midplane run DIR --check                   hold every output against DIR's
  midplane run DIR --against emu             the same inputs on a second device
  midplane run DIR --against emu --per-node  and the first node whose outputs differ
  midplane run --demo                        the built-in model and pictures, on every device`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if r.demo == (len(args) == 1) {
				return errors.New("run takes one model, or --demo")
			}
			if r.demo {
				return demo(c, r)
			}
			m, err := findModel(args[0])
			if err != nil {
				return err
			}
			if r.check {
				return check(c, m, r)
			}
			return run(c, m, r)
		},
	}
	r.where.register(c)
	r.preprocess.register(c)
	f := c.Flags()
	f.StringArrayVar(&r.inputs, "input", nil, "`NAME=FILE`: .png, .jpg, .npy, .pb or .json; may be repeated")
	f.BoolVar(&r.random, "random", false, "seeded random values for inputs that are not given")
	f.BoolVar(&r.check, "check", false, "hold every output against the folder's expected ones")
	f.Float64Var(&r.tolerance, "tolerance", 1e-4, "for --check and --against: |difference| <= `T` × the largest |expected|")
	f.StringVar(&r.against, "against", "", "also run on `DEVICE` and compare")
	f.BoolVar(&r.perNode, "per-node", false, "for --against: compare what every node writes, and name the first node that differs")
	f.BoolVar(&r.demo, "demo", false, "classify the built-in pictures")
	f.BoolVar(&r.placement, "placement", false, "list where every node ran")
	f.BoolVar(&r.asJSON, "json", false, "print JSON")
	c.MarkFlagsMutuallyExclusive("check", "against", "demo")
	c.MarkFlagsMutuallyExclusive("check", "input")
	return c
}

// load loads a model where the flags say.
func (r *runFlags) load(c *cobra.Command, m model) (*models.Session, error) {
	o, err := r.options()
	if err != nil {
		return nil, err
	}
	return models.Load(c.Context(), m.path, o)
}

// values returns the inputs: those named, and for others those of the folder,
// or random ones.
func (r *runFlags) values(s *models.Session, m model) (map[string]tensor.Value, error) {
	inputs, err := readInputs(s, r.inputs, r.preprocess)
	if err != nil {
		return nil, err
	}
	var others map[string]tensor.Value
	switch {
	case r.random:
		others, err = randomInputs(s)
	case m.test != nil && (len(inputs) == 0 || len(absent(s, inputs)) > 0):
		others, err = m.inputs(s)
	}
	if err != nil {
		return nil, err
	}
	for name, v := range others {
		if _, given := inputs[name]; !given {
			inputs[name] = v
		}
	}
	if missing := absent(s, inputs); len(missing) > 0 {
		return nil, fmt.Errorf("%s: no value for input %s: give --input NAME=FILE or --random", m.path, strings.Join(missing, ", "))
	}
	return inputs, nil
}

// absent quotes the names of the inputs without a default that have no value.
func absent(s *models.Session, inputs map[string]tensor.Value) []string {
	var missing []string
	for _, in := range s.Inputs() {
		if _, ok := inputs[in.Name]; !ok && !in.Optional {
			missing = append(missing, strconv.Quote(in.Name))
		}
	}
	return missing
}

// runJSON is a run for machines.
type runJSON struct {
	Model     string               `json:"model"`
	Devices   []string             `json:"devices"`
	Millis    float64              `json:"ms"`
	Outputs   map[string]valueJSON `json:"outputs"`
	Placement []placementJSON      `json:"placement"`
}

func run(c *cobra.Command, m model, r *runFlags) error {
	s, err := r.load(c, m)
	if err != nil {
		return err
	}
	defer s.Close()
	inputs, err := r.values(s, m)
	if err != nil {
		return err
	}
	switch {
	case r.perNode && r.against == "":
		return fmt.Errorf("--per-node compares two devices: say --against DEVICE too")
	case r.perNode:
		return perNode(c, m, inputs, r)
	case r.against != "":
		return against(c, s, m, inputs, r)
	}
	start := time.Now()
	outputs, err := s.Run(c.Context(), inputs)
	if err != nil {
		return err
	}
	took := time.Since(start)
	w := c.OutOrStdout()
	if r.asJSON {
		j := runJSON{Model: m.name(), Millis: millis(took), Outputs: make(map[string]valueJSON), Placement: placementOf(s.Placement())}
		for _, d := range s.Devices() {
			j.Devices = append(j.Devices, d.Name())
		}
		for name, v := range outputs {
			j.Outputs[name] = toJSON(v)
		}
		return printJSON(w, j)
	}
	printOutputs(w, s, outputs)
	fmt.Fprintf(w, "\n%s; %.3f ms\n", summary(s), millis(took))
	if r.placement {
		return printPlacement(w, s.Placement())
	}
	return nil
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
