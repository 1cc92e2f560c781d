package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/onnx/onnxtest"
)

// comparison is how one output compares with what was expected.
type comparison struct {
	Set    string `json:"set,omitempty"`
	Output string `json:"output"`
	Match  bool   `json:"match"`
	Reason string `json:"reason,omitempty"`
}

// check holds a model's outputs against those of its folder.
func check(c *cobra.Command, m model, r *runFlags) error {
	s, err := r.load(c, m)
	if err != nil {
		return err
	}
	defer s.Close()
	sets, err := m.sets(s)
	if err != nil {
		return err
	}
	var list []comparison
	for _, set := range sets {
		outputs, err := s.Run(c.Context(), named(s, set.Inputs))
		if err != nil {
			return err
		}
		for i, want := range set.Outputs {
			if want != nil {
				name := s.Outputs()[i].Name
				list = append(list, compare(set.Name, name, outputs[name], want, r.tolerance))
			}
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("%s has no expected outputs", m.test.Dir)
	}
	return printComparisons(c, m, s, list, r)
}

func compare(set, name string, got, want tensor.Value, tolerance float64) comparison {
	cmp := comparison{Set: set, Output: name, Match: true}
	if err := onnxtest.CompareScaled(got, want, tolerance); err != nil {
		cmp.Match, cmp.Reason = false, err.Error()
	}
	return cmp
}

// against runs the same inputs on a second device and compares.
func against(c *cobra.Command, s *models.Session, m model, inputs map[string]tensor.Value, r *runFlags) error {
	other, err := models.Load(c.Context(), m.path, &models.Options{Devices: []string{r.against}, Threads: r.threads})
	if err != nil {
		return err
	}
	defer other.Close()
	got, err := s.Run(c.Context(), inputs)
	if err != nil {
		return err
	}
	want, err := other.Run(c.Context(), inputs)
	if err != nil {
		return err
	}
	var list []comparison
	for _, o := range s.Outputs() {
		list = append(list, compare("", o.Name, got[o.Name], want[o.Name], r.tolerance))
	}
	return printComparisons(c, m, s, list, r)
}

// printComparisons reports every output; one that does not match makes the
// command fall short.
func printComparisons(c *cobra.Command, m model, s *models.Session, list []comparison, r *runFlags) error {
	w := c.OutOrStdout()
	matched := 0
	for _, cmp := range list {
		if cmp.Match {
			matched++
		}
	}
	if r.asJSON {
		err := printJSON(w, map[string]any{
			"model": m.name(), "tolerance": r.tolerance, "outputs": list,
			"matched": matched, "differed": len(list) - matched, "placement": placementOf(s.Placement()),
		})
		if err != nil {
			return err
		}
	} else {
		for _, cmp := range list {
			verdict := "ok     "
			if !cmp.Match {
				verdict = "DIFFERS"
			}
			fmt.Fprintf(w, "%s %s %s %s\n", verdict, cmp.Set, cmp.Output, cmp.Reason)
		}
		fmt.Fprintf(w, "%s: %d of %d outputs match within %g of the largest expected; %s\n", m.name(), matched, len(list), r.tolerance, summary(s))
	}
	if matched < len(list) {
		return errShort
	}
	return nil
}
