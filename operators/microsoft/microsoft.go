// Package microsoft adds the operators of the domain com.microsoft that ONNX
// Runtime's tools write into models, and the two that they write into ai.onnx
// without ONNX knowing them. It is linked by a blank import:
//
//	import _ "example.com/midplane/operators/microsoft"
//
// It is also the example of how a vendor adds a domain: nothing in the rest of
// the library knows of it. Most operators are expressed by ONNX's own, so that
// every device runs them and their types follow; those for which that is not
// natural have a reference implementation, and the attentions have both, which
// tests hold against each other.
//
// The specification is docs/ContribOperators.md of ONNX Runtime. Forms that one
// execution provider alone defines (prepacked weights, quantized key-value
// caches) are refused, with an error that says so.
package microsoft

import (
	"strings"

	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// Domain is the domain of the operators here.
const Domain = "com.microsoft"

// operator is all that this package says of an operator. Its version is 1.
type operator struct {
	schema operators.Schema

	rule    graph.Rewrite  // expresses it by others; nil if nothing does
	compute reference.Func // computes it; nil where the rule is enough
	infer   infer.Func     // finds its types; nil where they follow from the rule
}

// families gathers the tables of every file.
var families = [][]operator{activations, normalizations, products, attentions, quantized, movements}

func init() {
	for _, family := range families {
		for _, o := range family {
			operators.Register(o.schema)
			name := o.schema.Operator()
			if _, known := decompose.Lookup(name); o.schema.Domain == "" && known {
				continue // an old version of one of ONNX's own operators
			}
			if o.rule != nil {
				decompose.Register(name, o.rule)
			}
			if o.compute != nil {
				reference.Register(name, o.compute)
			}
			if o.infer != nil {
				infer.Register(name, o.infer)
			}
		}
	}
}

// define returns the schema of an operator of version 1. Parameters are written
// as "name type", with "?" behind an optional one and "…" behind one that stands
// for any number of any of its types. Types gives those of each type variable.
func define(name, inputs, outputs string, types map[string][]string, attributes ...operators.AttributeSchema) operators.Schema {
	s := operators.Schema{Domain: Domain, Name: name, Since: 1, Attributes: attributes}
	s.Inputs, s.MinInputs, s.MaxInputs = parameters(inputs)
	s.Outputs, s.MinOutputs, s.MaxOutputs = parameters(outputs)
	for variable, allowed := range types {
		c := operators.Constraint{Name: variable}
		for _, t := range allowed {
			c.Types = append(c.Types, "tensor("+t+")")
		}
		s.Types = append(s.Types, c)
	}
	return s
}

// parameters reads "X T, bias T?" and returns how many there are at least and at
// most.
func parameters(list string) (formal []operators.Parameter, least, most int) {
	for i, text := range strings.Split(list, ", ") {
		name, kind, _ := strings.Cut(text, " ")
		p := operators.Parameter{Name: name}
		kind, p.Optional = strings.CutSuffix(kind, "?")
		p.Type, p.Variadic = strings.CutSuffix(kind, "…")
		p.Heterogeneous = p.Variadic
		formal = append(formal, p)
		most = i + 1
		if !p.Optional {
			least = i + 1
		}
		if p.Variadic {
			most = operators.Unbounded
		}
	}
	return formal, least, most
}

// set is an attribute with a default.
func set(name string, value any) operators.AttributeSchema {
	a := may(name, operators.IntAttribute)
	switch value.(type) {
	case float32:
		a.Type = operators.FloatAttribute
	case string:
		a.Type = operators.StringAttribute
	}
	a.Default = value
	return a
}

// may is an attribute without a default.
func may(name string, t operators.AttributeType) operators.AttributeSchema {
	return operators.AttributeSchema{Name: name, Type: t}
}

// must is an attribute that every node sets.
func must(name string, t operators.AttributeType) operators.AttributeSchema {
	return operators.AttributeSchema{Name: name, Type: t, Required: true}
}

// The lists of types that several operators allow.
var (
	reals      = map[string][]string{"T": {"float", "double", "float16", "bfloat16"}}
	halves     = map[string][]string{"T": {"float", "float16"}}
	bytesOnly  = []string{"int8", "uint8"}
	neuralOnly = []string{"float", "float16", "bfloat16"}
)
