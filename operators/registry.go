package operators

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Key says which nodes a kernel is for.
type Key struct {
	Domain string // "" is ai.onnx
	Op     string
	Since  int // lowest version of the operator, as nodes carry it; 0: any
	Until  int // highest version; 0: any

	// Types restricts inputs and outputs: the element types allowed for the
	// i-th. A missing or nil entry allows any; the last one counts for all that
	// follow it.
	Inputs, Outputs [][]tensor.DType
}

// Entry files a kernel under a key.
type Entry struct {
	Key
	Kernel string // its name, for people

	// Accept, if set, looks at attributes and shapes of a node that fits the
	// key.
	Accept func(n *graph.Node) Verdict

	Build func(n *graph.Node) (Kernel, error)
}

// Registry holds the kernels of a backend. Kernels registered earlier are
// preferred. The zero Registry is empty and ready; it must not change once it
// is in use, and is then safe for concurrent use. A backend's device may embed
// one to implement [Backend].
type Registry struct {
	byOperator map[string][]Entry
}

// Register files kernels.
func (r *Registry) Register(entries ...Entry) {
	if r.byOperator == nil {
		r.byOperator = make(map[string][]Entry)
	}
	for _, e := range entries {
		name := (&graph.Node{Domain: e.Domain, Op: e.Op}).Operator()
		r.byOperator[name] = append(r.byOperator[name], e)
	}
}

// Supports implements [Backend]: the verdict of the first kernel that takes the
// node, or of the one that came nearest.
func (r *Registry) Supports(n *graph.Node) Verdict {
	_, v := r.find(n)
	return v
}

// Build implements [Backend].
func (r *Registry) Build(n *graph.Node) (Kernel, error) {
	e, v := r.find(n)
	if v.Level == Unsupported {
		return nil, fmt.Errorf("node %s: %v", n.Label(), v)
	}
	return e.Build(n)
}

func (r *Registry) find(n *graph.Node) (Entry, Verdict) {
	nearest := Verdict{Reason: NoKernel, Detail: n.Operator()}
	for _, e := range r.byOperator[n.Operator()] {
		v := e.verdict(n)
		if v.Level != Unsupported {
			return e, v
		}
		nearest = v
	}
	return Entry{}, nearest
}

func (e Entry) verdict(n *graph.Node) Verdict {
	if n.Version > 0 && (n.Version < e.Since || e.Until > 0 && n.Version > e.Until) {
		return Verdict{Reason: WrongVersion, Detail: fmt.Sprintf("version %d", n.Version)}
	}
	for _, side := range []struct {
		values []*graph.Value
		types  [][]tensor.DType
		what   string
	}{{n.Inputs, e.Inputs, "input"}, {n.Outputs, e.Outputs, "output"}} {
		for i, v := range side.values {
			if len(side.types) == 0 || v == nil || !v.Type.IsTensor() {
				continue
			}
			allowed := side.types[min(i, len(side.types)-1)]
			if allowed != nil && !slices.Contains(allowed, v.Type.DType) {
				return Verdict{Reason: WrongType, Detail: fmt.Sprintf("%s %d is %v", side.what, i, v.Type.DType)}
			}
		}
	}
	v := Verdict{Level: Native}
	if e.Accept != nil {
		v = e.Accept(n)
	}
	v.Kernel = e.Kernel
	return v
}
