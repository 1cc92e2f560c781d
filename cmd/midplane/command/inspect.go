package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// inspectJSON describes a model for machines.
type inspectJSON struct {
	Model     string          `json:"model"`
	IR        int64           `json:"ir_version"`
	Producer  string          `json:"producer,omitempty"`
	Opsets    map[string]int  `json:"opsets"`
	Inputs    []portJSON      `json:"inputs"`
	Outputs   []portJSON      `json:"outputs"`
	Operators map[string]int  `json:"operators"`
	Placement []placementJSON `json:"placement,omitempty"`
	Missing   string          `json:"missing,omitempty"`
}

type portJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Optional bool   `json:"optional,omitempty"`
}

func inspectCommand() *cobra.Command {
	var (
		w      where
		stage  string
		out    string
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show a model's inputs, outputs, operators, placement, and everything that is missing",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := findModel(args[0])
			if err != nil {
				return err
			}
			o, err := w.options()
			if err != nil {
				return err
			}
			if stage != "" {
				return printStage(c, m, o, stage, out)
			}
			if out != "" {
				return errors.New("--out goes with --stage")
			}
			return inspect(c, m, o, asJSON)
		},
	}
	w.register(c)
	c.Flags().StringVar(&stage, "stage", "", "print the graph after a `STAGE`: "+strings.Join(models.Stages, ", ")+"; or the steps of a run, "+planned)
	c.Flags().StringVar(&out, "out", "", "with --stage: write the graph as a .onnx `FILE` instead, the placement in its metadata")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// inspect describes a model. What no device can run makes the command fall
// short, after everything was shown.
func inspect(c *cobra.Command, m model, o *models.Options, asJSON bool) error {
	var j inspectJSON
	s, err := models.Load(c.Context(), m.path, o)
	switch {
	case err == nil:
		defer s.Close()
		j = describeModel(m.name(), s.Model())
		j.Placement = placementOf(s.Placement())
	case errors.Is(err, adapter.Unsupported):
		file, unreadable := onnx.Load(m.path, nil)
		if unreadable != nil {
			return unreadable
		}
		defer file.Close()
		j = describeModel(m.name(), file.Model)
		j.Missing = err.Error()
	default:
		return err
	}
	if asJSON {
		err = printJSON(c.OutOrStdout(), j)
	} else {
		err = printInspection(c.OutOrStdout(), j, s)
	}
	if err == nil && j.Missing != "" {
		return errShort
	}
	return err
}

func describeModel(name string, m *graph.Model) inspectJSON {
	j := inspectJSON{Model: name, IR: m.IRVersion, Producer: strings.TrimSpace(m.Producer + " " + m.ProducerVersion), Opsets: make(map[string]int), Operators: make(map[string]int), Inputs: []portJSON{}, Outputs: []portJSON{}}
	for domain, version := range m.Opsets {
		if domain == "" {
			domain = "ai.onnx"
		}
		j.Opsets[domain] = version
	}
	for _, v := range m.Graph.Inputs {
		j.Inputs = append(j.Inputs, portJSON{v.Name, v.Type.String(), v.Const != nil})
	}
	for _, v := range m.Graph.Outputs {
		j.Outputs = append(j.Outputs, portJSON{Name: v.Name, Type: v.Type.String()})
	}
	for n := range m.Graph.All {
		j.Operators[n.Operator()]++
	}
	return j
}

func printInspection(w io.Writer, j inspectJSON, s *models.Session) error {
	fmt.Fprintf(w, "%s: IR version %d, opsets %s", j.Model, j.IR, joinOpsets(j.Opsets))
	if j.Producer != "" {
		fmt.Fprintf(w, ", made by %s", j.Producer)
	}
	fmt.Fprintln(w)
	printPorts(w, "input", j.Inputs)
	printPorts(w, "output", j.Outputs)
	fmt.Fprintln(w, "operators:", joinCounts(j.Operators))
	if j.Missing != "" {
		_, err := fmt.Fprintln(w, "missing:", j.Missing)
		return err
	}
	fmt.Fprintln(w, "placement:", summary(s))
	return printPlacement(w, s.Placement())
}

// printPorts lists inputs or outputs; initializers that are inputs too are only
// counted.
func printPorts(w io.Writer, what string, ports []portJSON) {
	optional := 0
	for _, p := range ports {
		if p.Optional {
			optional++
			continue
		}
		fmt.Fprintf(w, "%s %s: %s\n", what, p.Name, p.Type)
	}
	if optional > 0 {
		fmt.Fprintf(w, "and %d %ss with a default\n", optional, what)
	}
}

func joinOpsets(opsets map[string]int) string {
	var parts []string
	for domain, version := range opsets {
		parts = append(parts, fmt.Sprintf("%s %d", domain, version))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// joinCounts lists operators, the most used first.
func joinCounts(counts map[string]int) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(names, ", ")
}

// planned is the stage that has steps instead of a graph.
const planned = "planned"

// printStage dumps the graph after a stage, a node a line, or writes it to a
// file; or it lists the steps of a run.
func printStage(c *cobra.Command, m model, o *models.Options, stage, out string) error {
	if !slices.Contains(models.Stages, stage) && stage != planned {
		return fmt.Errorf("--stage %s: there are %s", stage, strings.Join(append(slices.Clip(models.Stages), planned), ", "))
	}
	if stage == planned && out != "" {
		return errors.New("--out writes a graph, which --stage planned has not")
	}
	s, err := models.Load(c.Context(), m.path, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if stage == planned {
		return printSteps(c, m, s)
	}
	if out != "" {
		var b bytes.Buffer
		if err := s.WriteStage(&b, stage); err != nil {
			return err
		}
		return os.WriteFile(out, b.Bytes(), 0o644)
	}
	g, err := s.Stage(stage)
	if err != nil {
		return err
	}
	printGraph(c.OutOrStdout(), g, "")
	return nil
}

// printSteps lists the steps of a run with the model's inputs.
func printSteps(c *cobra.Command, m model, s *models.Session) error {
	inputs, err := m.inputs(s)
	if err != nil {
		return err
	}
	steps, err := s.Steps(c.Context(), inputs)
	if err != nil {
		return err
	}
	for _, line := range steps {
		fmt.Fprintln(c.OutOrStdout(), line)
	}
	return nil
}

func printGraph(w io.Writer, g *graph.Graph, indent string) {
	fmt.Fprintf(w, "%sgraph %q: %d nodes, %d initializers\n", indent, g.Name, len(g.Nodes), len(g.Initializers))
	fmt.Fprintf(w, "%s  in  %s\n", indent, values(g.Inputs))
	for _, n := range g.Nodes {
		var attrs []string
		for _, a := range n.Attributes {
			attrs = append(attrs, a.String())
		}
		fmt.Fprintf(w, "%s  %s = %s-%d(%s) %s\n", indent, values(n.Outputs), n.Operator(), n.Version, names(n.Inputs), strings.Join(attrs, " "))
		for _, body := range n.Bodies() {
			printGraph(w, body, indent+"    ")
		}
	}
	fmt.Fprintf(w, "%s  out %s\n", indent, names(g.Outputs))
}

func values(list []*graph.Value) string {
	parts := make([]string, len(list))
	for i, v := range list {
		if parts[i] = "-"; v != nil {
			parts[i] = fmt.Sprintf("%s:%v", v.Name, v.Type)
		}
	}
	return strings.Join(parts, ", ")
}

func names(list []*graph.Value) string {
	parts := make([]string, len(list))
	for i, v := range list {
		if parts[i] = "-"; v != nil {
			parts[i] = v.Name
		}
	}
	return strings.Join(parts, ", ")
}
