package onnx

import (
	"example.com/midplane/operators/graph"
)

type functionKey struct{ domain, name, overload string }

// functions reads the model-local functions and makes sure that each is defined
// once and that none calls itself, directly or by way of others.
func (d *decoder) functions(messages [][]byte) ([]*graph.Function, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	headers := make([]functionFields, len(messages))
	for i, b := range messages {
		if err := d.functionFields(b, &headers[i]); err != nil {
			return nil, within(err, "function %d %s", i, name(headers[i].fn.Name))
		}
	}
	functions := make([]*graph.Function, len(messages))
	byKey := make(map[functionKey]*graph.Function, len(messages))
	for i := range headers {
		fn := headers[i].fn
		if err := d.body(&headers[i]); err != nil {
			return nil, within(err, "function %d %s", i, name(fn.Name))
		}
		key := functionKey{fn.Domain, fn.Name, fn.Overload}
		if byKey[key] != nil {
			return nil, invalid("function %s of domain %s is defined twice", name(fn.Name), name(fn.Domain))
		}
		functions[i], byKey[key] = fn, fn
	}
	return functions, acyclic(functions, byKey)
}

// functionFields is what a FunctionProto holds, before names are resolved.
type functionFields struct {
	fn              *graph.Function
	inputs, outputs []string
	defaults        [][]byte
	infos           [][]byte
	nodes           [][]byte
}

func (d *decoder) functionFields(b []byte, h *functionFields) error {
	fn := &graph.Function{Body: &graph.Graph{}}
	h.fn = fn
	var imports [][]byte
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			fn.Name = f.text()
			fn.Body.Name = fn.Name
		case 4:
			h.inputs = append(h.inputs, f.text())
		case 5:
			h.outputs = append(h.outputs, f.text())
		case 6:
			fn.Attributes = append(fn.Attributes, f.text())
		case 7:
			h.nodes = append(h.nodes, f.message())
		case 8:
			fn.Doc = f.text()
		case 9:
			imports = append(imports, f.message())
		case 10:
			fn.Domain = graph.NormalDomain(f.text())
		case 11:
			h.defaults = append(h.defaults, f.message())
		case 12:
			h.infos = append(h.infos, f.message())
		case 13:
			fn.Overload = f.text()
		case 14:
			d.entry(&f, &fn.Body.Metadata)
		}
	}
	if f.err != nil {
		return f.err
	}
	if fn.Name == "" {
		return invalid("a function needs a name")
	}
	var err error
	fn.Opsets, err = d.imports(imports)
	return err
}

// body reads the nodes of a function.
func (d *decoder) body(h *functionFields) error {
	g := h.fn.Body
	if err := d.count(len(h.inputs) + len(h.outputs) + len(h.infos)); err != nil {
		return err
	}
	s := &scope{opsets: h.fn.Opsets, values: make(map[string]definition, len(h.inputs)+len(h.nodes))}
	for _, input := range h.inputs {
		v := &graph.Value{Name: input}
		if err := s.define(v, beforeNodes); err != nil {
			return within(err, "input %s", name(input))
		}
		g.Inputs = append(g.Inputs, v)
	}
	var err error
	if h.fn.Defaults, err = d.attributes(h.defaults, s); err != nil {
		return err
	}
	if err := d.define(g, h.nodes, s); err != nil {
		return err
	}
	if err := d.describe(h.infos, s); err != nil {
		return err
	}
	if err := d.link(g, h.nodes, s); err != nil {
		return err
	}
	for _, output := range h.outputs {
		v := s.lookup([]byte(output))
		if v == nil {
			return invalid("output %s is never defined", name(output))
		}
		g.Outputs = append(g.Outputs, v)
	}
	return s.sort(g)
}

// acyclic returns an error if a function calls itself.
func acyclic(functions []*graph.Function, byKey map[functionKey]*graph.Function) error {
	const visiting, done = 1, 2
	state := make(map[*graph.Function]int, len(functions))
	type frame struct {
		fn    *graph.Function
		calls []*graph.Function
	}
	for _, root := range functions {
		if state[root] == done {
			continue
		}
		state[root] = visiting
		stack := []frame{{root, calls(root, byKey)}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if len(top.calls) == 0 {
				state[top.fn] = done
				stack = stack[:len(stack)-1]
				continue
			}
			callee := top.calls[0]
			top.calls = top.calls[1:]
			switch state[callee] {
			case visiting:
				return errorf(ErrCycle, "function %s calls itself, directly or by way of others", name(callee.Name))
			case 0:
				state[callee] = visiting
				stack = append(stack, frame{callee, calls(callee, byKey)})
			}
		}
	}
	return nil
}

// calls returns the functions that a function's nodes call.
func calls(fn *graph.Function, byKey map[functionKey]*graph.Function) []*graph.Function {
	var callees []*graph.Function
	for n := range fn.Body.All {
		if callee := byKey[functionKey{n.Domain, n.Op, n.Overload}]; callee != nil {
			callees = append(callees, callee)
		}
	}
	return callees
}
