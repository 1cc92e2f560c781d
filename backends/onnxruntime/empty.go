package onnxruntime

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// empty makes a sequence without items. The library has no call for that, so a
// model of one node returns it.
func (s *scope) empty(t tensor.Type) (handle, error) {
	session, err := s.lib.emptySession(t)
	if err != nil {
		return 0, err
	}
	out := make([]handle, 1)
	err = session.run(context.Background(), nil, out)
	s.own(out[0])
	return out[0], err
}

// emptySession returns the session whose output is the empty sequence of a type.
func (l *library) emptySession(t tensor.Type) (*session, error) {
	if t.Elem == nil || !t.Elem.IsTensor() || !t.Elem.DType.Valid() {
		return nil, driver.Errorf(driver.Unsupported, "Run", "ONNX Runtime cannot make an empty %v: it has to be of tensors whose element type is known", t)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	element := t.Elem.DType
	if s, ok := l.empties[element]; ok {
		return s, nil
	}
	model, err := emptyModel(element)
	if err != nil {
		return nil, err
	}
	set := settings{provider: provider{name: cpuProvider}, threads: 1}
	s, err := l.newSession(context.Background(), source{bytes: model}, set, nil, []string{"empty"})
	if err != nil {
		return nil, fmt.Errorf("an empty %v: %w", t, declined(err))
	}
	if l.empties == nil {
		l.empties = make(map[tensor.DType]*session)
	}
	l.empties[element] = s
	return s, nil
}

// emptyModel encodes a model that returns an empty sequence of tensors.
func emptyModel(d tensor.DType) ([]byte, error) {
	n := &graph.Node{Op: "SequenceEmpty", Version: 11, Attributes: []graph.Attribute{graph.A("dtype", int64(d))}}
	out := &graph.Value{Name: "empty", Type: tensor.SequenceType(tensor.TensorType(d, nil)), Producer: n}
	n.Outputs = []*graph.Value{out}
	return onnx.Encode(&graph.Model{
		IRVersion: 8,
		Opsets:    map[string]int{"": n.Version},
		Graph:     &graph.Graph{Name: "empty", Nodes: []*graph.Node{n}, Outputs: []*graph.Value{out}},
	})
}
