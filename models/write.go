package models

import (
	"fmt"
	"io"
	"maps"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// WriteStage writes the graph as it is after a stage (see [Session.Stage]) as a
// .onnx file that other programs can open. After "placed" every node says in its
// metadata where it runs: midplane.device, midplane.route, midplane.kernel and
// midplane.reason.
func (s *Session) WriteStage(w io.Writer, stage string) error {
	g, err := s.Stage(stage)
	if err != nil {
		return err
	}
	m := *s.source.Model
	if stage != "decoded" {
		m.Graph, m.Functions, m.Opsets, m.IRVersion = g, nil, nil, 0
	}
	if stage == "placed" {
		m.Graph = placedCopy(s.placement)
	}
	if err := onnx.Write(w, &m); err != nil {
		return &Error{File: s.file, Stage: stage, Err: fmt.Errorf("writing the graph after stage %q: %w", stage, err)}
	}
	return nil
}

// placedCopy returns a copy of a placed graph with the placement as metadata.
func placedCopy(p *partition.Placement) *graph.Graph {
	c := p.Graph.Clone(nil)
	var nodes []*graph.Node
	for n := range p.Graph.All {
		nodes = append(nodes, n)
	}
	i := 0
	for n := range c.All {
		a := p.Of(nodes[i])
		i++
		n.Metadata = maps.Clone(n.Metadata)
		if n.Metadata == nil {
			n.Metadata = make(map[string]string)
		}
		n.Metadata["midplane.device"], n.Metadata["midplane.route"] = p.DeviceName(a.Device), a.Route.String()
		for key, value := range map[string]string{"midplane.kernel": a.Kernel, "midplane.reason": a.Reason} {
			if value != "" {
				n.Metadata[key] = value
			}
		}
	}
	return c
}
