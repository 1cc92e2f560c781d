package command

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
)

// opJSON is what a device says of one operator.
type opJSON struct {
	Domain   string            `json:"domain"`
	Operator string            `json:"operator"`
	Versions []int             `json:"versions"`
	Routes   map[string]string `json:"routes"` // by element type of the first input: kernel, decomposed, host or missing
	Kernel   string            `json:"kernel,omitempty"`
}

func opsCommand() *cobra.Command {
	var (
		device string
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "ops",
		Short: "List every operator and how a device runs it",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			dev, err := adapter.Open(c.Context(), device, nil)
			if err != nil {
				return err
			}
			defer dev.Close()
			backend, ok := adapter.As[operators.Backend](dev)
			if !ok {
				return fmt.Errorf("%s runs no operators", dev.Name())
			}
			list := survey(backend)
			if asJSON {
				return printJSON(c.OutOrStdout(), list)
			}
			t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "OPERATOR\tVERSIONS\tROUTES\tKERNEL")
			for _, o := range list {
				name := (&graph.Node{Domain: o.Domain, Op: o.Operator}).Operator()
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", name, joinInts(o.Versions), joinRoutes(o.Routes), o.Kernel)
			}
			return t.Flush()
		},
	}
	c.Flags().StringVar(&device, "device", "cpu", "the device to ask")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// survey asks a backend about every operator in its newest version, for every
// element type that its first input may have.
func survey(backend operators.Backend) []opJSON {
	versions := make(map[string][]int)
	for s := range operators.All() {
		name := s.Operator()
		versions[name] = append(versions[name], s.Since)
	}
	var list []opJSON
	for name, since := range versions {
		domain, op := graph.SplitOperator(name)
		schema, ok := operators.Newest(domain, op)
		if !ok {
			continue
		}
		slices.Sort(since)
		o := opJSON{Domain: domain, Operator: op, Versions: since, Routes: make(map[string]string)}
		for _, d := range firstTypes(schema) {
			v := backend.Supports(sample(schema, d))
			o.Routes[d.String()] = routeOf(v, name)
			if v.Kernel != "" {
				o.Kernel = v.Kernel
			}
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b opJSON) int {
		return strings.Compare(a.Domain+"\x00"+a.Operator, b.Domain+"\x00"+b.Operator)
	})
	return list
}

func routeOf(v operators.Verdict, name string) string {
	switch _, ok := decompose.Lookup(name); {
	case v.Level != operators.Unsupported:
		return "kernel"
	case name == "If" || name == "Loop":
		return "control"
	case v.Reason == operators.HostValue:
		return "host"
	case ok:
		return "decomposed"
	}
	return "missing"
}

// firstTypes returns the element types that an operator's first input may have,
// or, without inputs, its first output.
func firstTypes(s *operators.Schema) []tensor.DType {
	parameters := s.Inputs
	if len(parameters) == 0 {
		parameters = s.Outputs
	}
	if len(parameters) == 0 {
		return nil
	}
	var types []tensor.DType
	for _, name := range s.Allowed(parameters[0].Type) {
		element, found := strings.CutPrefix(name, "tensor(")
		if d, err := tensor.ParseDType(strings.TrimSuffix(element, ")")); found && err == nil {
			types = append(types, d)
		}
	}
	return types
}

// sample is a node of an operator whose first input has type d; the types of
// others that go by the same constraint are equal.
func sample(s *operators.Schema, d tensor.DType) *graph.Node {
	n := &graph.Node{Domain: s.Domain, Op: s.Name, Version: s.Since}
	first := ""
	if len(s.Inputs) > 0 {
		first = s.Inputs[0].Type
	}
	value := func(p operators.Parameter) *graph.Value {
		v := &graph.Value{Name: p.Name}
		if p.Type == first || first == "" {
			v.Type = tensor.TensorType(d, nil)
		}
		return v
	}
	for _, p := range s.Inputs {
		n.Inputs = append(n.Inputs, value(p))
	}
	for _, p := range s.Outputs {
		n.Outputs = append(n.Outputs, value(p))
	}
	return n
}

func joinInts(list []int) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, ",")
}

// joinRoutes groups types by route: "kernel: float32 float64; missing: int8".
func joinRoutes(routes map[string]string) string {
	byRoute := make(map[string][]string)
	for d, r := range routes {
		byRoute[r] = append(byRoute[r], d)
	}
	var parts []string
	for r, types := range byRoute {
		slices.Sort(types)
		parts = append(parts, r+": "+strings.Join(types, " "))
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}
