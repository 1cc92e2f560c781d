package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/mine"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// How far outputs of whole models may be from those expected, as a share of the
// largest: rounding adds up in ways that nothing here bounds. In a quantized
// model one element that falls on another step moves all behind it.
const (
	modelTolerance     = 1e-3
	quantizedTolerance = 5e-2
)

// toleranceFile in a model's folder says another share for it.
const toleranceFile = "tolerance"

// modelCase is a whole model with data.
type modelCase struct{ onnxtest.Case }

func (c modelCase) id() string { return "model/" + c.ID }

func (c modelCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c modelCase) exam(_ context.Context, _ *runner) (*exam, error) {
	m, err := readModel(c.Case)
	if err != nil {
		return unreadable(err), nil
	}
	e := m.exam(&trial.Trial{Path: c.ModelPath, Random: true})
	e.expected = m.expected
	e.judge = func(r *Result, seen []*trial.Observation) {
		o := seen[0]
		if !end(r, o) {
			return
		}
		for i := range m.sets {
			if err := m.compare(i, o, m.sets[i].Outputs); err != nil {
				r.As(result.FailNumeric, err.Error())
				return
			}
		}
		r.As(passed(o), "")
	}
	return e, nil
}

// model is a model that was read, with its data.
type model struct {
	file      *onnx.File
	sets      []onnxtest.DataSet
	tolerance float64
}

func readModel(c onnxtest.Case) (*model, error) {
	file, err := onnx.Load(c.ModelPath, &onnx.Options{Copy: true})
	if err != nil {
		return nil, err
	}
	m := &model{file: file}
	if m.sets, err = c.Read(file.Model.Graph); err != nil {
		return nil, err
	}
	if len(m.sets) == 0 {
		return nil, fmt.Errorf("%s has no test_data_set_0", c.Dir)
	}
	m.tolerance, err = toleranceOf(c.Dir, file.Model.Graph)
	return m, err
}

func toleranceOf(dir string, g *graph.Graph) (float64, error) {
	text, err := os.ReadFile(filepath.Join(dir, toleranceFile))
	if errors.Is(err, os.ErrNotExist) {
		for n := range g.All {
			if quantized(n.Op) {
				return quantizedTolerance, nil
			}
		}
		return modelTolerance, nil
	}
	if err != nil {
		return 0, err
	}
	t, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || !(t >= 0 && t <= 1) {
		return 0, fmt.Errorf("%s: %q is no share from 0 to 1", filepath.Join(dir, toleranceFile), text)
	}
	return t, nil
}

func quantized(op string) bool {
	return strings.HasPrefix(op, "QLinear") || strings.HasSuffix(op, "QuantizeLinear") || op == "QuantizeLinear" || strings.HasSuffix(op, "Integer")
}

// expected returns the outputs of a set.
func (m *model) expected(set int) []tensor.Value { return m.sets[set].Outputs }

// compare holds the outputs of a set against others, nil for those that are not
// known.
func (m *model) compare(set int, o *trial.Observation, want []tensor.Value) error {
	compared := 0
	for i, v := range want {
		if v == nil {
			continue
		}
		compared++
		if err := onnxtest.CompareScaled(o.Outputs[set][i], v, m.tolerance); err != nil {
			return fmt.Errorf("%s: output %q: %w, within %v of the largest", m.sets[set].Name, m.file.Model.Graph.Outputs[i].Name, err, m.tolerance)
		}
	}
	if compared == 0 {
		return fmt.Errorf("%s has no output to compare with", m.sets[set].Name)
	}
	return nil
}

// exam tries a model in one way or in several.
func (m *model) exam(trials ...*trial.Trial) *exam {
	e := &exam{trials: trials}
	for _, set := range m.sets {
		e.names = append(e.names, set.Name)
		for _, t := range trials {
			t.Sets = append(t.Sets, set.Inputs)
		}
	}
	return e
}

// optimizedCase runs a model with the passes of package optimize and without.
type optimizedCase struct{ onnxtest.Case }

func (c optimizedCase) id() string { return "law/optimized/" + c.ID }

func (c optimizedCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c optimizedCase) exam(_ context.Context, _ *runner) (*exam, error) {
	m, err := readModel(c.Case)
	if err != nil {
		return unreadable(err), nil
	}
	e := m.exam(&trial.Trial{Path: c.ModelPath, Random: true}, &trial.Trial{Path: c.ModelPath, Random: true, Unoptimized: true})
	e.judge = func(r *Result, seen []*trial.Observation) {
		if !end(r, seen[len(seen)-1]) {
			return
		}
		for i := range m.sets {
			if err := m.compare(i, seen[1], seen[0].Outputs[i]); err != nil {
				r.As(result.FailNumeric, "without passes, and with them: "+err.Error())
				return
			}
		}
		r.As(passed(seen[0]), "")
	}
	return e, nil
}

// minedCase is a node of a model.
type minedCase struct{ mine.Node }

func (c minedCase) id() string { return c.ID }

func (c minedCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c minedCase) exam(ctx context.Context, r *runner) (*exam, error) {
	return problemExam(ctx, r, c.Make(r.options.Seed), false)
}

// work is how much a mined node may take in a profile: the oracle has to compute
// it too.
var work = map[Profile]float64{"": 1 << 22, Smoke: 1 << 20, Core: 1 << 24, Full: 1 << 30}

// modelCases returns the cases of the models in a folder: each as it is, with and
// without passes, and its distinct nodes.
func modelCases(ctx context.Context, dir string, p Profile, seen map[string]bool) ([]testcase, error) {
	models, err := onnxtest.Cases(dir)
	if err != nil {
		return nil, err
	}
	var whole, mined []testcase
	for _, c := range models {
		whole = append(whole, modelCase{c}, optimizedCase{c})
		m, err := readModel(c)
		if err != nil {
			continue // the cases say so
		}
		nodes, err := mine.Nodes(ctx, m.file.Model, m.sets[0].Inputs)
		if err != nil {
			continue // running it says so
		}
		for _, n := range nodes {
			if !seen[n.ID] && n.Work <= work[p] {
				seen[n.ID] = true
				mined = append(mined, minedCase{n})
			}
		}
	}
	return append(whole, mined...), nil
}
