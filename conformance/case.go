package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx/onnxtest"
)

// ONNX's rule for numbers: |got - want| <= atol + rtol × |want|.
const (
	rtol = 1e-3
	atol = 1e-7
)

// runCase runs one case on a device of its own.
func runCase(ctx context.Context, open Open, c onnxtest.Case) Result {
	r := Result{ID: c.ID, Status: Passed}
	drv, err := open(ctx)
	if err != nil {
		r.Status, r.Reason = Failed, "the device cannot be opened: "+err.Error()
		return r
	}
	dev := adapter.New("device", drv)
	defer dev.Close()
	s, err := models.Load(ctx, c.ModelPath, &models.Options{Opened: []*adapter.Device{dev}, Fallback: models.FallbackNever})
	if err != nil {
		return r.not(err)
	}
	defer s.Close()
	r.Route = route(s)
	sets, err := c.Read(s.Model().Graph)
	if err != nil {
		return r.not(err)
	}
	if len(sets) == 0 {
		return r.not(errors.New("the case has no data"))
	}
	for _, set := range sets {
		if err := runSet(ctx, s, set); err != nil {
			return r.not(fmt.Errorf("%s: %w", set.Name, err))
		}
	}
	return r
}

// random returns a node that draws random values, nil if there is none.
func random(s *models.Session) *graph.Node {
	for _, a := range s.Placement().Nodes {
		if infer.Volatile(a.Node) {
			return a.Node
		}
	}
	return nil
}

// not is a result that did not pass.
func (r Result) not(err error) Result {
	r.Status, r.Reason = Failed, err.Error()
	if errors.Is(err, adapter.Unsupported) {
		r.Status = Unsupported
	}
	return r
}

func runSet(ctx context.Context, s *models.Session, set onnxtest.DataSet) error {
	inputs := make(map[string]tensor.Value)
	for i, v := range set.Inputs {
		if v != nil {
			inputs[s.Inputs()[i].Name] = v
		}
	}
	out, err := s.Run(ctx, inputs)
	if err != nil {
		return err
	}
	compared := 0
	for i, want := range set.Outputs {
		if want == nil {
			continue
		}
		compared++
		name := s.Outputs()[i].Name
		if err := compare(s, out[name], want); err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
	}
	if compared == 0 {
		return errors.New("the data has no output to compare with")
	}
	return nil
}

// compare holds an output against the one expected. Values that differ because
// the model draws random ones are no failure, but cannot be judged either.
func compare(s *models.Session, got, want tensor.Value) error {
	err := onnxtest.Compare(got, want, rtol, atol)
	if n := random(s); err != nil && n != nil && got.Type().String() == want.Type().String() {
		return &adapter.Error{Code: adapter.Unsupported, Op: "compare", Text: fmt.Sprintf(
			"node %s draws random values; those expected are another generator's, and the specification fixes none: types and shapes are right", n.Label())}
	}
	return err
}

// route names the routes by which a session's nodes run, in alphabetical order.
func route(s *models.Session) string {
	var routes []string
	for _, c := range s.Placement().Counts() {
		if name := c.Route.String(); !slices.Contains(routes, name) {
			routes = append(routes, name)
		}
	}
	if len(routes) == 0 {
		return "constant" // the outputs do not depend on any node
	}
	slices.Sort(routes)
	return strings.Join(routes, "+")
}
