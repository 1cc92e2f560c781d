package onnxgo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/midplane/models/optimize"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/opset"
)

// oldest is the version of ai.onnx, that of ONNX 1.1.2 of 2018, below which none
// is taken unless no other one fits: few files have one, and much of what later
// versions mean otherwise has the same form.
const oldest = 6

// versions gives m the operator-set versions that b is told, and guesses those
// of the other domains of its nodes; see [Backend.Opsets].
func (b *Backend) versions(ctx context.Context, m *graph.Model) error {
	m.Opsets = make(map[string]int)
	for domain, version := range b.Opsets {
		m.Opsets[graph.NormalDomain(domain)] = version
	}
	b.guessed = make(map[string]int)
	fitting := make(map[string][]int)
	for _, n := range m.Graph.Nodes {
		if _, told := m.Opsets[n.Domain]; told {
			continue
		}
		versions, err := fit(m.Graph, n.Domain)
		if err != nil {
			return err
		}
		fitting[n.Domain] = versions
		b.guessed[n.Domain], m.Opsets[n.Domain] = versions[0], versions[0]
	}
	for domain, versions := range fitting {
		if err := certain(ctx, m, domain, versions); err != nil {
			return err
		}
		b.guessed[domain] = m.Opsets[domain]
	}
	for _, n := range m.Graph.Nodes {
		n.Version = m.Opsets[n.Domain]
	}
	return nil
}

// fit returns the versions of a domain in which all of g's operators from it
// have the form in which they are in g, newest first. It is an error if there is
// none.
func fit(g *graph.Graph, domain string) ([]int, error) {
	var versions []int
	var misfit error
	for version := operators.NewestOpset(domain); version > 0; version-- {
		if domain == "" && version < oldest && len(versions) > 0 {
			break
		}
		if err := fits(g, domain, version); err == nil {
			versions = append(versions, version)
		} else if misfit == nil {
			misfit = err
		}
	}
	if len(versions) == 0 {
		return nil, &LossError{[]string{fmt.Sprintf("the version of operator set %s, and none has all operators in the form in which they came: %v", display(domain), misfit)}}
	}
	return versions, nil
}

// fits holds the nodes of a domain against the schemas of a version. A Dropout
// that would train, as it did below version 7 if no attribute said otherwise,
// is taken for one of a later version.
func fits(g *graph.Graph, domain string, version int) error {
	for _, n := range g.Nodes {
		if n.Domain != domain {
			continue
		}
		n.Version = version
		if err := operators.CheckForm(n); err != nil {
			return fmt.Errorf("in version %d, node %s: %w", version, n.Label(), err)
		}
		if n.Operator() == "Dropout" && version < 7 && !n.Bool("is_test", false) {
			return fmt.Errorf("in version %d, node %s trains", version, n.Label())
		}
	}
	return nil
}

// certain sets m's version of a domain to the newest of versions under which it
// lifts. It is an error if the model means something else under another one.
func certain(ctx context.Context, m *graph.Model, domain string, versions []int) error {
	var newest *graph.Graph
	for _, version := range classes(m.Graph, domain, versions) {
		trial := *m
		trial.Opsets = maps.Clone(m.Opsets)
		trial.Opsets[domain] = version
		g, err := canonical(ctx, &trial)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("onnxgo: %w", ctx.Err())
		case err != nil:
			continue // a form that this version does not have after all
		case newest == nil:
			newest, m.Opsets[domain] = g, version
			continue
		}
		if n := difference(newest, g); n != nil {
			return &LossError{[]string{fmt.Sprintf("the version of operator set %s, which Backend.Opsets can tell: node %s means one thing in version %d and another in version %d",
				display(domain), n.Source[0].Label(), version, m.Opsets[domain])}}
		}
	}
	return nil
}

// classes returns the newest version of each run of versions, newest first,
// among which all operators of a domain are the same.
func classes(g *graph.Graph, domain string, versions []int) []int {
	since := func(version int) map[string]int {
		of := make(map[string]int)
		for _, n := range g.Nodes {
			if s, ok := operators.Lookup(domain, n.Op, version); ok && n.Domain == domain {
				of[n.Op] = s.Since
			}
		}
		return of
	}
	return slices.CompactFunc(slices.Clone(versions), func(a, b int) bool { return maps.Equal(since(a), since(b)) })
}

// canonical returns m's graph in canonical form, or an error if it cannot run.
func canonical(ctx context.Context, m *graph.Model) (*graph.Graph, error) {
	g, err := opset.Lift(ctx, m)
	if err != nil {
		return nil, err
	}
	facts, err := infer.Run(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	infer.Annotate(g, facts)
	return g, optimize.Run(ctx, g, facts)
}

// display returns a domain as people write it.
func display(domain string) string {
	if domain == "" {
		return "ai.onnx"
	}
	return domain
}

// spell returns for example "ai.onnx 13, ai.onnx.ml 3".
func spell(versions map[string]int) string {
	var parts []string
	for _, domain := range slices.Sorted(maps.Keys(versions)) {
		parts = append(parts, fmt.Sprintf("%s %d", display(domain), versions[domain]))
	}
	return strings.Join(parts, ", ")
}
